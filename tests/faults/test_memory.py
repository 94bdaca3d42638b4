"""Files that are too much for memory, examined in processes of their own or in little of this one."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit import shop
from trimtab.contract.contract import load_contract
from trimtab.contract.examination import examine_file
from trimtab.contract.part import PartCheck
from trimtab.project import load_project

CHILD = """
import json, sys, tempfile
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.unit import shop
from trimtab.contract.contract import load_contract
from trimtab.contract.examination import examine_file
from trimtab.contract.part import PartCheck
from trimtab.project import load_project
from trimtab.reading.sources import FileSource

class Made:
    '''A file that is made as it is read.'''
    def __init__(self, size):
        self.size, self.number, self.made, self.rest = size, 0, 0, shop.HEADER.encode() + b"\\n"
    def open(self, start=0, stop=None):
        assert (start, stop) == (0, None)
        return self
    def read(self, size):
        while len(self.rest) < size and self.made < self.size:
            tail = b",2013-01-01T05:00:00Z,Rome,2.5,3,a@example.org,1\\n"
            block = b"".join(b"p%d" % n + tail for n in range(self.number, self.number + 20000))
            self.number, self.made, self.rest = self.number + 20000, self.made + len(block), self.rest + block
        block, self.rest = self.rest[:size], self.rest[size:]
        return block
    def verify(self): pass
    def close(self): pass

def peak():
    # Not ru_maxrss, which begins with the peak of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024

with tempfile.TemporaryDirectory() as folder:
    settings = shop.PROJECT.replace("max_bytes = 100000", "part_bytes = 8000000\\nmax_bytes = 1000000000")
    project_folder = shop.make_folder(Path(folder), project=settings)
    project = load_project(project_folder)
    contract = load_contract(project_folder, project)
    found = examine_file({source}, PartCheck(contract, project, Path(folder)))
    files = len(found.clean.files) if found.clean else 0
    code, reason = (found.refusal.code, str(found.refusal)) if found.refusal else (None, None)
    print(json.dumps(dict(rows=found.rows, parts=files, code=code, reason=reason, peak=peak())))
"""


def examined(source: str, root: Path) -> dict[str, Any]:
    """Examine a source in a process of its own; return what was found, and the process's peak in MB."""
    code = CHILD.format(root=str(root), source=source)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_F11_a_file_is_streamed_in_memory_that_does_not_grow_with_it(root: Path) -> None:
    small, large = (examined(f"Made({size})", root) for size in (10_000_000, 60_000_000))
    assert small["code"] is large["code"] is None
    assert large["rows"] > 5 * small["rows"]
    assert large["parts"] > small["parts"]
    assert large["peak"] < 700, "MB, of which pandas and pandera take a good hundred"
    assert large["peak"] < small["peak"] + 120, "MB: six times the file, about the same memory"


def test_F12_a_bomb_of_small_ratio_bound_is_refused_in_little_memory(tmp_path: Path, root: Path) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(shop.good() + (b"\n" * 2**20) * 200))
    assert bomb.stat().st_size < 300_000
    found = examined(f"FileSource(Path({str(bomb)!r}))", root)
    assert found["code"] == "TOO_COMPRESSED"
    assert "200 times its size" in found["reason"]
    assert found["peak"] < 700, "MB; a chunk of nothing but line breaks is the dearest there is"


class Long:
    """A file of one row that never ends, made as it is read, which counts what was asked of it."""

    size = 500_000_000

    def __init__(self, head: bytes) -> None:
        """Begin with `head`."""
        self.head, self.given = head, 0

    def open(self, start: int = 0, stop: int | None = None) -> "Long":
        """Open it."""
        return self

    def read(self, size: int) -> bytes:
        """Return more of it."""
        block, self.head = self.head[:size], self.head[size:]
        block += b"x" * min(size - len(block), self.size - self.given)
        self.given += len(block)
        return block

    def verify(self) -> None:
        """Accept it."""

    def close(self) -> None:
        """Close it."""


@pytest.mark.parametrize("head", [b"", shop.good(), shop.good() + b'p99,"'])
def test_F13_a_row_of_500_mb_is_refused_after_little_of_it(head: bytes, tmp_path: Path) -> None:
    folder = shop.make_folder(tmp_path, project=shop.PROJECT.replace("max_bytes = 100000", ""))
    project, source = load_project(folder), Long(head)
    found = examine_file(source, PartCheck(load_contract(folder, project), project, tmp_path))
    assert found.refusal is not None
    assert found.refusal.code == "TOO_LONG"
    assert "data.max_record_bytes" in found.refusal.reason or "no header" in found.refusal.reason
    assert source.given < 12_000_000

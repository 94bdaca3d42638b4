"""`python -m benchmarks.data_versions`: many small files as one version, by DVC and by Trimtab, in one run.

Both talk to the same local server. DVC copies the files: `add` into its cache, `push` into the bucket.
Trimtab records files that lie in the bucket; what it takes to put them there is shown beside it, and what DVC
takes to import them from there, which downloads them.
"""

import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from localcloud import LocalCloud
from tests.interop.dvc_environment import ensure_dvc
from trimtab import names

COUNTS = (1, 1_000, 10_000)
ROOT = Path(__file__).parents[1]
BUCKET = "lake"


@dataclass(frozen=True)
class Cost:
    """What one way of working took."""

    work: str
    seconds: float
    cpu_seconds: float  # of the command alone, without the server's
    requests: int


class Bench:
    """The local server, and what is measured against it."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        """Make the buckets and the table."""
        self.cloud, self.folder = cloud, folder
        self.s3 = cloud.client("s3")
        for bucket in (BUCKET, names.data_bucket("dev", cloud.account, cloud.region)):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        cloud.client("dynamodb").create_table(
            TableName=names.table("dev"),
            AttributeDefinitions=keys,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        home = {"DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR", "HOME"}
        self.variables = {
            **os.environ,
            **cloud.variables,
            **dict.fromkeys(home, str(folder / "home")),
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
            "DVC_NO_ANALYTICS": "1",
        }

    def measure(self, work: str, act: Callable[[], object]) -> Cost:
        """Time one piece of work and count its requests."""
        calls, cpu, started = self._calls(), _cpu_of_commands(), time.perf_counter()
        act()
        seconds = time.perf_counter() - started
        return Cost(work, seconds, _cpu_of_commands() - cpu, self._calls() - calls)

    def run(self, folder: Path, *command: str | Path) -> None:
        """Run a command to its end."""
        subprocess.run(command, cwd=folder, env=self.variables, check=True, capture_output=True)

    def costs(self, count: int) -> list[Cost]:
        """Measure one number of files."""
        repository = self.folder / f"dvc-{count}"
        files = repository / "files"
        files.mkdir(parents=True)
        for number in range(count):
            (files / f"{number:05d}.csv").write_text(f"x,y\n{number},{count}\n")
        dvc, trimtab = ensure_dvc(ROOT), Path(sys.executable).with_name("trimtab")
        self.run(repository, dvc, "init", "--no-scm")
        self.run(repository, dvc, "remote", "add", "--default", "store", f"s3://{BUCKET}/dvc-{count}")
        prefix = f"trimtab-{count}"
        address = f"s3://{BUCKET}/{prefix}/"
        return [
            self.measure("dvc add", lambda: self.run(repository, dvc, "add", "files")),
            self.measure("dvc push", lambda: self.run(repository, dvc, "push")),
            self.measure("put them there (8 threads)", lambda: self._put(files, prefix)),
            self.measure(
                "trimtab data register",
                lambda: self.run(ROOT, trimtab, "data", "register", address, "--project", "flights"),
            ),
            self.measure(
                "dvc import-url --version-aware",
                lambda: self.run(repository, dvc, "import-url", "--version-aware", address.rstrip("/")),
            ),
        ]

    def _put(self, files: Path, prefix: str) -> None:
        def put(path: Path) -> None:
            self.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.name}", Body=path.read_bytes())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, files.iterdir()))

    def _calls(self) -> int:
        with urllib.request.urlopen(f"{self.cloud.endpoint_url}/localcloud/status") as answer:  # noqa: S310
            return int(json.load(answer)["calls"])


def _cpu_of_commands() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(counts: tuple[int, ...]) -> None:
    """Measure and print."""
    table = Table(title="One version of many small files, against one local server")
    for name in ("files", "work", "seconds", "processor seconds", "requests"):
        table.add_column(name, justify="left" if name == "work" else "right")
    with LocalCloud() as cloud, TemporaryDirectory() as folder:
        bench = Bench(cloud, Path(folder))
        for count in counts:
            for cost in bench.costs(count):
                cpu = f"{cost.cpu_seconds:.1f}" if cost.cpu_seconds else "-"
                row = (f"{count:,}", cost.work, f"{cost.seconds:.1f}", cpu, f"{cost.requests:,}")
                table.add_row(*row)
            table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or COUNTS)

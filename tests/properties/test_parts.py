"""Laws of parts: wherever a file is cut, counted side by side or read in one go, the parts are the same."""

import csv
import gzip
import io
import itertools
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import shop
from tests.unit.examining import BytesSource
from trimtab.contract import part as contract_part
from trimtab.contract.contract import load_contract
from trimtab.contract.examination import Examination, examine_file, finish, with_stops
from trimtab.contract.part import PartCheck
from trimtab.project import load_project
from trimtab.project.settings import Data
from trimtab.reading.files import TextFile
from trimtab.reading.plan import part_count, places, tallies
from trimtab.reading.records import Tally
from trimtab.reading.rows import Place, Rows, Wanted

WANTED = Wanted({"a": "text", "b": "text"}, ("a", "b"))
CELLS = st.text(alphabet='ab,"\n\r é', max_size=6).map(lambda text: text.replace("\r", "\r\n"))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a CSV file as a library writes it, with line breaks, quotes and delimiters in its cells."""
    out = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(out, quoting=quoting, lineterminator=ends)  # type: ignore[arg-type]
    writer.writerow(["a", "b"])
    writer.writerows(draw(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30)))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    whole = mark + out.getvalue().encode()
    return whole if draw(st.booleans()) else whole.rstrip(b"\r\n")


def rules_of(part_bytes: int) -> Data:
    """Return settings of CSV files with small parts."""
    return Data(timestamp="a", label="b", null_tokens=(), part_bytes=part_bytes, max_bytes=400 * part_bytes)


def by_part(rows: list[Rows]) -> list[tuple[int, int, int, list[dict[str, str]], list[int]]]:
    """Return what each part holds: its place, and its rows with their numbers."""
    found = []
    for part, group in itertools.groupby(rows, lambda one: one.place.part):
        batches = list(group)
        place = batches[0].place
        table = pa.concat_tables([one.table for one in batches])
        numbers = np.concatenate([one.numbers for one in batches])
        found.append((part, place.start, place.first_row, table.to_pylist(), numbers.tolist()))
    return found


@settings(deadline=None, max_examples=60)
@given(files(), st.integers(1, 120))
def test_counting_ranges_finds_the_parts_that_one_pass_finds(data: bytes, part_bytes: int) -> None:
    if len(data) > 400 * part_bytes:
        return
    source, rules = BytesSource(data), rules_of(part_bytes)
    once = by_part(list(TextFile(source, WANTED, rules).rows()))
    last = part_count(len(data), part_bytes) - 1
    counted = list(tallies(source, 0, last, quoted=True, part_bytes=part_bytes))
    file = TextFile(source, WANTED, rules)
    planned = places(file, counted, len(data))
    apart = by_part([rows for place in reversed(planned) for rows in file.rows(place)])
    assert sorted(apart, key=lambda part: part[0]) == once


@settings(deadline=None, max_examples=60)
@given(files(), st.integers(1, 120))
def test_where_the_parts_lie_does_not_change_the_rows(data: bytes, part_bytes: int) -> None:
    if len(data) > 400 * part_bytes:
        return
    whole = by_part(list(TextFile(BytesSource(data), WANTED, rules_of(10**6)).rows()))
    parts = by_part(list(TextFile(BytesSource(data), WANTED, rules_of(part_bytes)).rows()))
    assert [row for part in parts for row in part[3]] == [row for part in whole for row in part[3]]
    assert [number for part in parts for number in part[4]] == [n for part in whole for n in part[4]]
    stored = TextFile(BytesSource(gzip.compress(data)), WANTED, rules_of(part_bytes))
    assert by_part(list(stored.rows())) == parts
    for part in parts:
        place = Place(part[0], part[1], None, part[2])
        again = [rows for rows in stored.rows(place) if rows.place.part == part[0]]
        assert [row for rows in again for row in rows.table.to_pylist()] == part[3]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(alphabet='a"\n', max_size=8), max_size=8), st.booleans())
def test_tallies_of_neighbours_add_up_in_any_grouping(texts: list[str], quoted: bool) -> None:
    blocks = [text.encode() for text in texts]
    starts = np.cumsum([0, *(len(block) for block in blocks)]).tolist()
    parts = [Tally.of(block, start, quoted=quoted) for block, start in zip(blocks, starts, strict=False)]
    whole = Tally.of(b"".join(blocks), 0, quoted=quoted)
    left, right = Tally.none(), Tally.none()
    for part in parts:
        left += part
    for part in reversed(parts):
        right = part + right
    if quoted and any(b'"' in block for block in blocks):
        assert left == right == whole
    assert (left.ends[0], left.first[0], left.turns) == (whole.ends[0], whole.first[0], whole.turns)
    assert left == right


def said(examined: Examination) -> dict[str, Any]:
    """Return all that an examination says, with the bytes of its files."""
    clean, refusal = examined.clean, examined.refusal
    return {
        "verdict": (examined.verdict, refusal and (refusal.code, refusal.reason)),
        "counts": (examined.rows, examined.accepted, examined.bad),
        "findings": examined.findings,
        "set_aside": b"".join(path.read_bytes() for path in examined.set_aside),
        "files": [file.path.read_bytes() for file in clean.files] if clean else None,
        "order": clean.order if clean else None,
    }


# A week around each change of the clocks of 2013: many of these times were shown twice, or never.
CHANGES = {
    "America/New_York": (datetime(2013, 11, 3, 1), datetime(2013, 3, 10, 2)),  # noqa: DTZ001 - local times
    "Australia/Sydney": (datetime(2013, 4, 7, 2), datetime(2013, 10, 6, 2)),  # noqa: DTZ001
}
NEAR = st.one_of(st.integers(0, 59), st.integers(-4_000, 4_000))
ZONE = st.sampled_from(["", "", "", "Z", "+02:00"])


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(CHANGES)),
    st.lists(st.tuples(st.booleans(), NEAR, ZONE), min_size=4, max_size=40),
    st.integers(100, 700),
    st.sampled_from([0, 1_000, 2**20]),
    st.sampled_from([7, 1_000]),
)
def test_local_times_give_the_same_in_one_pass_and_part_by_part(
    zone: str, times: list[tuple[bool, int, str]], part_bytes: int, room: int, ids: int
) -> None:
    texts = [
        f"{CHANGES[zone][is_spring] + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}{suffix}"
        for is_spring, minutes, suffix in times
    ]
    data = shop.upload(shop.row(number % ids, at=text) for number, text in enumerate(texts))
    lines = f'timezone = "{zone}"\npart_bytes = {part_bytes}\n'
    text = shop.PROJECT.replace("max_bytes = 100000", "max_bytes = 40000").replace("0.25", "0.6")
    with TemporaryDirectory() as folder:
        home = shop.make_folder(Path(folder), project=text.replace("[features]", f"{lines}[features]"))
        project = load_project(home)
        once, apart = (PartCheck(load_contract(home, project), project, Path(folder) / n) for n in "ab")
        once.folder.mkdir()
        apart.folder.mkdir()
        source, rules = BytesSource(data), project.data
        last = part_count(len(data), part_bytes) - 1
        counted = list(tallies(source, 0, last, quoted=True, part_bytes=part_bytes))
        file = TextFile(source, apart.wanted, rules)
        planned = places(file, counted, len(data))
        whole = said(examine_file(source, once))
        with mock.patch.object(contract_part, "KEPT_BYTES", room):
            parts = {place.part: apart.examine(file.rows(place)) for place in reversed(planned)}
            by_parts = said(finish(file, with_stops([parts[place.part] for place in planned]), apart))
            assert said(examine_file(source, once)) == by_parts
        # Without room for its bad rows a part is examined again, and only a refused file sets aside fewer.
        if whole["verdict"][0] == "refused":
            assert set(by_parts.pop("set_aside").splitlines()) <= set(whole.pop("set_aside").splitlines())
        assert by_parts == whole

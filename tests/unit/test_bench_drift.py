"""The drift bench: what it measures is a process alone, and the page says which bars are missed."""

import sys

import pytest

from benchmarks.drift.process import Cost, WorkFailed, median, run
from benchmarks.drift.report import engine_section, peers_section, streams_section
from benchmarks.drift.rows import CARDINALITIES, KINDS, make_rows
from benchmarks.page import write_section


def sections(slower):
    def cost(seconds, megabytes=100.0, rows=1_000_000):
        told = {"cpu": seconds, "wall": seconds, "rows": rows, "drifted": ["n00"]}
        return Cost(seconds, seconds, megabytes, told)

    stored = Cost(1, 1, 1, {"bytes": 400_000})
    engine = {
        "stored": stored,
        "decode": cost(1),
        "compare": cost(2 * slower),
        "moments": cost(2 * slower + 1),
    }
    handlers = {f"{name}{end}": cost(0.5) for name in ("a", "b") for end in ("", " without runtime")}
    streams = {"1 M": cost(1), "10 M": cost(10 * slower, rows=10_000_000)}
    peers = {"trimtab": cost(1), "evidently": cost(150), "whylogs": cost(50), "nannyml": cost(30 / slower)}
    return engine_section(engine | handlers, 3), peers_section(peers, 1, 9), streams_section(streams, 3)


def test_the_page_names_the_bars_that_are_missed():
    assert all(text.startswith("No bar is missed.") for text in sections(1.0))
    engine, peers, streams = (text.split("Measured on")[0] for text in sections(1.5))
    assert engine == "Bars missed: decode, profile, compare: counts, sums, nulls, extremes, all effects. "
    assert "NannyML 0.13.1" in peers
    assert "Evidently" not in peers
    assert streams == "Bars missed: 10 M rows. "


def test_a_section_is_rewritten_and_the_others_stay(tmp_path):
    path = tmp_path / "benchmarks.md"
    write_section("drift", "first", path)
    write_section("other", "stays", path)
    write_section("drift", "second", path)
    text = path.read_text()
    assert "first" not in text
    assert text.index("second") < text.index("stays")


def test_a_process_is_measured_alone():
    program = "import json; kept = b'x' * 200_000_000; print('noise'); print(json.dumps({'cpu': 1.0}))"
    large = run([sys.executable, "-S", "-c", program])
    assert large.told == {"cpu": 1.0}
    assert large.megabytes > 200
    assert 0 < large.cpu < large.wall + 1
    with pytest.raises(WorkFailed, match=r"exit code 3.*went wrong"):
        run([sys.executable, "-S", "-c", "import sys; print('went wrong', file=sys.stderr); sys.exit(3)"])


def test_medians_are_taken_of_what_was_told_too():
    costs = [Cost(wall, wall, 1.0, {"cpu": wall, "drifted": []}) for wall in (1.0, 9.0, 2.0)]
    assert median(costs) == Cost(2.0, 2.0, 1.0, {"cpu": 2.0, "drifted": []})


def test_rows_are_the_same_every_time():
    first, second = make_rows("current", 3, 2000), make_rows("current", 3, 2000)
    assert first.equals(second)
    assert not first.equals(make_rows("baseline", 3, 2000))
    assert first.column_names == list(KINDS)
    assert {name for name in KINDS if first[name].null_count} == {"n03", "n04", "n15"}
    assert len(set(first["c0"].to_pylist())) == CARDINALITIES[0]

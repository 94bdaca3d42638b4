"""Model Monitor's files as a baseline and a contract: what is exact, worth how much, and refused."""

import copy
import json
import runpy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tests.unit.model_monitor import Sketch, number_feature, statistics, text_feature
from trimtab.cli import main
from trimtab.drift import Baseline, Settings, compare
from trimtab.drift.model_monitor import read_constraints, read_statistics
from trimtab.drift.sketches import baseline_of
from trimtab.errors import BadInput
from trimtab.profile import CategoricalCounts, NumericCounts, Profile

ROWS = 30_000
STRICT = Settings(tolerance=0.0, min_weight=1e-6)


def world(rng: np.random.Generator, rows: int, *, shift: float = 0.0) -> dict[str, Any]:
    spend = np.exp(rng.normal(shift, 1, rows))
    spend[rng.random(rows) < 0.1] = np.nan
    return {
        "age": rng.normal(40 + 12 * shift, 12, rows),
        "visits": rng.poisson(3, rows).astype(np.float64),
        "spend": spend,
        "balance": np.where(rng.random(rows) < 0.6, 0.0, rng.normal(0, 100, rows)),
        "plan": rng.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]),
    }


def document(data: dict[str, Any], rows: int) -> dict[str, Any]:
    features = [
        text_feature(name, values) if values.dtype.kind == "U" else number_feature(name, values)
        for name, values in data.items()
    ]
    return statistics(rows, features)


def imported(found: dict[str, Any]) -> Baseline:
    return baseline_of(read_statistics(json.dumps(found).encode()))[0]


def profile(baseline: Baseline, data: dict[str, Any]) -> Profile:
    columns = {
        name: pa.array(values, mask=np.isnan(values) if values.dtype.kind == "f" else None)
        for name, values in data.items()
    }
    return Profile.of(baseline.profile.grid, pa.table(columns))


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return document(world(np.random.default_rng(1), ROWS), ROWS)


CONSTRAINTS: dict[str, Any] = {
    "version": 0.0,
    "features": [
        {"name": "age", "inferred_type": "Fractional", "completeness": 1.0,
         "num_constraints": {"is_non_negative": False}},
        {"name": "visits", "inferred_type": "Integral", "completeness": 1.0,
         "num_constraints": {"is_non_negative": True}},
        {"name": "spend", "inferred_type": "Fractional", "completeness": 0.9,
         "num_constraints": {"is_non_negative": True}},
        {"name": "plan", "inferred_type": "String", "completeness": 1.0,
         "string_constraints": {"domains": ["basic", "plus", "pro", "team"]}},
    ],
    "monitoring_config": {
        "evaluate_constraints": "Enabled",
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 1.0,
        "distribution_constraints": {
            "perform_comparison": "Enabled", "comparison_threshold": 0.1, "comparison_method": "Robust",
        },
    },
}  # fmt: skip


def test_rows_categories_nulls_and_extremes_are_exact(found: dict[str, Any]) -> None:
    data = world(np.random.default_rng(1), ROWS)
    baseline = imported(found)
    exact = profile(baseline, data)
    assert baseline.profile.rows == ROWS
    assert baseline.profile.columns["plan"] == exact.columns["plan"]
    for name in ("age", "visits", "spend", "balance"):
        ours, truth = baseline.profile.columns[name], exact.columns[name]
        assert isinstance(ours, NumericCounts)
        assert isinstance(truth, NumericCounts)
        assert (ours.present, ours.missing) == (truth.present, truth.missing)
        assert (ours.minimum, ours.maximum) == (truth.minimum, truth.maximum)
        assert 1_000 < baseline.equivalent_rows[name] < ROWS
    assert "plan" not in baseline.equivalent_rows


def test_a_sketch_that_kept_every_row_is_that_file() -> None:
    data = world(np.random.default_rng(2), 1_500)
    baseline = imported(document(data, 1_500))
    assert baseline.profile == profile(baseline, data)
    assert baseline.equivalent_rows == {}


def test_bytes_read_back_know_what_the_sketches_are_worth(found: dict[str, Any]) -> None:
    baseline = imported(found)
    stored = baseline.to_bytes()
    again = Baseline.from_bytes(stored)
    assert (again.key, again.equivalent_rows) == (baseline.key, baseline.equivalent_rows)
    # Code that has not heard of sketches refuses the file instead of trusting it.
    assert stored[:4] != Baseline(baseline.profile).to_bytes()[:4]


def test_the_worth_of_a_sketch_bounds_its_error() -> None:
    rng = np.random.default_rng(3)
    edges = np.quantile(rng.normal(size=100_000), [0.001, 0.003, 0.25, 0.5, 0.9, 0.999])
    errors, allowed = [], []
    for _ in range(30):
        values = rng.normal(size=40_000)
        sketch = Sketch()
        sketch.update(values)
        weights = np.concatenate([np.full(len(one), 2.0**i) for i, one in enumerate(sketch.levels)])
        items = np.concatenate(sketch.levels)
        truth = np.histogram(values, edges)[0] / len(values)
        errors.append(np.histogram(items, edges, weights=weights)[0] / len(values) - truth)
        worth = weights.sum() ** 2 / (weights**2).sum()
        allowed.append(truth * (1 - truth) / worth)
    assert (np.mean(np.square(errors), axis=0) < np.mean(allowed, axis=0)).all()


@pytest.mark.parametrize("sizes", [(12_000, 3_000), (60_000, 20_000)])
def test_windows_without_drift_alarm_at_most_as_often_as_alpha(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(60):
        baseline = imported(document(world(rng, sizes[0]), sizes[0]))
        alarms += compare(baseline, profile(baseline, world(rng, sizes[1])), STRICT).verdict == "drifted"
    assert alarms <= 3  # five in a hundred; tolerance 0, any column is an alarm


def test_a_shift_of_three_tenths_is_found() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        baseline = imported(document(world(rng, 20_000), 20_000))
        report = compare(baseline, profile(baseline, world(rng, 5_000, shift=0.3)), Settings())
        drifted = {one.name for one in report.features if one.verdict == "drifted"}
        assert drifted == {"age", "spend"}
        shifts = {one.name: one.detectable_shift for one in report.features}
        assert 0.1 < (shifts["age"] or 0) < 0.2


def test_a_sketch_worth_too_few_rows_leaves_a_column_undetermined() -> None:
    values = np.random.default_rng(6).normal(size=8_000)
    found = document({"age": values}, 8_000)
    kll = found["features"][0]["numerical_statistics"]["distribution"]["kll"]
    kll["sketch"]["data"] = [[] for _ in range(6)] + [np.sort(values)[::64].tolist()]
    baseline = imported(found)
    assert baseline.equivalent_rows == {"age": 125}
    (feature,) = compare(baseline, profile(baseline, {"age": values + 2}), Settings()).features
    assert (feature.verdict, feature.reason) == ("undetermined", "COARSE_BASELINE")


def test_columns_that_are_not_told_in_full_are_left_out(found: dict[str, Any]) -> None:
    found = copy.deepcopy(found)
    age, visits, _, _, plan = found["features"]
    del age["numerical_statistics"]["distribution"]["kll"]["sketch"]
    visits["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"] = [[0.0, 1.0]]
    plan["string_statistics"]["distribution"]["categorical"]["buckets"].pop()
    found["features"].append({"name": "mixed", "inferred_type": "Unknown"})
    baseline, notes = baseline_of(read_statistics(json.dumps(found).encode()))
    assert set(baseline.profile.columns) == {"spend", "balance"}
    assert [note.split(":")[0] for note in notes] == ["mixed", "age", "visits", "plan"]
    found["features"] = [age]
    with pytest.raises(BadInput, match="no column can be compared"):
        imported(found)


def test_ten_thousand_values_of_text_are_counted_one_by_one() -> None:
    names = np.array([f"shop {number}" for number in range(9_000)]).repeat(2)
    baseline = imported(document({"shop": names}, len(names)))
    counts = baseline.profile.columns["shop"]
    assert isinstance(counts, CategoricalCounts)
    assert (counts.distinct, counts.present, counts.hashed) == (9_000, 18_000, None)


def _mend(found: dict[str, Any], path: str, value: Any) -> bytes:
    found = copy.deepcopy(found)
    node: Any = found
    *keys, last = path.split("/")
    for key in keys:
        node = node[int(key) if key.isdigit() else key]
    if value is ...:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return json.dumps(found).encode()


NUMBERS = "features/0/numerical_statistics"
DATA = f"{NUMBERS}/distribution/kll/sketch/data"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("version", 1, "version 1, and this code reads 0"),
        ("version", ..., "has no 'version'"),
        ("dataset/item_count", -1, "item_count is -1"),
        ("dataset/item_count", 2.5, "item_count is 2.5"),
        ("dataset/item_count", True, "item_count is no number"),
        ("dataset/item_count", 2**60, "item_count is 11529"),
        ("dataset", [], "dataset is no object"),
        ("features", {}, "features is no list"),
        ("features/1/name", "age", "two features 'age'"),
        ("features/0/inferred_type", "Date", "feature 'age': inferred_type is 'Date'"),
        (NUMBERS, ..., "feature 'age' has no 'numerical_statistics'"),
        (
            f"{NUMBERS}/common/num_missing",
            5,
            "feature 'age': numerical_statistics.common counts 30,000 and 5",
        ),
        (f"{NUMBERS}/min", "low", "feature 'age': numerical_statistics.min is no number"),
        (f"{NUMBERS}/max", float("inf"), "max is no finite number"),
        (f"{NUMBERS}/max", 0, "holds values outside of min and max"),
        (f"{DATA}/0", [1, "2"], "sketch.data[0] is no list of numbers"),
        (f"{DATA}/0", [1, True], "sketch.data[0] is no list of numbers"),
        (f"{DATA}/0", [10**400], "sketch.data[0] holds a number that is not finite"),
        (DATA, [[]] * 60, "has 60 levels"),
        (
            "features/4/string_statistics/distribution/categorical/buckets/0/value",
            3,
            "buckets[0].value is no text",
        ),
        (
            "features/4/string_statistics/distribution/categorical/buckets/0/value",
            "\ud800",
            "value is no text",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_feature_and_key(
    found: dict[str, Any], path: str, value: Any, words: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read_statistics(_mend(found, path, value))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"[" * 100_000, b'{"version": 0, "dataset": 1}', b"\xff\xfe"]
)
def test_what_is_no_document_is_refused(text: bytes) -> None:
    for read in (read_statistics, read_constraints):
        with pytest.raises(BadInput):
            read(text)


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from _places(value, (*path, key))


SMALL = document({"spend": np.array([1.0, 2.5, np.nan, 4.0]), "plan": np.array(["a", "b", "b", "a"])}, 4)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
JSON = st.recursive(
    VALUES, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=2)
)


@settings(deadline=None)
@given(st.sampled_from(list(_places(SMALL))), JSON)
def test_whatever_stands_in_a_file_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    found = {"": copy.deepcopy(SMALL)}
    node: Any = found
    *keys, last = ("", *path)
    for key in keys:
        node = node[key]
    node[last] = value
    with suppress(BadInput):
        baseline = imported(found[""])
        assert Baseline.from_bytes(baseline.to_bytes()).profile == baseline.profile


def test_constraints_become_a_contract_and_settings(
    found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _run(monkeypatch, capsys, tmp_path, found, "--contract", "contract.py", "--json")
    told = json.loads(out)
    assert (code, told["rows"]) == (0, ROWS)
    assert told["features"][-1]["worth_rows"] == ROWS
    assert any(note.startswith("spend: ") for note in told["notes"])
    assert "# tolerance = 0.0632" in told["toml"]
    assert told["features"][0]["name"] == "age"
    contract = runpy.run_path(str(tmp_path / "contract.py"))["Contract"]
    good = {"age": [-1.0], "visits": [3], "spend": [None], "plan": ["team"]}
    contract.validate(pd.DataFrame(good).astype({"spend": float}))
    for name, bad in (("visits", -1), ("spend", -0.5), ("plan", "gold"), ("age", None)):
        with pytest.raises(Exception, match=name):
            contract.validate(pd.DataFrame({**good, name: [bad]}).astype({"spend": float, "age": float}))
    assert "is not overwritten" in _run(monkeypatch, capsys, tmp_path, found, "--contract", "contract.py")[2]


def test_without_constraints_the_contract_has_the_ranges_seen(
    found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = _run(monkeypatch, capsys, tmp_path, found, "--json", constraints=False)
    contract = json.loads(out)["contract"]
    assert "visits: Series[float] = pa.Field(ge=0.0, le=" in contract
    assert "plan: Series[str] = pa.Field(isin=['basic', 'plus', 'pro'])" in contract
    assert "spend: Series[float] = pa.Field(ge=" in contract
    assert "nullable=True" in contract


def test_files_are_compared_with_what_was_imported(
    found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, capsys, tmp_path, found)[0] == 0
    baseline = tmp_path / "imported.baseline"
    rng = np.random.default_rng(7)
    for name, shift, code in (("same", 0.0, 0), ("moved", 0.3, 1)):
        data = world(rng, 5_000, shift=shift) | {"extra": np.arange(5_000)}
        del data["balance"]
        parquet.write_table(pa.table(data), tmp_path / f"{name}.parquet")
        ended, out, err = _trimtab(
            monkeypatch, capsys, "compare", baseline, tmp_path / f"{name}.parquet", "--json"
        )
        told = json.loads(out)
        assert ended == code, (out, err)
        assert told["rows"] == {"baseline": ROWS, "current": 5_000}
        assert [part["name"] for part in told["features"] if part["verdict"] == "drifted"] == (
            ["spend", "age"] if shift else []
        )
        notes = " | ".join(told["notes"])
        assert "only the baseline has it: balance" in notes
        assert "only the current data has it: extra" in notes
        assert "3 of 4 columns from sketches" in notes
    moved = tmp_path / "moved.parquet"
    assert _trimtab(monkeypatch, capsys, "compare", baseline, moved, "--columns", "plan,visits")[0] == 0
    assert "alpha 0.05" in _trimtab(monkeypatch, capsys, "explain", "age", baseline, moved)[1]
    assert "no rows to slice" in _trimtab(monkeypatch, capsys, "compare", baseline, moved, "--slices", 9)[2]
    assert (
        "has a column 'x'" in _trimtab(monkeypatch, capsys, "compare", baseline, moved, "--columns", "x")[2]
    )
    baseline.write_bytes(baseline.read_bytes()[:900])
    code, _, err = _trimtab(monkeypatch, capsys, "compare", baseline, moved)
    assert (code, len(err.splitlines())) == (2, 1)


def _run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    found: dict[str, Any],
    *options: str,
    constraints: bool = True,
) -> tuple[int, str, str]:
    monkeypatch.chdir(folder)
    Path("statistics.json").write_text(json.dumps(found))
    Path("constraints.json").write_text(json.dumps(CONSTRAINTS))
    files = ["statistics.json", "constraints.json"] if constraints else ["statistics.json"]
    return _trimtab(monkeypatch, capsys, "import-constraints", *files, *options)


def _trimtab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["trimtab", "drift", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err

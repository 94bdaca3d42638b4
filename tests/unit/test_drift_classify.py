"""`trimtab drift classify` on files: what `compare` cannot see, exit codes, days, and misuse."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from trimtab.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def ask(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["trimtab", "drift", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return ask


def table(rows: int, seed: int, correlation: float) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=rows)
    start = datetime(2020, 1, seed, tzinfo=UTC)
    return pa.table({
        "id": [f"{seed}-{number}" for number in range(rows)],
        "at": pa.array([start + timedelta(minutes=20 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
        "a": pa.array(a, mask=rng.random(rows) < 0.05),
        "b": pa.array(correlation * a + np.sqrt(1 - correlation**2) * rng.normal(size=rows)),
        "place": pa.array(rng.choice(["Rome", "Nîmes", "Oslo"], rows)),
        "paid": pa.array(rng.random(rows) < 0.4),
    })  # fmt: skip


def test_what_no_column_shows_is_found(run, tmp_path: Path) -> None:
    parquet.write_table(table(2_000, 1, 0.7), tmp_path / "before.parquet")
    csv.write_csv(table(1_500, 2, -0.7), tmp_path / "swapped.csv")
    parquet.write_table(table(1_500, 3, 0.7), tmp_path / "same.parquet", row_group_size=300)
    files = (tmp_path / "before.parquet", tmp_path / "swapped.csv", "--ignore", "at", "--json")
    code, out, _ = run("compare", *files)
    verdicts = {part["name"]: part["verdict"] for part in json.loads(out)["features"]}
    assert (code, set(verdicts.values()) - {verdicts["id"]}) == (0, {"stable"})
    code, out, err = run("classify", *files)
    found = json.loads(out)
    assert (code, found["verdict"], found["reason"]) == (1, "drifted", None), err
    assert found["interval"][0] > 0.7
    assert found["p_value"] < 1e-6
    assert {part["name"] for part in found["features"][:2]} == {"a", "b"}
    assert found["rows"] == found["sampled"] == {"baseline": 2_000, "current": 1_500}
    assert "id: left out" in " ".join(found["notes"])
    same = (tmp_path / "before.parquet", tmp_path / "same.parquet", "--timestamp", "at")
    code, out, _ = run("classify", *same)
    assert (code, out.startswith("Stable: ")) == (0, True)
    few = (*same, "--rows", 400, "--seed", 5, "--json")
    code, out, _ = run("classify", *few)
    found = json.loads(out)
    assert found["sampled"] == {"baseline": 400, "current": 400}
    assert found["blocks"] == "days"
    assert found == json.loads(run("classify", *few)[1])
    assert code == {"stable": 0, "undetermined": 3}[found["verdict"]]


def test_few_rows_and_few_days_are_told(run, tmp_path: Path) -> None:
    parquet.write_table(table(150, 4, 0.0), tmp_path / "few.parquet")
    parquet.write_table(table(250, 5, 0.0), tmp_path / "days.parquet")
    code, out, _ = run("classify", tmp_path / "few.parquet", tmp_path / "few.parquet", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["reason"], found["auc"]) == (
        3,
        "undetermined",
        "TOO_FEW_ROWS",
        None,
    )
    days = tmp_path / "days.parquet"
    found = json.loads(run("classify", days, days, "--timestamp", "at", "--json")[1])
    assert "fewer than 6 days" in " ".join(found["notes"])


def test_misuse_is_one_sentence_and_exit_code_2(run, tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    parquet.write_table(table(300, 6, 0.0), good)
    assert "give an AUC" in run("classify", good, good, "--tolerance", 2)[2]
    assert "has a column 'x'" in run("classify", good, good, "--columns", "x")[2]
    assert "no column 'x'" in run("classify", good, good, "--timestamp", "x")[2]
    code, out, err = run("classify", good, good, "--columns", "id,at")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "no column is left to tell rows by" in err

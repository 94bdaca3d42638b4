"""Labels that come late are compared with those of the training data, and the report tells of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.watched import BASELINE, NAME, TRAINING, Watched, checkout, send_month, watched
from trimtab.cli import main
from trimtab.drift import Settings
from trimtab.drift.labels import compare_labels


def labels_of(rows: pa.Table) -> dict[str, Any]:
    late = np.array(rows["late"].to_pylist())
    weeks = [late[start : start + 420] for start in range(0, len(late), 420)]
    slices = [[len(week), int(week.sum())] for week in weeks]
    return {"rows": len(late), "positive": int(late.sum()), "slices": slices, "seasons": []}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path):
    with watched(tmp_path, monkeypatch) as found:
        checkout(tmp_path, root)
        monkeypatch.chdir(tmp_path)
        labels = labels_of(TRAINING)
        found.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE, auc=0.83, labels=labels)
        yield found


def measured(world: Watched, rows: pa.Table) -> dict[str, Any]:
    world.run("2013-04-01T06:00:00Z")
    world.join("joined", rows, "2013-05-01T02:00:00Z")
    world.run("2013-05-01T06:00:00Z")
    item = world.window("2013-03")
    assert item is not None
    found: dict[str, Any] = item["performance"]["label_drift"]
    return found


def report(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.argv", ["trimtab", "report", NAME, "--window", "2013-03", "--to", "reports"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return Path(f"reports/{NAME}-2013-03.html").read_text()


def test_labels_like_those_of_the_training_data_are_stable(world, monkeypatch):
    rows = send_month(world, "2013-03", 31, seed=2)
    world.run("2013-04-01T06:00:00Z")
    assert "No labels had come when this was written." in report(monkeypatch)
    found = measured(world, rows)
    assert (found["verdict"], found["calibrated"]) == ("stable", True)
    assert found["share"] == pytest.approx(0.5, abs=0.03)
    page = report(monkeypatch)
    assert "of the training data were" in page
    assert "AUC 0.8" in page
    assert "0.830 on the days that it was judged by before" in page
    assert "Predictions" in page
    document = json.loads(Path(f"reports/{NAME}-2013-03.json").read_text())
    assert document["performance"]["label_drift"]["verdict"] == "stable"


def test_labels_that_came_to_be_rare_have_drifted_though_no_column_did(world, monkeypatch):
    rows = send_month(world, "2013-03", 31, seed=2)
    late = np.array(rows["late"].to_pylist())
    late[::3] = 0
    place = rows.column_names.index("late")
    found = measured(world, rows.set_column(place, "late", pa.array(late)))
    assert found["verdict"] == "drifted"
    item = world.window("2013-03")
    assert item["verdict"] == "stable"
    assert f"{100 * late.mean():.1f} % of 1,860 are positive" in report(monkeypatch)


def test_a_version_that_was_not_told_of_its_labels_has_no_verdict_on_them(world):
    world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
    rows = send_month(world, "2013-03", 31)
    assert measured(world, rows) is None


@pytest.mark.parametrize(("rows", "positive"), [(0, 0), (10, 10), (2000, 0), (2000, 2000)])
def test_few_labels_and_labels_of_one_kind_have_an_answer(rows: int, positive: int) -> None:
    found = compare_labels(labels_of(TRAINING), rows, positive, Settings())
    assert found["verdict"] == ("undetermined" if rows < 200 else "drifted")
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_labels_are_compared_with_their_season() -> None:
    slices = [[1000, 100 + number] for number in range(8)] + [[1000, 500 + number] for number in range(8)]
    trained = {
        "rows": 16_000,
        "positive": sum(positive for _, positive in slices),
        "slices": slices,
        "seasons": ["weekend"] * 8 + ["working days"] * 8,
    }
    verdicts = {
        (season, share): compare_labels(trained, 1000, share, Settings(), season)["verdict"]
        for season in ("weekend", "working days")
        for share in (100, 500)
    }
    assert [key for key, verdict in verdicts.items() if verdict == "drifted"] == [
        ("weekend", 500),
        ("working days", 100),
    ]

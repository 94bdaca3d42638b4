"""What a project says of single columns and of seasons: in a window's verdict, in its report, on a laptop."""

import json
import re
import shlex
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from tests.unit.watched import BASELINE, NAME, WEEKS, Watched, checkout, parcels, send_month, watched
from trimtab.cli import main
from trimtab.drift import Baseline
from trimtab.profile import Profile


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def ask(line: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["trimtab", "drift", *shlex.split(line)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return ask


def judged(world: Watched, month: str) -> tuple[dict[str, Any], dict[str, Any]]:
    item = world.window(month)
    assert item is not None
    return item, world.data.get_json(item["report_key"])


@pytest.mark.parametrize(
    ("more", "verdict", "drifted"),
    [
        ("", "drifted", ["weight"]),
        ("[monitor.columns.weight]\ntolerance = 0.9", "stable", []),
        ("[monitor.columns.weight]\nignore = true", "stable", []),
        ("[monitor.columns.weight]\nweight = 0.01", "stable", ["weight"]),
    ],
)
def test_a_window_is_judged_by_what_the_project_says_of_a_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, verdict: str, drifted: list[str]
) -> None:
    with watched(tmp_path, monkeypatch, more) as world:
        world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
        send_month(world, "2013-03", 31, heavier=0.8)
        world.run("2013-04-01T06:00:00Z")
        item, report = judged(world, "2013-03")
    assert item["verdict"] == verdict
    assert [part["name"] for part in report["features"] if part["verdict"] == "drifted"] == drifted
    assert ("weight" in [part["name"] for part in report["features"]]) == ("ignore" not in more)


def test_a_window_is_compared_with_its_own_season(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heavier = [Profile.of(WEEKS[0].grid, parcels("2012-03-01", 7, seed=9 + n, heavier=0.8)) for n in range(8)]
    slices = (*WEEKS, *heavier)
    seasons = ("January",) * 8 + ("March",) * 8
    baseline = replace(BASELINE, profile=Profile.merged(slices), slices=slices, seasons=seasons)
    with watched(tmp_path, monkeypatch, 'season = "month"') as world:
        world.promote(1, "2013-03-01T02:00:00Z", baseline=baseline)
        send_month(world, "2013-03", 31, heavier=0.8)
        send_month(world, "2013-04", 30, heavier=0.8)
        world.run("2013-05-01T06:00:00Z")
        march, april = judged(world, "2013-03"), judged(world, "2013-04")
        pages = [
            world.data.get(item["report_key"].replace(".json", ".html")).decode()
            for item, _ in (march, april)
        ]
    assert (march[0]["verdict"], march[1]["season"]) == ("stable", {"name": "March", "known": True})
    assert march[1]["rows"]["baseline"] == 8 * 7 * 60
    assert april[1]["season"] == {"name": "April", "known": False}
    assert april[1]["rows"]["baseline"] == 16 * 7 * 60
    assert "own season counts: March." in pages[0]
    assert "no slice of the window" in pages[1]


def test_judged_windows_are_replayed_with_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path, run
) -> None:
    with watched(tmp_path, monkeypatch) as world:
        checkout(tmp_path, root)
        monkeypatch.chdir(tmp_path)
        code, _, err = run(f"backtest --project {NAME}")
        assert (code, "no month of parcels has been judged in dev yet" in err) == (2, True)
        world.promote(1, "2013-03-01T02:00:00Z", baseline=BASELINE)
        heavier = {"2013-03": (31, 0.0), "2013-04": (30, 0.8), "2013-05": (31, 0.8), "2013-06": (30, 0.8)}
        for month, (days, more) in heavier.items():
            send_month(world, month, days, heavier=more)
        world.run("2013-06-01T06:00:00Z")
        world.promote(2, "2013-06-15T02:00:00Z", baseline=BASELINE)
        world.run("2013-07-01T06:00:00Z")
        found = json.loads(run(f"backtest --project {NAME} --json")[1])
        assert [row["verdict"] for row in found["windows"]] == ["stable"] + ["drifted"] * 3
        assert [row["champion_version"] for row in found["windows"]] == [1, 1, 1, 2]
        # What the monitor published, window by window.
        recorded = [judged(world, month)[0]["persistent"] for month in heavier]
        assert [int(row["persistent"]) for row in found["windows"]] == recorded == [0, 0, 1, 0]
        assert found["alarms"] == {"count": 1, "windows": ["2013-05"]}
        at_once = json.loads(run(f"backtest --project {NAME} --needed 1 --of 1 --json")[1])
        assert at_once["alarms"] == {"count": 1, "windows": ["2013-04"]}
        dull = json.loads(run(f"backtest --project {NAME} --tolerance 0.9 --json")[1])
        assert dull["alarms"]["count"] == 0
        assert run(f"backtest --project {NAME} --needed 4")[0] == 2
        code, _, err = run(f"backtest --project {NAME} --timestamp at")
        assert (code, "--timestamp belongs to a file" in err) == (2, True)
        assert run("backtest")[0] == 2
        lines = re.findall(
            r"^trimtab drift (backtest --project .*)$", (root / "docs/drift.md").read_text(), re.M
        )
        assert [run(line.replace("flights", NAME))[0] for line in lines] == [0, 0]
        world.table.delete(f"WINDOW#{NAME}", "2013-05")
        found = json.loads(run(f"backtest --project {NAME} --json")[1])
        assert [row["window"] for row in found["windows"]] == ["2013-03", "2013-04", "2013-06"]
        assert found["windows"][2]["persistent"] is None  # May could have been anything


def test_files_are_compared_as_the_project_reads_weighs_and_watches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path, run
) -> None:
    with watched(tmp_path, monkeypatch, "[monitor.columns.place]\ntolerance = 0.5") as world:
        checkout(tmp_path, root)
        monkeypatch.chdir(tmp_path)
        settings = tmp_path / "pipelines" / NAME / "project.toml"
        how = 'delimiter = ";"\nencoding = "cp1250"\nnull_tokens = ["keine"]\n'
        settings.write_text(settings.read_text().replace("[data]\n", f"[data]\n{how}"))
        for name, rows in (
            ("before", parcels("2013-01-01", 56, seed=1)),
            ("now", parcels("2013-03-01", 31, seed=2, heavier=0.8)),
        ):
            sink = tmp_path / f"{name}.csv"
            csv.write_csv(
                rows.drop_columns(["model_version"]),
                sink,
                csv.WriteOptions(delimiter=";", quoting_style="needed"),
            )
            text = sink.read_text().replace("Oslo", "Łódź").replace("Rome", "keine")
            sink.write_bytes(text.encode("cp1250"))
        line = f"compare before.csv now.csv --project {NAME} --json"
        found = json.loads(run(line)[1])
        parts = {part["name"]: part for part in found["features"]}
        assert sorted(parts) == ["place", "weight"]
        assert parts["place"]["effects"]["missing"] == pytest.approx(1 / 3, abs=0.05)
        assert (parts["place"]["tolerance"], parts["weight"]["tolerance"]) == (0.5, 0.001)
        assert (found["verdict"], parts["weight"]["weight"]) == ("drifted", 0.5)
        # The champion leans on the place: its weights come only from an environment that is named.
        world.promote(
            1, "2013-03-01T02:00:00Z", baseline=Baseline(BASELINE.profile, (), {"place": 9, "weight": 1})
        )
        found = json.loads(run(f"{line} -e dev")[1])
        assert (found["verdict"], found["weight"]) == ("stable", pytest.approx(0.1))
        assert "name the project" in run("compare before.csv now.csv -e dev")[2]
        code, out, err = run(
            f"backtest before.csv --project {NAME} --window week --baseline-until 2013-02-01 --json"
        )
        assert code == 0, err
        assert json.loads(out)["settings"]["window"] == "week"


def test_history_is_replayed_season_by_season(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path, run
) -> None:
    """Weekends are another world than working days; told apart, neither drifts."""
    start = date(2013, 1, 7)  # a Monday
    days = [
        parcels(str(start + timedelta(days=n)), 1, per_day=300, seed=n, heavier=2.0 * (n % 7 >= 5))
        for n in range(84)
    ]
    parquet.write_table(pa.concat_tables(days), tmp_path / "history.parquet")
    with watched(tmp_path, monkeypatch):
        checkout(tmp_path, root)
        monkeypatch.chdir(tmp_path)
        settings = tmp_path / "pipelines" / NAME / "project.toml"
        text = settings.read_text().replace('window = "month"', 'window = "day"')
        line = (
            f"backtest history.parquet --project {NAME} --baseline-until 2013-03-04 --columns weight --json"
        )
        verdicts = {}
        for season in ("", 'season = "weekend"\n', 'season = "weekday"\n'):
            settings.write_text(text + season)
            code, out, err = run(f"{line} --json")
            assert code == 0, err
            verdicts[season] = [row["verdict"] for row in json.loads(out)["windows"]]
    assert verdicts[""].count("drifted") >= 8
    assert verdicts['season = "weekend"\n'] == ["stable"] * 28
    assert verdicts['season = "weekday"\n'] == ["stable"] * 28

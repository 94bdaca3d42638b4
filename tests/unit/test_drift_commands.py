"""`trimtab drift` on files: verdicts, exit codes, reports, and one sentence for each misuse."""

import gzip
import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import numpy as np
import pyarrow as pa
import pytest
from moto import mock_aws
from pyarrow import csv, parquet

from demo.data import load_year, upload_csv
from tests.unit.model_monitor import number_feature, statistics, text_feature
from trimtab.aws import clients
from trimtab.cli import main
from trimtab.cli.drift_compare import in_order
from trimtab.profile import Grid, Profile

WEATHER = {"temp", "dewp", "pressure", "wind_speed"}


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("months")
    for number, name in enumerate(("january", "february"), 1):
        (folder / f"{name}.csv").write_bytes(upload_csv(number))
    parquet.write_table(load_year(), folder / "history.parquet")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def ask(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["trimtab", "drift", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return ask


def table(rows: int, seed: int, *, shift: float = 0.0, start: datetime | None = None) -> pa.Table:
    random = np.random.default_rng(seed)
    start = start or datetime(2020, 1, 1, tzinfo=UTC)
    return pa.table({
        "id": [f"{seed}-{number}" for number in range(rows)],
        "at": pa.array([start + timedelta(minutes=20 * n) for n in range(rows)], pa.timestamp("us", "UTC")),
        "weight": pa.array(random.normal(shift, 1, rows)),
        "size": pa.array(random.integers(0, 50, rows) + int(shift * 10)),
        "place": pa.array(random.choice(["Rome", "Nîmes", "Oslo"], rows)),
        "paid": pa.array(random.random(rows) < 0.5 - shift / 4),
    })  # fmt: skip


def write_model_monitor(folder: Path) -> None:
    """Write what Model Monitor would have made of January."""
    january = csv.read_csv(folder / "january.csv")
    features = [
        number_feature(name, january[name].cast(pa.float64()).to_numpy()) for name in ("distance", "temp")
    ]
    features.append(text_feature("carrier", np.array(january["carrier"].to_pylist(), dtype=str)))
    (folder / "statistics.json").write_text(json.dumps(statistics(january.num_rows, features)))
    limits = [
        {"name": one["name"], "inferred_type": one["inferred_type"], "completeness": 1.0} for one in features
    ]
    (folder / "constraints.json").write_text(json.dumps({"version": 0.0, "features": limits}))


def write_jsonl(data: pa.Table, path: Path) -> None:
    lines = [json.dumps(row, default=lambda at: at.isoformat()) for row in data.to_pylist()]
    path.write_text("\n".join(lines) + "\n")


def test_the_weather_of_february_drifted_and_the_flights_did_not(months: Path, run, tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    code, out, _ = run("compare", months / "january.csv", months / "february.csv", "--json", "--html", page)
    found = json.loads(out)
    assert (code, found["verdict"]) == (1, "drifted")
    assert found["rows"] == {"baseline": 26_268, "current": 23_587}
    verdicts = {part["name"]: part["verdict"] for part in found["features"]}
    assert {name for name, verdict in verdicts.items() if verdict == "drifted"} >= WEATHER
    assert {verdicts[name] for name in ("carrier", "dest", "origin", "distance")} == {"stable"}
    reasons = {part["name"]: part["reason"] for part in found["features"]}
    assert reasons["prediction_id"] == "HIGH_CARDINALITY"
    assert {"psi", "js", "ks", "wasserstein", "hellinger"} <= set(found["features"][0]["effects"])
    assert not found["calibrated"]
    text = page.read_text()
    assert "Drifted: " in text
    assert "<svg" in text
    assert "against the baseline of" not in text


def test_what_a_column_does_by_itself_is_no_drift(months: Path, run) -> None:
    files = (months / "january.csv", months / "february.csv")
    code, out, _ = run("compare", *files, "--timestamp", "scheduled_departure", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["calibrated"]) == (0, "stable", True)
    assert "31 days" in " ".join(found["notes"])
    assert run("compare", *files, "--slices", 10, "--ignore", "prediction_id,scheduled_departure")[0] == 0


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_formats_give_the_same_answer(run, tmp_path: Path, shift: float) -> None:
    before, now = table(3_000, 1), table(2_000, 2, shift=shift)
    parquet.write_table(before, tmp_path / "before.parquet")
    parquet.write_table(now, tmp_path / "now.parquet", row_group_size=300)
    csv.write_csv(now, tmp_path / "now.csv")
    (tmp_path / "now.csv.gz").write_bytes(gzip.compress((tmp_path / "now.csv").read_bytes()))
    write_jsonl(now, tmp_path / "now.jsonl")
    (tmp_path / "parts").mkdir()
    parquet.write_table(now.slice(0, 900), tmp_path / "parts/a.parquet")
    csv.write_csv(now.slice(900), tmp_path / "parts/b.csv")
    (tmp_path / "parts/_SUCCESS").touch()
    answers = []
    for name in ("now.parquet", "now.csv", "now.csv.gz", "now.jsonl", "parts"):
        code, out, err = run("compare", tmp_path / "before.parquet", tmp_path / name, "--json")
        assert code == (1 if shift else 0), (name, out, err)
        answers.append({part["name"]: part for part in json.loads(out)["features"]})
    for answer in answers[1:]:
        for name, part in answer.items():
            same = answers[0][name]
            assert (part["verdict"], part["kind"]) == (same["verdict"], same["kind"]), name
            assert part["effects"] == pytest.approx(same["effects"], abs=1e-9), name
    assert answers[0]["id"]["reason"] == "HIGH_CARDINALITY"
    assert answers[0]["weight"]["verdict"] == answers[0]["paid"]["verdict"]


def test_captured_requests_are_read(run, tmp_path: Path) -> None:
    for name, shift in (("was", 0.0), ("is", 2.0)):
        data = table(600, 3, shift=shift)
        lines = []
        for place in range(0, 600, 100):
            ids = [f"p{number}" for number in range(place, place + 100)]
            weights = data["weight"].to_pylist()[place : place + 100]
            asked = "prediction_id,weight\n" + "".join(
                f"{one},{weight}\n" for one, weight in zip(ids, weights, strict=True)
            )
            answer = "prediction_id,model_version,score\n" + "".join(f"{one},1,0.25\n" for one in ids)
            sides = {
                side: {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}
                for side, mode, text in (
                    ("endpointInput", "INPUT", asked),
                    ("endpointOutput", "OUTPUT", answer),
                )
            }
            event = {"eventId": str(place), "inferenceTime": "2020-01-01T00:00:00Z"}
            lines.append(json.dumps({"captureData": sides, "eventMetadata": event, "eventVersion": "0"}))
        (tmp_path / name / "2020/01").mkdir(parents=True)
        (tmp_path / name / "2020/01/00.jsonl").write_text("\n".join(lines))
    code, out, err = run("compare", tmp_path / "was", tmp_path / "is", "--ignore", "prediction_id", "--json")
    verdicts = {part["name"]: part["verdict"] for part in json.loads(out)["features"]}
    assert (code, verdicts) == (1, {"weight": "drifted", "score": "stable"}), err


def test_objects_below_a_prefix_are_read(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    parquet.write_table(table(500, 4), tmp_path / "x.parquet")
    with mock_aws():
        clients._client.cache_clear()
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="lake")
        for number in (1, 2):
            body = (tmp_path / "x.parquet").read_bytes()
            s3.put_object(Bucket="lake", Key=f"days/{number}.parquet", Body=body)
        code, out, err = run("compare", "s3://lake/days/1.parquet", "s3://lake/days/", "--json")
        assert code == 0, err
        assert json.loads(out)["rows"] == {"baseline": 500, "current": 1_000}
        assert run("compare", "s3://lake/days/", "s3://lake/nights/")[0] == 2
    clients._client.cache_clear()


def test_too_few_rows_are_undetermined(run, tmp_path: Path) -> None:
    parquet.write_table(table(50, 5), tmp_path / "few.parquet")
    code, out, _ = run("compare", tmp_path / "few.parquet", tmp_path / "few.parquet", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["reason"]) == (3, "undetermined", "TOO_FEW_ROWS")


def test_columns_of_one_side_and_bad_cells_are_told(run, tmp_path: Path) -> None:
    before, now = table(500, 6), table(500, 7)
    sizes = ["many" if place < 3 else str(size) for place, size in enumerate(now["size"].to_pylist())]
    now = now.drop_columns(["paid"]).append_column("colour", pa.array(["red"] * 500))
    now = now.set_column(now.column_names.index("size"), "size", pa.array(sizes))
    parquet.write_table(before, tmp_path / "before.parquet")
    csv.write_csv(now, tmp_path / "now.csv")
    _, out, _ = run("compare", tmp_path / "before.parquet", tmp_path / "now.csv", "--json")
    notes = " | ".join(json.loads(out)["notes"])
    assert "only the baseline has it: paid" in notes
    assert "only the current data has it: colour" in notes
    assert "3 cells of size" in notes
    with (tmp_path / "now.csv").open("a") as file:
        file.write("one,two\n")
    _, out, _ = run("compare", tmp_path / "before.parquet", tmp_path / "now.csv", "--json")
    assert "1 rows of" in " | ".join(json.loads(out)["notes"])
    assert {part["name"] for part in json.loads(out)["features"]} == {"id", "at", "weight", "size", "place"}


def test_misuse_is_one_sentence_and_exit_code_2(run, tmp_path: Path) -> None:
    parquet.write_table(table(300, 8), tmp_path / "good.parquet")
    parquet.write_table(pa.table({"other": [1, 2]}), tmp_path / "other.parquet")
    parquet.write_table(table(0, 8), tmp_path / "norows.parquet")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "notes.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "fake.parquet").write_text("a,b\n1,2\n")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "good.parquet").read_bytes()[:900])
    (tmp_path / "array.json").write_text("[1, 2]")
    (tmp_path / "nothing").mkdir()
    said = {
        "absent.csv": "does not exist",
        "empty.csv": "is empty",
        "norows.parquet": "no rows",
        "other.parquet": "no column in common",
        "notes.xlsx": "unknown format",
        "fake.parquet": "no Parquet file",
        "cut.parquet": "cannot be read",
        "array.json": "one object a line",
        "nothing": "holds no Parquet",
    }
    for name, words in said.items():
        code, out, err = run("compare", tmp_path / "good.parquet", tmp_path / name)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (name, err)
        assert words in err, (name, err)
    good = tmp_path / "good.parquet"
    assert "has a column 'x'" in run("compare", good, good, "--columns", "x")[2]
    assert "give one of them" in run("compare", good, good, "--timestamp", "at", "--slices", 3)[2]
    assert "is not compared" in run("explain", "x", good, good)[2]
    replayed = run("backtest", good, "--timestamp", "at", "--baseline-until", "1990-01-01")
    assert replayed[0] == 2
    assert "no rows before" in replayed[2]


def test_explain_draws_and_reasons(months: Path, run) -> None:
    code, out, _ = run("explain", "temp", months / "january.csv", months / "february.csv")
    assert code == 0
    assert "█" in out
    for words in ("23,587 rows", "more than the 0.03 sd", "alpha 0.05", "would have been seen", "drifted."):
        assert words in " ".join(out.split()), words


def test_backtest_says_when_an_alarm_had_come(run, tmp_path: Path) -> None:
    start = datetime(2020, 1, 6, tzinfo=UTC)  # a Monday
    calm = table(72 * 7 * 14, 9, start=start)
    moved = table(72 * 7 * 4, 10, shift=1.0, start=start + timedelta(weeks=14))
    parquet.write_table(pa.concat_tables([calm, moved]), tmp_path / "history.parquet")
    arguments = ("--timestamp", "at", "--window", "week", "--baseline-until", "2020-03-09", "--json")
    code, out, _ = run("backtest", tmp_path / "history.parquet", *arguments, "--ignore", "id")
    found = json.loads(out)
    assert code == 0
    assert found["baseline"] == {"until": "2020-03-09", "rows": 72 * 7 * 9, "slices": 9}
    verdicts = [row["verdict"] for row in found["windows"]]
    assert verdicts == ["stable"] * 5 + ["drifted"] * 4
    # The second drifted week in a row makes it persistent; it is one alarm, however long it lasts.
    assert found["alarms"] == {"count": 1, "windows": [found["windows"][6]["window"]]}


def test_slices_in_order_hold_every_row_once() -> None:
    data = table(10_000, 11).select(["weight", "place"])
    grid = Grid.from_table(data, {"weight": "numeric", "place": "categorical"})
    slices = in_order(grid, (data.slice(at, 700) for at in range(0, 10_000, 700)), 3)
    assert Profile.merged(slices) == Profile.of(grid, data)
    assert len(slices) == 3
    assert max(part.rows for part in slices) < 4_200


def test_every_command_of_the_page_runs(
    months: Path, run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(months)
    write_model_monitor(months)
    blocks = re.findall(r"```sh\n(.*?)```", (root / "docs/drift.md").read_text(), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if "athena://" not in line]
    lines = [shlex.split(line) for line in commands]
    assert {line[2] for line in lines} == {
        "compare", "explain", "backtest", "classify", "import-constraints",
    }  # fmt: skip
    codes = []
    for line in lines:
        assert line[:2] == [".venv/bin/trimtab", "drift"]
        code, out, err = run(*line[2:])
        assert out.strip()
        assert not err
        codes.append(code)
    assert codes == [1, 0, 0, 0, 0, 3, 0, 1]
    assert (months / "drift.html").is_file()

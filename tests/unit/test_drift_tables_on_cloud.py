"""`trimtab drift` on a table of the Glue catalog: Athena's counts make the same report as the files do."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.compute
import pytest
from pyarrow import csv, parquet

from demo.data import load_year, upload_csv
from localcloud import LocalCloud
from trimtab.aws import clients
from trimtab.aws.athena import Athena, find_table
from trimtab.cli import main
from trimtab.drift import Baseline
from trimtab.errors import BadInput, Gone
from trimtab.profile import Grid, Profile

pc: Any = pyarrow.compute

type Run = Callable[..., tuple[int, str, str]]
TYPES = {
    "string": "string", "int64": "bigint", "int8": "tinyint", "double": "double",
    "timestamp[us, tz=UTC]": "timestamp",
}  # fmt: skip
ANSWERS = "s3://lake/answers/"


@pytest.fixture(scope="module")
def flights() -> dict[int, pa.Table]:
    """Return two months of flights with instants that are typed."""
    year = load_year()
    at = pc.strptime(year["scheduled_departure"], format="%Y-%m-%dT%H:%M:%SZ", unit="us").cast(
        pa.timestamp("us", tz="UTC")
    )
    typed = year.set_column(year.column_names.index("scheduled_departure"), "scheduled_departure", at)
    months = pc.month(at)
    return {month: typed.filter(pc.equal(months, month)) for month in (1, 2)}


@pytest.fixture(scope="module")
def lake(flights: dict[int, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Lay the flights in a table with a partition for each month; return a client of the lake's bucket."""
    folder = tmp_path_factory.mktemp("lake")
    with LocalCloud(start=datetime(2013, 3, 1, tzinfo=UTC)) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.variables.items():
            patch.setenv(name, value)
        clients._client.cache_clear()
        s3, glue = boto3.client("s3"), boto3.client("glue")
        s3.create_bucket(Bucket="lake")
        for month, rows in flights.items():
            parquet.write_table(rows, folder / "part", row_group_size=5_000)
            s3.upload_file(str(folder / "part"), "lake", f"flights/month={month}/part-0.parquet")
        glue.create_database(DatabaseInput={"Name": "lake"})
        columns = [{"Name": field.name, "Type": TYPES[str(field.type)]} for field in flights[1].schema]
        glue.create_table(
            DatabaseName="lake",
            TableInput={
                "Name": "flights",
                "PartitionKeys": [{"Name": "month", "Type": "int"}],
                "StorageDescriptor": {
                    "Columns": columns,
                    "Location": "s3://lake/flights/",
                    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                },
            },
        )
        yield s3
        clients._client.cache_clear()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def ask(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["trimtab", "drift", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return ask


def left_over(s3: Any) -> int:
    return int(s3.list_objects_v2(Bucket="lake", Prefix="answers/")["KeyCount"])


def test_athena_and_the_files_give_one_profile(lake: Any, flights: dict[int, pa.Table]) -> None:
    kinds: dict[str, Any] = {
        "distance": "numeric", "temp": "numeric", "wind_dir": "numeric", "late": "categorical",
        "carrier": "categorical", "scheduled_departure": "timestamp", "prediction_id": "categorical",
    }  # fmt: skip
    grid = Grid.from_table(flights[1], kinds)
    found, _ = Athena(results=ANSWERS).profile(find_table("lake", "flights"), grid, "month = 2")
    assert found.key == Profile.of(grid, flights[2]).key
    assert found.columns["prediction_id"].present == flights[2].num_rows > 20_000
    assert left_over(lake) == 0


def test_a_table_is_compared_as_its_files_are(
    lake: Any, flights: dict[int, pa.Table], run: Run, tmp_path: Path
) -> None:
    (tmp_path / "january.csv").write_bytes(upload_csv(1))
    parquet.write_table(flights[2], tmp_path / "february.parquet")
    reports = []
    for current in (
        (tmp_path / "february.parquet",),
        ("athena://lake/flights", "--where", "month = 2", "--results", ANSWERS),
    ):
        code, out, err = run("compare", tmp_path / "january.csv", *current, "--json")
        assert code == 1, err
        reports.append(json.loads(out))
    for key in ("verdict", "rows", "features", "weight"):
        assert reports[0][key] == reports[1][key], key
    assert any(note.startswith("Athena scanned ") for note in reports[1]["notes"])
    assert "not compared, because only the current data has it: month" in reports[1]["notes"]


def test_names_in_upper_case_are_found_in_a_table_that_has_them_in_lower_case(
    lake: Any, flights: dict[int, pa.Table], run: Run, tmp_path: Path
) -> None:
    parquet.write_table(flights[1].select(["temp"]).rename_columns(["Temp"]), tmp_path / "january.parquet")
    code, out, err = run(
        "compare", tmp_path / "january.parquet", "athena://lake/flights", "--results", ANSWERS, "--json"
    )
    assert code in {0, 1}, err
    assert [part["name"] for part in json.loads(out)["features"]] == ["Temp"]


def test_a_stored_baseline_is_compared_with_a_table(
    lake: Any, flights: dict[int, pa.Table], run: Run, tmp_path: Path
) -> None:
    rows = flights[1].append_column("gate", pa.array(["A"] * flights[1].num_rows))
    kinds: dict[str, Any] = {"temp": "numeric", "carrier": "categorical", "gate": "categorical"}
    baseline = Baseline(Profile.of(Grid.from_table(rows, kinds), rows))
    (tmp_path / "january.baseline").write_bytes(baseline.to_bytes())
    code, out, err = run(
        "compare", tmp_path / "january.baseline", "athena://lake/flights", "--where", "month = 2",
        "--results", ANSWERS, "--json",
    )  # fmt: skip
    assert code == 1, err
    found = json.loads(out)
    assert found["rows"]["current"] == flights[2].num_rows
    assert "not compared, because only the baseline has it: gate" in found["notes"]


def test_misuse_of_tables_is_one_sentence_and_leaves_nothing_behind(
    lake: Any, run: Run, tmp_path: Path
) -> None:
    csv.write_csv(pa.table({"temp": [1.5, 2.5], "carrier": ["AA", "UA"]}), tmp_path / "was.csv")
    csv.write_csv(pa.table({"carrier": [1.5, 2.5]}), tmp_path / "other.csv")
    was, table = tmp_path / "was.csv", "athena://lake/flights"
    for arguments, words in (
        ((was, "athena://lake"), "athena://DATABASE/TABLE"),
        ((was, "athena://lake/trains"), "no table lake.trains"),
        ((table, was), "only the current side"),
        ((was, was, "--where", "month = 2"), "about a table"),
        ((was, table), "no place for results"),
        ((was, table, "--results", ANSWERS, "--where", "month = 12"), "no rows that hold"),
        ((was, table, "--results", ANSWERS, "--where", "mont = 2"), "did not count table lake.flights"),
        ((was, table, "--results", ANSWERS, "--where", "month = "), "did not count table lake.flights"),
        ((tmp_path / "other.csv", table, "--results", ANSWERS), "'carrier' has type string, which is no num"),
    ):
        code, out, err = run("compare", *arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (arguments, err)
        assert words in err, (arguments, err)
    assert left_over(lake) == 0
    with pytest.raises(Gone, match=r"no table lake\.trains"):
        find_table("lake", "trains")


def test_more_columns_than_a_statement_holds_are_refused(lake: Any) -> None:
    table = find_table("lake", "flights")
    grid = Grid.from_table(pa.table({"temp": [1.0]}), {"temp": "numeric"})
    with pytest.raises(BadInput, match="too many columns for one statement"):
        Athena(results=ANSWERS).profile(table, grid, "month = 2 OR " * 25_000 + "month = 2")


def test_every_command_of_the_page_about_tables_runs(
    lake: Any, run: Run, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "january.csv").write_bytes(upload_csv(1))
    blocks = re.findall(r"```sh\n(.*?)```", (root / "docs/drift.md").read_text(), re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines() if "athena://" in line]
    assert len(lines) == 2
    for line in lines:
        assert line[:2] == [".venv/bin/trimtab", "drift"]
        code, out, err = run(*line[2:])
        assert code in {0, 1}, err
        assert out.strip()

"""Reading captured traffic."""

import base64
import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from trimtab.captured import SKIPPED_LINES, UNREADABLE_CELLS, count_of, read_captured

HEADER = "prediction_id,at,place,weight\n"
ANSWER = "prediction_id,model_version,score\n"


def line(rows: str, answers: str, when: str = "2013-03-01T00:00:00Z", **changes: object) -> bytes:
    """Return one captured line, as SageMaker writes it."""
    captured = {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "encoding": "CSV"},
        "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "encoding": "CSV"},
    }
    captured["endpointInput"]["data"] = HEADER + rows
    captured["endpointOutput"]["data"] = ANSWER + answers
    captured["endpointInput"].update({name: str(value) for name, value in changes.items()})
    document = {
        "captureData": captured,
        "eventMetadata": {"eventId": "b5c2", "inferenceTime": when},
        "eventVersion": "0",
    }
    return json.dumps(document).encode() + b"\n"


def test_rows_of_several_requests_come_with_their_answers_and_the_time_of_the_request() -> None:
    lines = line("a,t1,x,1.5\nb,t2,,2\n", "a,3,0.25\nb,3,0.5\n")
    lines += line("c,t3,NA,z\n", "c,4,1\n", when="2013-03-01T01:00:00.5Z")
    table = read_captured(lines, numeric=("weight", "not sent"))
    assert table.column_names == [
        "prediction_id", "at", "place", "weight", "model_version", "score", "captured_at"
    ]  # fmt: skip
    assert table["place"].to_pylist() == ["x", None, None]
    assert table["weight"].to_pylist() == [1.5, 2.0, None]
    assert table["model_version"].to_pylist() == ["3", "3", "4"]
    assert table["score"].to_pylist() == [0.25, 0.5, 1.0]
    assert table["captured_at"].to_pylist()[1:] == [
        datetime(2013, 3, 1, tzinfo=UTC),
        datetime(2013, 3, 1, 1, 0, 0, 500_000, tzinfo=UTC),
    ]
    assert (count_of(table, SKIPPED_LINES), count_of(table, UNREADABLE_CELLS)) == (0, 1)


def test_quoted_line_breaks_windows_line_ends_and_a_missing_last_line_end_are_read() -> None:
    lines = line('a,t,"x\ny",1\r\nb,t,"q ""r""",2\r\n', "a,1,0.1\r\nb,1,0.2") + line("c,t,z,3", "c,1,0.3")
    table = read_captured(lines)
    assert table["place"].to_pylist() == ["x\ny", 'q "r"', "z"]
    assert table["weight"].to_pylist() == ["1", "2", "3"]


def test_a_payload_in_base64_is_read() -> None:
    data = base64.b64encode((HEADER + "a,t,x,1\n").encode()).decode()
    table = read_captured(line("", "a,1,0.5\n", encoding="BASE64", data=data))
    assert table["prediction_id"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    "bad",
    [
        b"{not json\n",
        b'{"captureData": {}}\n',
        b"[1]\n",
        line("x,t,p,1\n", "y,1,0.5\n"),
        line("x,t,p,1\n", "x,1,0.5\nz,1,0.5\n"),
        line("x,t,p,1\n", "x,1,high\n"),
        line("x,t,p,1\n", "x,1,nan\n"),
        line("x,t,p\n", "x,1,0.5\n"),
        line("x,t,p,1\n", "x,1,0.5\n", when="2013-03-01T00:00:00"),
        line("x,t,p,1\n", "x,1,0.5\n", encoding="JSON"),
    ],
)
def test_a_damaged_line_costs_itself_only_and_is_counted(bad: bytes) -> None:
    table = read_captured(line("a,t,p,1\n", "a,1,0.5\n") + bad + line("b,t,p,1\n", "b,1,0.5\n"))
    assert table["prediction_id"].to_pylist() == ["a", "b"]
    assert count_of(table, SKIPPED_LINES) == 1


def test_requests_with_a_new_column_are_read_next_to_those_without() -> None:
    newer = line("", "b,1,0.5\n", data="prediction_id,at,place,weight,age\nb,t,p,1,7\n")
    table = read_captured(line("a,t,p,1\n", "a,1,0.5\n") + newer)
    assert table["age"].to_pylist() == [None, "7"]


def test_the_probes_of_a_deployment_are_no_traffic() -> None:
    lines = line("trimtab-probe-1,t1,x,1\n", "trimtab-probe-1,2,0.5\n") + line("a,t1,x,1\n", "a,2,0.5\n")
    assert read_captured(lines)["prediction_id"].to_pylist() == ["a"]


def test_no_line_gives_a_table_without_rows_but_with_the_answers_columns() -> None:
    table = read_captured(b"", prediction_id="id")
    assert table.num_rows == 0
    assert table.column_names == ["id", "model_version", "score", "captured_at"]


def test_reading_imports_neither_pandas_nor_the_cloud() -> None:
    code = (
        "import sys; from trimtab.captured import read_captured;"
        f"t = read_captured({line('a,t,p,1\n', 'a,1,0.5\n')!r}, numeric=('weight',)); assert t.num_rows == 1;"
        "print([name for name in ('pandas', 'boto3', 'pandera', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_month_of_single_row_requests_is_read_in_seconds() -> None:
    lines = b"".join(line(f"r{number},t,p,{number}\n", f"r{number},1,0.5\n") for number in range(10_000))
    started = time.perf_counter()
    table = read_captured(lines, numeric=("weight",))
    assert table.num_rows == 10_000
    assert time.perf_counter() - started < 3

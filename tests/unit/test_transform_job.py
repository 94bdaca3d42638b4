"""Files for batch scoring are cut into parts that a model takes, whole records each, and joined again."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.training_world import check_request
from trimtab.errors import BadInput
from trimtab.model.transform_job import cut_csv, job_name, join_answers, transform_request

CELLS = st.text(st.sampled_from('ab,"\n é'), max_size=6)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30)


def written(rows: list[tuple[str, str]]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return sink.getvalue().encode()


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


@given(rows=ROWS, most=st.integers(40, 200))
def test_parts_hold_all_rows_in_order_each_with_the_header(rows: list[tuple[str, str]], most: int) -> None:
    whole = b"id,note\n" + written(rows)
    parts = list(cut_csv(io.BytesIO(whole), most))
    assert all(len(part) <= most for part in parts)
    tables = [read(part) for part in parts]
    assert all(table[0] == ["id", "note"] and len(table) > 1 for table in tables)
    assert [row for table in tables for row in table[1:]] == [list(row) for row in rows]
    assert b"".join(join_answers(parts)) == whole


def test_a_small_file_is_one_part_whatever_ends_it() -> None:
    for text in (b"id\n1", b"id\n1\n", b"\xef\xbb\xbfid\r\n1\r\n"):
        [part] = cut_csv(io.BytesIO(text), 100)
        assert read(part) == [["id"], ["1"]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no rows"),
        (b"id,note\n", "no rows"),
        (b'id,note\n1,"a', "inside a quoted field"),
        (b"id,note\n1," + b"x" * 100, "--payload-mb"),
    ],
)
def test_a_file_that_cannot_be_scored_says_why(text: bytes, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        list(cut_csv(io.BytesIO(text), 50))


@pytest.mark.parametrize("instance_type", ["ml.m5.large", "ml.m5d.large"])
def test_the_request_is_one_that_sagemaker_accepts(instance_type: str) -> None:
    request = transform_request(
        project="flights",
        environment="dev",
        job=job_name("a" * 24, {"at": "now"}),
        model="trimtab-dev-flights-v1-01234567",
        source="s3://bucket/scoring/flights/in/",
        target="s3://bucket/scoring/flights/out",
        instance_type=instance_type,
        key_arn="arn:aws:kms:us-east-1:123456789012:alias/trimtab-dev",
    )
    check_request("CreateTransformJob", request)
    assert ("VolumeKmsKeyId" in request["TransformResources"]) == (instance_type == "ml.m5.large")
    # A CSV file has a header: split by lines, all requests but the first would lack it.
    assert request["TransformInput"]["SplitType"] == "None"

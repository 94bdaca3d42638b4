"""Conditional writes are atomic: of eight that race, exactly one wins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud

THREADS, ROUNDS = 8, 25


@pytest.fixture
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def race(attempt: Callable[[int], Any]) -> list[str]:
    """Return what became of each of the attempts made at once: "won", or the code of the refusal."""
    barrier = Barrier(THREADS)

    def run(number: int) -> str:
        barrier.wait()
        try:
            attempt(number)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "won"

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.mark.usefixtures("_switching_often")
def test_one_of_eight_wins_a_conditional_put_to_s3(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="races")
    etag = s3.put_object(Bucket="races", Key="pointer", Body=b"start")["ETag"]
    for number in range(ROUNDS):
        text = f"{number}".encode()

        def put(thread: int, text: bytes = text, etag: str = etag) -> None:
            s3.put_object(Bucket="races", Key="pointer", Body=text + b"-%d" % thread, IfMatch=etag)

        outcomes = race(put)
        assert sorted(outcomes) == ["PreconditionFailed"] * (THREADS - 1) + ["won"]
        found = s3.get_object(Bucket="races", Key="pointer")
        assert found["Body"].read() == text + b"-%d" % outcomes.index("won")
        etag = found["ETag"]


@pytest.mark.usefixtures("_switching_often")
def test_one_of_eight_creates_an_object(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="first-come")
    for number in range(ROUNDS):
        outcomes = race(
            lambda thread, number=number: s3.put_object(  # type: ignore[misc]
                Bucket="first-come", Key=f"k{number}", Body=b"x", IfNoneMatch="*"
            )
        )
        assert outcomes.count("won") == 1


@pytest.mark.usefixtures("_switching_often")
def test_one_of_eight_wins_a_conditional_write_to_dynamodb(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="races",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def create(number: int) -> Callable[[int], Any]:
        return lambda thread: dynamodb.put_item(
            TableName="races",
            Item={"pk": {"S": f"k{number}"}, "revision": {"N": "0"}},
            ConditionExpression="attribute_not_exists(pk)",
        )

    def move_on(number: int) -> Callable[[int], Any]:
        return lambda thread: dynamodb.update_item(
            TableName="races",
            Key={"pk": {"S": f"k{number}"}},
            UpdateExpression="SET revision = :next",
            ConditionExpression="revision = :seen",
            ExpressionAttributeValues={":next": {"N": "1"}, ":seen": {"N": "0"}},
        )

    for number in range(ROUNDS):
        for attempt in (create(number), move_on(number)):
            outcomes = race(attempt)
            assert sorted(outcomes) == ["ConditionalCheckFailedException"] * (THREADS - 1) + ["won"]

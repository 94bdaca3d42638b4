"""What the local cloud quickens in moto stays moto's answer: tables give back what was put into them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud import LocalCloud

VALUES: dict[str, dict[str, Any]] = {
    "text": {"S": "a"},
    "number": {"N": "1.5"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "list": {"L": [{"N": "1"}, {"M": {"deep": {"L": []}}}]},
    "bytes": {"B": b"\x00\xff"},
    "mixed": {"M": {"bytes": {"B": b"\x00\xff"}, "inner": {"S": ""}}},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
}


@pytest.fixture(scope="module")
def table(cloud: LocalCloud) -> Iterator[Any]:
    client = cloud.client("dynamodb")
    client.create_table(
        TableName="quick",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    for partition in ("a", "b"):
        for place in ("3", "1", "2"):
            client.put_item(TableName="quick", Item={"pk": {"S": partition}, "sk": {"S": place}, **VALUES})
    yield client
    client.delete_table(TableName="quick")


def query(table: Any, partition: str, **more: Any) -> dict[str, Any]:
    values = {":pk": {"S": partition}, **more.pop("values", {})}
    condition = more.pop("condition", "pk = :pk")
    answer: dict[str, Any] = table.query(
        TableName="quick", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
    )
    return answer


def test_items_of_one_partition_come_whole_and_in_order(table: Any) -> None:
    answer = query(table, "b")
    assert [item["sk"]["S"] for item in answer["Items"]] == ["1", "2", "3"]
    assert answer["Items"][0] == {"pk": {"S": "b"}, "sk": {"S": "1"}, **VALUES}
    assert (answer["Count"], answer["ScannedCount"]) == (3, 3)
    assert table.get_item(TableName="quick", Key={"pk": {"S": "a"}, "sk": {"S": "1"}})["Item"] == {
        "pk": {"S": "a"},
        "sk": {"S": "1"},
        **VALUES,
    }


def test_an_absent_partition_is_empty_and_stays_absent(table: Any) -> None:
    assert query(table, "c")["Items"] == []
    assert table.scan(TableName="quick")["Count"] == 6


def test_ranges_pages_and_order_hold_within_the_partition(table: Any) -> None:
    since = query(table, "a", condition="pk = :pk AND sk >= :sk", values={":sk": {"S": "2"}})
    assert [item["sk"]["S"] for item in since["Items"]] == ["2", "3"]
    first = query(table, "a", Limit=2, ScanIndexForward=False)
    assert [item["sk"]["S"] for item in first["Items"]] == ["3", "2"]
    rest = query(table, "a", ScanIndexForward=False, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [item["sk"]["S"] for item in rest["Items"]] == ["1"]


def test_a_projection_names_attributes_whole_or_parts_of_them(table: Any) -> None:
    names = {"#l": "list", "#n": "number", "#b": "bytes", "#x": "absent"}
    whole = query(table, "a", ProjectionExpression="#l, #n, #b, #x", ExpressionAttributeNames=names)
    assert whole["Items"][0] == {name: VALUES[name] for name in ("list", "number", "bytes")}
    part = query(table, "a", ProjectionExpression="mixed.inner")
    assert part["Items"][0] == {"mixed": {"M": {"inner": {"S": ""}}}}


def test_an_answer_is_a_copy(table: Any) -> None:
    table.update_item(
        TableName="quick",
        Key={"pk": {"S": "b"}, "sk": {"S": "3"}},
        UpdateExpression="SET #n = #n + :one",
        ExpressionAttributeNames={"#n": "number"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert [item["number"]["N"] for item in query(table, "b")["Items"]] == ["1.5", "1.5", "2.5"]

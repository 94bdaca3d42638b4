"""The one DynamoDB table, as plain Python values.

Numbers come back as int or float, documents (lists and maps) as lists and dicts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.errors import Conflict

type Item = dict[str, Any]
_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


def _storable(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {key: _storable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(entry) for entry in value]
    return value


def _encode(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _serializer.serialize(_storable(value)) for key, value in values.items()}


def _decode(item: Mapping[str, Any]) -> Item:
    return {key: _plain(_deserializer.deserialize(value)) for key, value in item.items()}


@dataclass(frozen=True, slots=True)
class Table:
    """One DynamoDB table with the keys `pk` and `sk`."""

    name: str

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one item, consistently."""
        with translated(f"read {pk} {sk} from {self.name}"):
            answer = client("dynamodb").get_item(
                TableName=self.name, Key=_encode({"pk": pk, "sk": sk}), ConsistentRead=True
            )
        return _decode(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, prefix: str = "", *, newest_first: bool = False) -> Iterator[Item]:
        """Read the items of `pk` whose sort key starts with `prefix`, in the order of their sort keys."""
        condition, values = "pk = :pk", {":pk": pk}
        if prefix:
            condition, values = condition + " AND begins_with(sk, :sk)", {**values, ":sk": prefix}
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=_encode(values),
                ScanIndexForward=not newest_first,
                ConsistentRead=True,
            )
        )
        with translated(f"read {pk} from {self.name}"):
            for page in pages:
                yield from map(_decode, page["Items"])

    def put(self, item: Item) -> None:
        """Write an item, replacing what was there."""
        with translated(f"write {item['pk']} {item['sk']} to {self.name}"):
            client("dynamodb").put_item(TableName=self.name, Item=_encode(item))

    def put_once(self, item: Item) -> bool:
        """Write an item unless its key exists; return whether this call wrote it."""
        try:
            self.put_if(item, "attribute_not_exists(pk)", {})
        except Conflict:
            return False
        return True

    def put_if(
        self, item: Item, condition: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
    ) -> None:
        """Write an item under a condition expression; raise Conflict when it does not hold."""
        extra: dict[str, Any] = {"ExpressionAttributeValues": _encode(values)} if values else {}
        if names:
            extra["ExpressionAttributeNames"] = dict(names)
        with translated(f"write {item['pk']} {item['sk']} to {self.name}"):
            client("dynamodb").put_item(
                TableName=self.name, Item=_encode(item), ConditionExpression=condition, **extra
            )

    def update(
        self,
        pk: str,
        sk: str,
        changes: Mapping[str, Any],
        *,
        condition: str = "attribute_exists(pk)",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Set attributes of one item under a condition; raise Conflict when it does not hold."""
        names = {f"#c{position}": key for position, key in enumerate(changes)}
        settings = {f":c{position}": value for position, value in enumerate(changes.values())}
        assignments = ", ".join(f"#c{position} = :c{position}" for position in range(len(changes)))
        with translated(f"update {pk} {sk} in {self.name}"):
            client("dynamodb").update_item(
                TableName=self.name,
                Key=_encode({"pk": pk, "sk": sk}),
                UpdateExpression=f"SET {assignments}",
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_encode({**settings, **(values or {})}),
            )

    def delete_if(self, pk: str, sk: str, condition: str, values: Mapping[str, Any]) -> None:
        """Delete one item under a condition; raise Conflict when it does not hold."""
        with translated(f"delete {pk} {sk} from {self.name}"):
            client("dynamodb").delete_item(
                TableName=self.name,
                Key=_encode({"pk": pk, "sk": sk}),
                ConditionExpression=condition,
                ExpressionAttributeValues=_encode(values),
            )

    def delete(self, pk: str, sk: str) -> None:
        """Delete one item; deleting what is not there succeeds."""
        with translated(f"delete {pk} {sk} from {self.name}"):
            client("dynamodb").delete_item(TableName=self.name, Key=_encode({"pk": pk, "sk": sk}))


def add_edge(table: Table, origin: str, relation: str, target: str) -> None:
    """Record that `origin` led to `target`, readable from both ends."""
    table.put({"pk": f"EDGE#{origin}", "sk": f"out#{relation}#{target}"})
    table.put({"pk": f"EDGE#{target}", "sk": f"in#{relation}#{origin}"})


def edges(table: Table, node: str, direction: str) -> list[tuple[str, str]]:
    """List (relation, node) of the edges that go `out` of or come `in` to a node."""
    items = table.query(f"EDGE#{node}", f"{direction}#")
    return [(relation, other) for _, relation, other in (item["sk"].split("#", 2) for item in items)]

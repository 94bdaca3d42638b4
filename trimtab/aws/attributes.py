"""Some attributes of many items: what a daily run needs of a year's records, without the rest of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.table import Table


def read_attributes(
    table: Table, pk: str, attributes: Sequence[str], *, since: str = ""
) -> Iterator[dict[str, Any]]:
    """Read `sk` and `attributes` of the items of `pk` from the sort key `since` on, by sort key.

    Numbers come back as Decimal; an attribute that an item has not is absent.
    """
    names = {f"#a{position}": name for position, name in enumerate(("sk", *attributes))}
    condition, values = "pk = :pk", {":pk": {"S": pk}}
    if since:
        condition, values = "pk = :pk AND sk >= :since", {**values, ":since": {"S": since}}
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table.name,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ProjectionExpression=", ".join(names),
            ConsistentRead=True,
        )
    )
    read = TypeDeserializer().deserialize
    with translated(f"read {pk} from {table.name}"):
        for page in pages:
            for item in page["Items"]:
                yield {name: read(value) for name, value in item.items()}

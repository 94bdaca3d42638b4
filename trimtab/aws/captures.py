"""Captured traffic in the data bucket: find the objects of some days, read their rows."""

from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

import pyarrow as pa

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.objects import Bucket, StoredObject
from trimtab.captured import SKIPPED_LINES, count_of, read_captured

_AT_ONCE_BYTES = 32_000_000


def capture_keys(bucket: Bucket, project: str, days: Iterable[str]) -> Iterator[str]:
    """Yield the keys of what any endpoint and variant of a project captured on `days` (`yyyy/mm/dd`)."""
    for entry in captured_objects(bucket, project, days):
        yield entry.key


def captured_objects(bucket: Bucket, project: str, days: Iterable[str]) -> Iterator[StoredObject]:
    """Yield what any endpoint and variant of a project captured on `days` (`yyyy/mm/dd`)."""
    variants = [
        variant
        for endpoint in _folders(bucket, f"captured/{project}/")
        for variant in _folders(bucket, endpoint)
    ]
    for place in folders_of(days):
        for variant in variants:
            for entry in bucket.list(f"{variant}{place}"):
                if entry.key.endswith(".jsonl"):
                    yield entry


def folders_of(days: Iterable[str]) -> Iterator[str]:
    """Yield the folders of days, in their order; a month that is whole is one folder, listed at once.

    >>> len(list(folders_of([f"2013/02/{day:02d}" for day in range(1, 29)] + ["2013/03/01"])))
    2
    """
    for month, found in groupby(sorted(set(days)), key=lambda day: day[:7]):
        named = list(found)
        whole = len(named) == monthrange(int(month[:4]), int(month[5:]))[1]
        yield from [f"{month}/"] if whole else (f"{day}/" for day in named)


def read_captures(
    bucket: Bucket, keys: Iterable[str], *, prediction_id: str, null_tokens: Collection[str]
) -> pa.Table:
    """Read captured objects as one table of text, as `read_captured` returns it for one."""
    tables = [
        read_captured(lines, prediction_id=prediction_id, null_tokens=null_tokens)
        for lines in _batches(bucket, keys)
    ]
    skipped = sum(count_of(table, SKIPPED_LINES) for table in tables)
    filled = [table for table in tables if table.num_rows]
    if not filled:
        filled = [read_captured(b"", prediction_id=prediction_id)]
    table = pa.concat_tables(filled, promote_options="default")
    return table.replace_schema_metadata({SKIPPED_LINES: str(skipped)})


def _batches(bucket: Bucket, keys: Iterable[str]) -> Iterator[bytes]:
    """Yield the objects' lines joined into larger pieces, because reading few large ones is faster."""
    pieces: list[bytes] = []
    size = 0
    for key in keys:
        pieces.append(bucket.get(key))
        size += len(pieces[-1])
        if size >= _AT_ONCE_BYTES:
            yield b"\n".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"\n".join(pieces)


def _folders(bucket: Bucket, prefix: str) -> list[str]:
    pages = (
        client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket.name, Prefix=prefix, Delimiter="/")
    )
    with translated(f"list {bucket.uri(prefix)}"):
        return [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]

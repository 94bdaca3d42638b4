"""The step cache in the table; an entry is used only once its outputs prove to be there, unchanged."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from trimtab.aws.objects import Bucket
from trimtab.aws.table import Item, Table
from trimtab.cache import Entry, Output, key_of
from trimtab.canonical import canonical_json
from trimtab.errors import Gone


def store(table: Table, project: str, entry: Entry) -> None:
    """Keep an entry; the newest of a key stands."""
    table.put(
        {
            "pk": f"CACHE#{project}",
            "sk": f"{entry.stage}#{entry.key}",
            # As text: numbers come back from the table in other types, and the key is of the very bytes.
            "parts": canonical_json(dict(entry.parts)).decode(),
            "outputs": [asdict(output) for output in entry.outputs],
            "facts": dict(entry.facts),
            "made_at": entry.made_at,
            "job": entry.job,
            "execution": entry.execution,
        }
    )


def find(table: Table, project: str, stage: str, key: str) -> Entry | None:
    """Return the entry of a key, or None when there is none whose parts give that key."""
    item = table.get(f"CACHE#{project}", f"{stage}#{key}")
    if item is None:
        return None
    entry = _entry(item)
    return entry if key_of(entry.parts) == key else None


def entries(table: Table, project: str, stage: str = "") -> Iterator[Entry]:
    """List a project's entries, of one stage or of all."""
    yield from map(_entry, table.query(f"CACHE#{project}", f"{stage}#" if stage else ""))


def objection(bucket: Bucket, entry: Entry) -> str | None:
    """Say why an entry's outputs cannot be used any more, or return None: each is there and unchanged."""
    for output in entry.outputs:
        try:
            found = bucket.stamp(output.key)
        except Gone:
            return f"{bucket.uri(output.key)} is gone"
        if (found.etag, found.version_id) != (output.etag, output.version_id):
            return f"{bucket.uri(output.key)} has been replaced"
    return None


def _entry(item: Item) -> Entry:
    return Entry(
        key=item["sk"].partition("#")[2],
        parts=json.loads(item["parts"]),
        outputs=tuple(Output(**output) for output in item["outputs"]),
        facts=item["facts"],
        made_at=item["made_at"],
        job=item["job"],
        execution=item["execution"],
    )

"""Claims: what an upload under examination is about to refer to, so that no collection takes it away.

A claim is written before the examination looks whether content is there already. A collection hides content,
then reads the claims: of the two, at least one sees the other. Claims expire with the other things that the
steps of one run hand to each other.
"""

from collections.abc import Iterable

from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.dataset.version import upload_digest
from trimtab.errors import Gone

CLAIMS = "ingest/"
_FILE = "claims.json"


def claim(bucket: Bucket, project: str, upload: str, keys: Iterable[str]) -> None:
    """Note which keys of content an upload, named by its digest, will refer to."""
    bucket.put_json(f"{CLAIMS}{project}/{upload}/{_FILE}", sorted(set(keys)))


def claimed(bucket: Bucket, table: Table) -> set[str]:
    """Return the keys that uploads of any project claim and that no commit of theirs names by now."""
    claims = [found.key.split("/") for found in bucket.list(CLAIMS) if found.key.endswith(f"/{_FILE}")]
    committed = {
        (project, upload_digest(item["key"], item["version_id"]))
        for project in {project for _, project, *_ in claims}
        for item in table.query(f"UPLOAD#{project}")
        if item.get("dataset_id")
    }
    keys: set[str] = set()
    for _, project, upload, _ in claims:
        if (project, upload) not in committed:
            try:
                keys.update(bucket.get_json(f"{CLAIMS}{project}/{upload}/{_FILE}"))
            except Gone:  # expired since it was listed
                continue
    return keys

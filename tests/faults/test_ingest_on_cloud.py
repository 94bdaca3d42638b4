"""A hundred uploads at once, twice and in any order, on a local cloud whose writes are as atomic as AWS's."""

import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from lambdas.commit_dataset import handler as commit_dataset
from lambdas.validate_upload import handler as validate_upload
from localcloud import LocalCloud
from tests.unit import shop
from tests.unit.shop import Cloud
from trimtab.aws import clients, settings, uploads
from trimtab.aws.table import Table
from trimtab.errors import Conflict

CACHES = (clients._client, settings.function_settings, uploads.rules)
FILES, VERSIONS, ROWS = 25, 4, 5


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalCloud]:
    """Return a local cloud, with the shop's functions configured for it."""
    folder = shop.make_folder(tmp_path)
    with (
        LocalCloud(start=datetime(2013, 2, 1, 6, tzinfo=UTC)) as local,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in (shop.VARIABLES | local.variables).items():
            patch.setenv(name, value)
        for cache in CACHES:
            cache.cache_clear()
        patch.setattr(settings, "project_folder", lambda: folder)
        yield local
    for cache in CACHES:
        cache.cache_clear()


def file_of(number: int, version: int) -> bytes:
    """Return a file with rows of its own; its third version is the first one again."""
    count = ROWS if version in (0, 2) else ROWS + version
    return shop.upload(shop.row(1000 * (number + 1) + row, weight="1") for row in range(count))


def ingest(event: dict[str, str]) -> str | None:
    """Check and commit as the machine does; a conflict is retried, as it is there."""
    checked = json.loads(json.dumps(validate_upload.handler(event, shop.Invocation())))
    if checked["verdict"] == "refused":
        return None
    for _ in range(20):
        try:
            answer = commit_dataset.handler(
                {"checked": checked, "time": shop.TIME, "entered": shop.TIME}, None
            )
        except Conflict:
            continue
        return str(answer["dataset_id"])
    raise AssertionError("the commit never got through")


def registry() -> list[dict[str, Any]]:
    """Return what is known of the dataset versions, apart from when and from which upload first."""
    items = Table(shop.TABLE).query("DATASET#shop")
    return sorted(
        ({name: item.get(name) for name in ("sk", "rows", "superseded_by")} for item in items),
        key=lambda item: str(item["sk"]),
    )


def test_F01_F02_F03_a_hundred_uploads_at_once_leave_the_registry_that_one_by_one_leave(
    local: LocalCloud,
) -> None:
    cloud = Cloud.make()
    first = cloud.put("first.csv", shop.good(20))  # so that the grid is there
    ingest(first)
    events: list[dict[str, str]] = []
    for version in range(VERSIONS):
        # S3 tells versions apart by the clock, which stands here.
        local.advance_to(local.now() + timedelta(seconds=1))
        events += [cloud.put(f"{number}.csv", file_of(number, version)) for number in range(FILES)]
    gone = [cloud.put(f"{number}.csv", file_of(number, 5)) for number in range(0, FILES, 5)]
    for event in gone:
        cloud.s3.delete_object(Bucket=shop.DATA, Key=event["key"], VersionId=event["version_id"])
    delivered = [*events, *events[::3], *gone]
    random.Random(1).shuffle(delivered)
    with ThreadPoolExecutor(8) as pool:
        committed = list(pool.map(ingest, delivered))
    assert committed.count(None) == len(gone)
    raced = registry()
    current = {str(item["sk"]) for item in raced if not item["superseded_by"]}
    newest = {ingest(event) for event in events[-FILES:]}  # asked again: each is the current one of its file
    assert len(newest) == FILES
    assert newest | {ingest(first)} == current
    rows = Counter(name for version in current for name in _ids(cloud, version))
    assert set(rows.values()) == {1}
    most = ROWS + VERSIONS - 1
    wanted = {f"p{1000 * (number + 1) + row}" for number in range(FILES) for row in range(most)}
    assert set(rows) >= wanted
    for event in events:
        ingest(event)
    assert registry() == raced


def _ids(cloud: Cloud, version: str) -> list[str]:
    manifest = json.loads(cloud.read(f"datasets/shop/{version}.json"))
    found: list[Any] = []
    for file in manifest["files"]:
        content = io.BytesIO(cloud.read(f"objects/{file['sha256']}.parquet"))
        found += parquet.read_table(content, columns=["prediction_id"])["prediction_id"].to_pylist()
    return found

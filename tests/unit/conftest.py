"""Fixtures that several test files share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests.unit import shop
from tests.unit.versions_world import BUCKET, World
from trimtab.aws import clients


@pytest.fixture
def world(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """Return a checkout with the shop, and its buckets and table in moto."""
    for name, value in shop.VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("AWS_ENDPOINT_URL", "TRIMTAB_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        clients._client.cache_clear()
        monkeypatch.setattr(shop, "DATA", BUCKET)
        yield World.make(root, tmp_path, shop.Cloud.make(), monkeypatch, capsys)
    clients._client.cache_clear()

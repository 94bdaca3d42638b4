"""Fixtures that are dear to make, made once: the synthesized assembly and a cloud with the stack deployed."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
START = datetime(2013, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def assembly(root: Path) -> Path:
    """Return the synthesized assembly; whichever test process comes first synthesizes for all."""
    from assets.synth import ensure_assembly

    return ensure_assembly(root)[0]


@pytest.fixture
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a developer's own AWS settings out of the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

"""What all tests share: how they are shared out, the checkout, and the assembly, synthesized once."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# How long an example takes says nothing on a machine that does other things, too.
settings.register_profile("trimtab", deadline=None)
settings.load_profile("trimtab")

# These play on a local cloud, which mends moto for the whole process. The others take moto as it is, so they
# all go to one test process and are done before that process turns to any of these.
CLOUD = ("conformance", "interop", "workflows", "loop")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Share the tests out: one group for all that need no cloud, one for each module that does."""
    on_cloud = item.path.parent.name in CLOUD or item.path.stem.endswith("_on_cloud")
    group = item.path.stem if on_cloud else "plain"
    item.add_marker(pytest.mark.xdist_group(group))


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

"""CloudFormation: stacks whose every resource is really made, changed and deleted, or fail by name."""

from __future__ import annotations

from localcloud.cloudformation import (
    buckets,
    change_sets,
    compute,
    engine,
    identity,
    messaging,
    operations,
    storage,
)
from localcloud.cloudformation.kinds import KINDS
from localcloud.cloudformation.resources import bridge
from localcloud.context import Context

__all__ = ["KINDS", "buckets", "compute", "identity", "install", "messaging", "operations", "storage"]


def install(context: Context) -> None:
    """Make the resources of stacks in this local cloud."""
    bridge.install(context, _patch)


def _patch() -> None:
    engine.patch()
    change_sets.patch()

"""CloudFormation: stacks whose every resource is really made, changed and deleted, or fail by name."""

from __future__ import annotations

from localcloud.cloudformation import compute, identity, messaging, operations, storage
from localcloud.cloudformation.engine import patch
from localcloud.cloudformation.kinds import KINDS
from localcloud.cloudformation.resources import bridge
from localcloud.context import Context

__all__ = ["KINDS", "compute", "identity", "install", "messaging", "operations", "storage"]


def install(context: Context) -> None:
    """Make the resources of stacks in this local cloud."""
    bridge.install(context, patch)

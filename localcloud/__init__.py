"""A cloud on the laptop: moto, bridges for what it lacks, real handlers and models, and a clock that is the
caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.cloud import LocalCloud

__all__ = ["LocalCloud"]


def __getattr__(name: str) -> Any:
    """Import the cloud, and moto with it, only for those who start one."""
    if name != "LocalCloud":
        raise AttributeError(f"module 'localcloud' has no attribute {name!r}")
    from localcloud.cloud import LocalCloud

    return LocalCloud

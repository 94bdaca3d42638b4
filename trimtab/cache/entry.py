"""What is kept about a step that has run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.instants import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One object that a step left: where it lies, which version it is, and the digest of its content.

    `sha256` covers what is in the object, whatever its wrapping: of an archive, the digest of its members.
    """

    key: str
    etag: str
    version_id: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A step's outcome: `outputs` may be empty, for a step that leaves nothing but `facts`.

    `made_at` is the time of the event that started the step, `job` and `execution` say who made it.
    """

    key: str
    parts: Mapping[str, Any]
    outputs: tuple[Output, ...]
    facts: Mapping[str, Any]
    made_at: str
    job: str
    execution: str

    @property
    def stage(self) -> str:
        """Return the stage that the entry belongs to."""
        return str(self.parts["stage"])


def is_fresh(entry: Entry, now: datetime, max_age: timedelta) -> bool:
    """Tell whether an entry may still be used; a largest age of nothing turns the cache off."""
    return max_age > timedelta(0) and now - parse_time(entry.made_at) <= max_age

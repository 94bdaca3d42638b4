"""Requests to train: what asks, about what, and when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.instants import parse_time

MANUAL = "manual"
PENDING = "pending"
# These name a state of the world that lasts until a model is trained on newer labels.
LASTING = frozenset({"drift", "decay"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One reason to train: `cause` is the alarm, dataset version, schedule or person behind it.

    `force` asks for a new job even where the outputs of an earlier one could be used again.
    """

    reason: str
    cause: str
    at: str
    force: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Request":
        """Read a request from an execution's input or from the table."""
        return cls(
            reason=str(data["reason"]),
            cause=str(data.get("cause") or ""),
            at=str(data["at"]),
            force=bool(data.get("force", False)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain data."""
        document = {"reason": self.reason, "cause": self.cause, "at": self.at}
        return {**document, "force": True} if self.force else document


def merge(*groups: Iterable[Request]) -> tuple[Request, ...]:
    """Join requests into one per reason, the newest of each, in the order of their times.

    >>> old = Request(reason="drift", cause="alarm", at="2013-03-01T00:00:00Z")
    >>> new = Request(reason="drift", cause="alarm", at="2013-04-01T00:00:00Z")
    >>> merge([new], [old]) == (new,)
    True
    """
    newest: dict[str, Request] = {}
    for request in sorted((request for group in groups for request in group), key=_moment):
        newest[request.reason] = request
    return tuple(sorted(newest.values(), key=_moment))


def _moment(request: Request) -> tuple[float, str, str]:
    return parse_time(request.at).timestamp(), request.reason, request.cause

"""The one pending request to train: stored and cleared by compare and swap, identified by its content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.aws.table import Item, Table
from trimtab.canonical import digest
from trimtab.errors import Conflict
from trimtab.instants import format_time
from trimtab.model.run import Run
from trimtab.signals import Decision, Request, merge
from trimtab.signals.requests import PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a run asks, and what was pending before; `seen` identifies the latter, empty when nothing was."""

    asked: tuple[Request, ...]
    stored: tuple[Request, ...]
    asks_again: bool
    seen: str

    @property
    def merged(self) -> tuple[Request, ...]:
        """Return what is pending once this run's requests have joined."""
        return merge(self.stored, self.asked)


def read_question(table: Table, project: str, run: Run) -> Question:
    """Read the run's request; a run for `pending` asks again what is stored."""
    item: Mapping[str, object] = table.get(f"PENDING#{project}", "train") or {}
    entries = item.get("reasons", [])
    stored = tuple(Request.read(entry) for entry in entries) if isinstance(entries, list) else ()
    asks_again = run.input["reason"] == PENDING
    return Question(
        asked=stored if asks_again else (Request.read(run.input),),
        stored=stored,
        asks_again=asks_again,
        seen=str(item.get("request_id", "")),
    )


def store_pending(table: Table, project: str, question: Question, decision: Decision, *, at: str) -> None:
    """Keep the merged request until it may go; raise Conflict when another run changed it meanwhile."""
    requests = [request.to_dict() for request in question.merged]
    item: Item = {
        "pk": f"PENDING#{project}",
        "sk": "train",
        "reasons": requests,
        "requested_at": at,
        "waiting_for": decision.waiting_for,
        "request_id": digest(requests),
    }
    if decision.not_before is not None:
        item["not_before"] = format_time(decision.not_before)
    if question.seen:
        table.put_if(item, "request_id = :seen", {":seen": question.seen})
    else:
        table.put_if(item, "attribute_not_exists(pk)", {})


def clear_pending(table: Table, project: str, seen: str) -> None:
    """Remove the pending request that was seen; one that has changed since stays, and asks again."""
    if not seen:
        return
    try:
        table.delete_if(f"PENDING#{project}", "train", "request_id = :seen", {":seen": seen})
    except Conflict:
        return


def as_documents(requests: Sequence[Request]) -> list[dict[str, Any]]:
    """Return requests as plain data."""
    return [request.to_dict() for request in requests]

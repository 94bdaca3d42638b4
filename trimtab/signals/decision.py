"""Decide whether a request to train starts a job, waits for its time, or leads to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from trimtab.instants import format_time
from trimtab.signals.requests import LASTING, MANUAL, Request

Outcome = Literal["start", "skip", "wait"]
WaitingFor = Literal["labels", "cooldown", "budget", "lock"]
BUDGET_PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a project wants to be trained: `[train]` of its project.toml."""

    on: frozenset[str]
    minimum_days: int
    cooldown: timedelta
    jobs_per_30_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known when a request is judged.

    `labelled_days` counts the UTC days from the first labelled event to the last, `has_model` is false while
    no version has passed or awaits a person, `tried` says that the same data, code and parameters were judged
    before, `comparable` that the hold-out begins after the data of the champion (or that there is none), and
    `jobs` are the times of the training jobs started so far.
    """

    now: datetime
    labelled_days: int
    has_model: bool
    tried: bool
    comparable: bool
    jobs: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a request, and why; `not_before` is when asking again can change the answer."""

    outcome: Outcome
    reason: str
    waiting_for: WaitingFor | None = None
    not_before: datetime | None = None


def decide(requests: Sequence[Request], policy: Policy, situation: Situation) -> Decision:
    """Decide on requests that ask together; a person's request is bound by the lock and the data only."""
    if not requests:
        return Decision(outcome="skip", reason="no request is pending")
    wanted = [request for request in requests if _is_wanted(request.reason, policy, situation)]
    if not wanted:
        reasons = ", ".join(request.reason for request in requests)
        return Decision(outcome="skip", reason=f"train.on in project.toml does not list {reasons}")
    by_hand = any(request.reason == MANUAL for request in wanted)
    lasting = any(request.reason in LASTING for request in wanted)
    return (
        _lack_of_data(situation, policy, by_hand=by_hand, lasting=lasting)
        or (None if by_hand else _lack_of_time(situation, policy))
        or Decision(outcome="start", reason=", ".join(request.reason for request in wanted))
    )


def waiting_for_lock(holder: str) -> Decision:
    """Return the decision to wait while another execution trains."""
    return Decision(outcome="wait", reason=f"{holder} is training", waiting_for="lock")


def _is_wanted(reason: str, policy: Policy, situation: Situation) -> bool:
    if reason == MANUAL:
        return True
    if reason == "data" and not situation.has_model:
        return bool(policy.on & {"first_data", "data"})
    return reason in policy.on


def _lack_of_data(situation: Situation, policy: Policy, *, by_hand: bool, lasting: bool) -> Decision | None:
    days = situation.labelled_days
    if days < 2:
        why = f"there are {days} days of labelled data; a split by time needs at least 2"
    elif by_hand:
        return None
    elif not situation.has_model and days < policy.minimum_days:
        why = f"there are {days} days of labelled data; train.minimum_days asks for {policy.minimum_days}"
    elif situation.tried:
        why = "no new labelled data since the last try with this code and these parameters"
    elif not situation.comparable:
        why = "the newest labels are no later than the champion's data, so that nothing could be compared"
    else:
        return None
    if lasting:
        return Decision(outcome="wait", reason=why, waiting_for="labels")
    return Decision(outcome="skip", reason=why)


def _lack_of_time(situation: Situation, policy: Policy) -> Decision | None:
    jobs = sorted(situation.jobs)
    if jobs and situation.now < (free := jobs[-1] + policy.cooldown):
        why = f"the last job started at {format_time(jobs[-1])}; the cooldown ends at {format_time(free)}"
        return Decision(outcome="wait", reason=why, waiting_for="cooldown", not_before=free)
    recent = [job for job in jobs if situation.now < job + BUDGET_PERIOD]
    if len(recent) >= policy.jobs_per_30_days:
        free = recent[-policy.jobs_per_30_days] + BUDGET_PERIOD
        why = f"{len(recent)} jobs in 30 days; train.jobs_per_30_days allows the next at {format_time(free)}"
        return Decision(outcome="wait", reason=why, waiting_for="budget", not_before=free)
    return None

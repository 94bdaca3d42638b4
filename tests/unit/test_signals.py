"""Requests to train, and the decision on them, by tables and by properties."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.signals import Policy, Request, Situation, decide, merge

NOW = datetime(2013, 5, 2, 7, tzinfo=UTC)
POLICY = Policy(
    on=frozenset({"first_data", "drift", "decay", "schedule"}),
    minimum_days=28,
    cooldown=timedelta(days=7),
    jobs_per_30_days=2,
)


def request(reason: str, at: datetime = NOW) -> Request:
    return Request(reason=reason, cause="a test", at=at.isoformat())


def situation(**changes: Any) -> Situation:
    usual: dict[str, Any] = {
        "now": NOW,
        "labelled_days": 90,
        "has_model": True,
        "tried": False,
        "comparable": True,
        "jobs": (),
    }
    return Situation(**{**usual, **changes})


def ago(*days: float) -> tuple[datetime, ...]:
    return tuple(NOW - timedelta(days=number) for number in days)


@pytest.mark.parametrize(
    ("reason", "changes", "outcome", "waiting_for"),
    [
        ("schedule", {}, "start", None),
        ("drift", {}, "start", None),
        ("data", {}, "skip", None),
        ("data", {"has_model": False}, "start", None),
        ("data", {"has_model": False, "labelled_days": 27}, "skip", None),
        ("data", {"has_model": False, "labelled_days": 28}, "start", None),
        ("schedule", {"has_model": False, "labelled_days": 27}, "skip", None),
        ("schedule", {"labelled_days": 0}, "skip", None),
        ("drift", {"tried": True}, "wait", "labels"),
        ("decay", {"comparable": False}, "wait", "labels"),
        ("schedule", {"tried": True}, "skip", None),
        ("schedule", {"comparable": False}, "skip", None),
        ("schedule", {"jobs": ago(6.9)}, "wait", "cooldown"),
        ("schedule", {"jobs": ago(7)}, "start", None),
        ("drift", {"jobs": ago(8, 29.9)}, "wait", "budget"),
        ("drift", {"jobs": ago(8, 30)}, "start", None),
        ("drift", {"jobs": ago(1), "tried": True}, "wait", "labels"),
        ("manual", {"jobs": ago(1, 2, 3), "tried": True, "comparable": False}, "start", None),
        ("manual", {"has_model": False, "labelled_days": 2}, "start", None),
        ("manual", {"labelled_days": 1}, "skip", None),
        ("gossip", {}, "skip", None),
    ],
)
def test_a_request_is_decided(
    reason: str, changes: dict[str, Any], outcome: str, waiting_for: str | None
) -> None:
    decision = decide([request(reason)], POLICY, situation(**changes))
    assert (decision.outcome, decision.waiting_for) == (outcome, waiting_for)
    assert decision.reason


def test_every_version_trains_when_train_on_lists_data() -> None:
    policy = Policy(on=frozenset({"data"}), minimum_days=28, cooldown=timedelta(0), jobs_per_30_days=8)
    assert decide([request("data")], policy, situation()).outcome == "start"
    assert decide([request("data")], policy, situation(has_model=False)).outcome == "start"


def test_nothing_pending_is_skipped() -> None:
    decision = decide([], POLICY, situation())
    assert (decision.outcome, decision.reason) == ("skip", "no request is pending")


def test_merged_requests_wait_if_one_of_them_lasts() -> None:
    decision = decide([request("schedule"), request("drift")], POLICY, situation(tried=True))
    assert decision.waiting_for == "labels"


jobs = st.lists(st.floats(0.01, 60), max_size=12).map(lambda days: ago(*days))


@given(jobs, st.integers(1, 4), st.floats(0, 20))
def test_asking_at_not_before_starts_and_asking_earlier_does_not(
    started: tuple[datetime, ...], budget: int, cooldown: float
) -> None:
    policy = Policy(on=POLICY.on, minimum_days=28, cooldown=timedelta(days=cooldown), jobs_per_30_days=budget)
    first = decide([request("schedule")], policy, situation(jobs=started))
    if first.outcome == "start":
        return
    assert first.not_before is not None
    assert first.not_before > NOW
    just_before = first.not_before - timedelta(seconds=1)
    early = decide([request("schedule")], policy, situation(jobs=started, now=max(NOW, just_before)))
    assert early.outcome == "wait"
    # Cooldown and budget may bind one after the other, never for ever.
    then = decide([request("schedule")], policy, situation(jobs=started, now=first.not_before))
    if then.outcome == "wait":
        assert then.not_before is not None
        last = decide([request("schedule")], policy, situation(jobs=started, now=then.not_before))
        assert last.outcome == "start"


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=4), max_size=4))
def test_merging_keeps_the_newest_of_each_reason_in_any_order(groups: list[list[tuple[str, int]]]) -> None:
    made = [[request(reason, NOW + timedelta(hours=hour)) for reason, hour in group] for group in groups]
    merged = merge(*made)
    assert merged == merge(*reversed(made)) == merge(merged, *made)
    newest: dict[str, int] = {}
    for reason, hour in (entry for group in groups for entry in group):
        newest[reason] = max(hour, newest.get(reason, 0))
    assert {one.reason: one.at for one in merged} == {
        reason: (NOW + timedelta(hours=hour)).isoformat() for reason, hour in newest.items()
    }

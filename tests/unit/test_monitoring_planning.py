"""What a run of the monitor has to do: which windows are due, what is measured, whom to remind."""

from datetime import UTC, datetime
from typing import Any

import pytest

from trimtab.monitoring.planning import (
    LOOKBACK_WINDOWS,
    candidate_windows,
    capture_days,
    champion_at,
    due_windows,
    may_ask_again,
    measurements_due,
    shards_of,
)
from trimtab.monitoring.windows import WindowKind, window_named


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _due(kind: WindowKind, until: str, judged: set[str], since: str, limit: int = 6) -> list[str]:
    return [
        window.id for window in due_windows(candidate_windows(kind, _at(until)), judged, _at(since), limit)
    ]


def test_only_ended_windows_without_a_verdict_are_due():
    assert _due("month", "2013-05-01T06:00", {"2013-03"}, "2013-03-01T05:00") == ["2013-04"]
    assert _due("month", "2013-04-30T06:00", {"2013-03"}, "2013-03-01T05:00") == []


def test_windows_are_caught_up_oldest_first_after_an_outage():
    assert _due("day", "2013-03-20T06:00", {"2013-03-05"}, "2013-03-04T00:00", limit=4) == [
        "2013-03-04",
        "2013-03-06",
        "2013-03-07",
        "2013-03-08",
    ]


def test_an_outage_is_caught_up_run_by_run() -> None:
    judged: set[str] = set()
    for _ in range(10):
        judged |= set(_due("week", "2013-12-30T06:00", judged, "2013-01-01T00:00", limit=6))
    assert len(judged) == 52
    assert {"2013-W01", "2013-W52"} <= judged


def test_how_far_a_run_looks_back_is_bounded():
    due = _due("day", "2023-01-01T00:00", set(), "2013-01-01T00:00", limit=1000)
    assert len(due) == LOOKBACK_WINDOWS


@pytest.mark.parametrize(("since", "due"), [("2013-03-16T11:00", ["2013-03"]), ("2013-03-17T00:00", [])])
def test_a_window_counts_when_a_champion_served_at_least_half_of_it(since, due):
    assert _due("month", "2013-04-01T06:00", set(), since) == due


def test_the_champion_of_a_window_is_the_one_at_its_end():
    log = [
        {"time": "2013-03-01T02:10:00Z", "to": 1},
        {"time": "2013-05-01T02:10:00Z", "to": 2},
        {"time": "2013-05-20T10:00:00Z", "to": 1},
    ]
    ends = {name: champion_at(log, window_named(name).end) for name in ("2013-02", "2013-04", "2013-05")}
    assert ends == {"2013-02": None, "2013-04": 1, "2013-05": 1}
    # A deployment at the very end of a window served none of it.
    assert champion_at([*log, {"time": "2013-06-01T00:00:00Z", "to": 3}], window_named("2013-05").end) == 1


def test_captures_are_looked_for_from_the_lead_to_a_day_after_the_end():
    days = list(capture_days(window_named("2013-03"), 2))
    assert (days[0], days[-1], len(days)) == ("2013/02/27", "2013/04/01", 34)


def test_captures_are_split_into_shards_and_none_is_an_empty_shard():
    assert shards_of([1] * 5, 2, 100) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert shards_of([], 2, 100) == [slice(0, 0)]


def _window(
    name: str, measured: list[str] | None = None, last_event: str | None = "2013-03-31T22:00:00Z"
) -> dict[str, Any]:
    window = window_named(name)
    return {
        "sk": name,
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "last_event": last_event,
        "performance_datasets": measured,
    }


def _joined(
    name: str, first: str, last: str, committed: str = "2013-06-01T00:00:00Z", **more: object
) -> dict[str, Any]:
    return {
        "sk": name,
        "kind": "joined",
        "labelled": True,
        "event_from": first,
        "event_to": last,
        "committed_at": committed,
        **more,
    }


def _measured(
    windows: list[dict[str, Any]], datasets: list[dict[str, Any]]
) -> list[tuple[str, tuple[str, ...]]]:
    return [(task.window_id, task.datasets) for task in measurements_due(windows, datasets)]


def test_a_window_is_measured_once_its_labels_reach_its_last_day():
    half = _joined("half", "2013-03-01T00:00:00Z", "2013-03-15T23:00:00Z")
    rest = _joined("rest", "2013-03-16T00:00:00Z", "2013-03-31T01:00:00Z", "2013-06-02T00:00:00Z")
    assert _measured([_window("2013-03")], [half]) == []
    assert _measured([_window("2013-03")], [rest, half]) == [("2013-03", ("half", "rest"))]
    assert _measured([_window("2013-03", ["half", "rest"])], [half, rest]) == []


def test_a_window_is_measured_again_when_its_labels_are_superseded():
    old = _joined("old", "2013-03-01T00:00:00Z", "2013-03-31T23:00:00Z", superseded_by="new")
    new = _joined("new", "2013-03-01T00:00:00Z", "2013-03-31T23:00:00Z", "2013-07-01T00:00:00Z")
    assert _measured([_window("2013-03", ["old"])], [old, new]) == [("2013-03", ("new",))]


def test_uploads_that_are_no_joined_versions_measure_nothing():
    upload = _joined("upload", "2013-03-01T00:00:00Z", "2013-03-31T23:00:00Z") | {"kind": "upload"}
    assert _measured([_window("2013-03")], [upload]) == []


def test_labels_need_to_reach_no_further_than_the_last_prediction():
    march = _joined("march", "2013-03-01T00:00:00Z", "2013-03-29T08:00:00Z")
    assert _measured([_window("2013-03")], [march]) == []
    assert _measured([_window("2013-03", last_event="2013-03-29T23:00:00Z")], [march]) != []
    assert _measured([_window("2013-03", last_event=None)], [march]) == []


def test_missing_labels_of_the_last_days_are_not_waited_for_once_later_ones_have_come():
    march = _joined("march", "2013-03-01T00:00:00Z", "2013-03-29T23:00:00Z")
    april = _joined("april", "2013-04-02T00:00:00Z", "2013-04-30T23:00:00Z")
    assert _measured([_window("2013-03")], [march, april]) == [("2013-03", ("march",))]


@pytest.mark.parametrize(
    ("pending", "asks"),
    [
        (None, False),
        ({"waiting_for": "lock", "requested_at": "2013-05-01T00:00:00Z"}, True),
        ({"waiting_for": "cooldown", "not_before": "2013-06-02T00:00:00Z"}, False),
        ({"waiting_for": "budget", "not_before": "2013-06-01T00:00:00Z"}, True),
        ({"waiting_for": "labels", "requested_at": "2013-05-01T00:00:00Z"}, True),
        ({"waiting_for": "labels", "requested_at": "2013-05-21T00:00:00Z"}, False),
    ],
)
def test_a_retrain_that_was_put_off_is_asked_for_again_when_it_may_be_possible(pending, asks):
    labelled = {"labelled": True, "committed_at": "2013-05-20T00:00:00Z"}
    assert may_ask_again(pending, [labelled], _at("2013-06-01T06:00")) is asks

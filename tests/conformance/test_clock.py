"""The clock: it stands while something can run, and passes through every due instant in order."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from localcloud.clock import Clock, ClockStopped, Stalled

START = datetime(2013, 1, 1, tzinfo=UTC)


def test_sleepers_wake_in_order_when_the_clock_advances() -> None:
    clock = Clock(START)
    seen: list[tuple[str, datetime]] = []

    def work(name: str, seconds: float) -> None:
        clock.sleep(seconds)
        seen.append((name, clock.now()))
        clock.sleep(5)
        seen.append((name, clock.now()))

    clock.spawn(work, "late", 20)
    clock.spawn(work, "early", 10)
    clock.settle(5)
    assert seen == []
    clock.advance_to(START + timedelta(seconds=22), timeout=5)
    assert seen == [
        ("early", START + timedelta(seconds=10)),
        ("early", START + timedelta(seconds=15)),
        ("late", START + timedelta(seconds=20)),
    ]
    assert clock.now() == START + timedelta(seconds=22)
    clock.advance_by(timedelta(seconds=10), timeout=5)
    assert seen[-1] == ("late", START + timedelta(seconds=25))


def test_the_clock_stands_while_work_is_runnable() -> None:
    clock = Clock(START)
    finished_at: list[datetime] = []

    def slow() -> None:
        time.sleep(0.2)
        finished_at.append(clock.now())

    clock.spawn(slow)
    clock.advance_to(START + timedelta(days=1), timeout=5)
    assert finished_at == [START]


def test_sources_fire_at_their_instants_between_sleepers() -> None:
    clock = Clock(START)
    log: list[str] = []

    def next_noon(after: datetime) -> datetime:
        noon = after.replace(hour=12, minute=0, second=0, microsecond=0)
        return noon if noon > after else noon + timedelta(days=1)

    def fire(due: datetime) -> None:
        clock.spawn(lambda: log.append(f"noon {due:%d} at {clock.now():%d %H}"))

    def sleeper() -> None:
        clock.sleep(18 * 3600)
        log.append(f"woke at {clock.now():%d %H}")

    clock.add_source(next_noon, fire)
    clock.spawn(sleeper)
    clock.advance_to(START + timedelta(days=2, hours=12), timeout=5)
    clock.advance_to(START + timedelta(days=2, hours=13), timeout=5)
    assert log == ["noon 01 at 01 12", "woke at 01 18", "noon 02 at 02 12", "noon 03 at 03 12"]


def test_signal_hands_over_without_a_gap() -> None:
    clock = Clock(START)
    results: list[bool] = []
    for _ in range(200):
        signal = clock.signal()
        done = threading.Event()

        def waiter(signal=signal, done=done) -> None:
            results.append(signal.wait(60))
            done.set()

        clock.spawn(waiter)
        clock.spawn(signal.set)
        clock.settle(5)
        assert done.is_set()
    assert results == [True] * 200
    assert clock.now() == START


def test_signal_times_out_on_the_moved_clock() -> None:
    clock = Clock(START)
    results: list[bool] = []
    signal = clock.signal()
    clock.spawn(lambda: results.append(signal.wait(60)))
    clock.advance_to(START + timedelta(seconds=59), timeout=5)
    assert results == []
    clock.advance_to(START + timedelta(seconds=61), timeout=5)
    assert results == [False]


def test_settle_names_what_is_stuck() -> None:
    clock = Clock(START)
    release = threading.Event()
    clock.spawn(release.wait, name="a stuck worker")
    with pytest.raises(Stalled, match="a stuck worker"):
        clock.settle(0.05)
    release.set()
    clock.settle(5)


def test_wall_clock_wakes_sleepers_and_can_be_moved_forward() -> None:
    clock = Clock()
    fired: list[datetime] = []

    def next_hour(after: datetime) -> datetime:
        return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    clock.add_source(next_hour, fired.append)
    woken: list[datetime] = []

    def sleep_and_tell(seconds: float) -> None:
        clock.sleep(seconds)
        woken.append(clock.now())

    clock.spawn(sleep_and_tell, 0.1)
    before = clock.now()
    time.sleep(0.4)
    assert len(woken) == 1
    assert timedelta(seconds=0.05) < woken[0] - before < timedelta(seconds=0.4)
    clock.spawn(sleep_and_tell, 7200)
    clock.advance_by(timedelta(hours=2, minutes=30), timeout=5)
    assert len(woken) == 2
    assert len(fired) in (2, 3)
    assert clock.now() - before > timedelta(hours=2)
    clock.stop()


def test_a_stopped_clock_ends_whoever_waits() -> None:
    clock = Clock(START)
    ended: list[str] = []

    def wait(how: str) -> None:
        try:
            while True:
                if how == "sleep":
                    clock.sleep(60)
                else:
                    clock.signal().wait()
        except ClockStopped:
            ended.append(how)
            raise

    clock.spawn(wait, "sleep")
    clock.spawn(wait, "signal")
    clock.settle(5)
    clock.stop()
    clock.settle(5)
    assert sorted(ended) == ["signal", "sleep"]

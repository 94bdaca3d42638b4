"""From false alarms per year to the level of a test, and from verdicts to an alarm."""

import itertools
import math

import pytest

from trimtab.drift import Settings, persistent
from trimtab.drift.settings import _onset_rate
from trimtab.errors import BadInput


def test_two_of_three_at_five_percent_of_hourly_windows_alarms_forty_times_a_year() -> None:
    assert 8766 * _onset_rate(0.05, 2, 3) == pytest.approx(39.6, abs=0.1)
    assert 8766 * _onset_rate(0.01, 2, 3) == pytest.approx(1.7, abs=0.05)


def test_onset_rate_agrees_with_all_histories() -> None:
    for needed, of, alpha in ((1, 1, 0.2), (2, 3, 0.05), (3, 5, 0.3), (4, 4, 0.4)):
        total = 0.0
        for history in itertools.product((0, 1), repeat=of + 1):
            if sum(history[1:]) >= needed > sum(history[:-1]):
                total += math.prod(alpha if hit else 1 - alpha for hit in history)
        assert _onset_rate(alpha, needed, of) == pytest.approx(total)


def test_alpha_gives_the_wanted_number_of_alarms() -> None:
    settings = Settings(windows_per_year=8766, false_alarms_per_year=2)
    assert 8766 * _onset_rate(settings.alpha, 2, 3) == pytest.approx(2.0)


def test_alpha_without_persistence_is_stricter() -> None:
    assert Settings(windows_per_year=365, needed=1, of=1).alpha < Settings(windows_per_year=365).alpha


def test_alpha_of_rare_windows_is_capped() -> None:
    assert Settings(windows_per_year=12).alpha == 0.05


def test_alpha_falls_with_the_cadence_and_rises_with_the_false_alarms() -> None:
    cadence = [Settings(windows_per_year=windows).alpha for windows in (12, 52.18, 365.25, 8766)]
    assert cadence == sorted(cadence, reverse=True)
    wanted = [Settings(windows_per_year=365.25, false_alarms_per_year=n).alpha for n in (0.1, 0.5, 1, 4)]
    assert wanted == sorted(wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_alarms_per_year": 0.0},
        {"windows_per_year": float("nan")},
        {"min_weight": -0.1},
        {"tolerance": 1.5},
        {"max_undetermined_weight": 2.0},
        {"needed": 4, "of": 3},
        {"minimum_rows": 0},
        {"minimum_slices": 1},
    ],
)
def test_senseless_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        Settings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], None),
        (["stable"], False),
        (["drifted"], False),
        (["drifted", "stable", "drifted"], True),
        (["drifted", "drifted", "stable", "stable"], False),
        (["drifted", "undetermined", "stable"], None),
        (["undetermined", "stable", "stable"], False),
        (["undetermined", "undetermined", "stable"], None),
        (["drifted", "undetermined", "drifted"], True),
    ],
)
def test_persistence_counts_the_last_three_verdicts(verdicts: list[str], expected: bool | None) -> None:
    assert persistent(verdicts) is expected


def test_persistence_follows_its_numbers() -> None:
    assert persistent(["drifted"], needed=1, of=1) is True
    assert persistent(["drifted", "drifted", "drifted", "stable"], needed=3, of=4) is True

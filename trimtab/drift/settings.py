"""How sensitive the watch is: people set false alarms per year, the level of the tests follows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import NormalDist

from trimtab.errors import BadInput

DRIFTED, STABLE, UNDETERMINED = "drifted", "stable", "undetermined"
_POWER = 0.8  # of noticing a shift that is called noticeable


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What one column wants otherwise: its own tolerance, its weight before scaling, or to be left out."""

    tolerance: float | None = None
    weight: float | None = None
    ignore: bool = False

    def __post_init__(self) -> None:
        if self.tolerance is not None and not 0 <= self.tolerance < 1:
            raise BadInput(
                f"tolerance is {self.tolerance!r}; give a squared shift from 0 to 1, such as 0.001"
            )
        if self.weight is not None and not (math.isfinite(self.weight) and self.weight >= 0):
            raise BadInput(f"weight is {self.weight!r}; give a number of 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The sensitivity of drift verdicts.

    `false_alarms_per_year` counts alarms - verdicts that persist in `needed` of `of` windows - in a world
    where nothing drifts. `min_weight` and `max_undetermined_weight` are shares of the features' weight.
    `tolerance` is the smallest effect that matters, a squared shift: 0.001 is about 0.03 standard deviations.
    A change must also be more than the column does by itself between the baseline's slices, when there are
    `minimum_slices` of them. `columns` holds what single columns want otherwise.
    """

    false_alarms_per_year: float = 1.0
    windows_per_year: float = 12.0
    min_weight: float = 0.25
    tolerance: float = 0.001
    max_undetermined_weight: float = 0.2
    minimum_rows: int = 200
    minimum_slices: int = 8
    needed: int = 2
    of: int = 3
    max_alpha: float = 0.05
    columns: Mapping[str, Override] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positive = ("false_alarms_per_year", "windows_per_year", "min_weight", "max_alpha")
        for name in positive:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise BadInput(f"{name} is {getattr(self, name)!r}; give a number above 0")
        if not 0 <= self.tolerance < 1 or not 0 <= self.max_undetermined_weight <= 1:
            raise BadInput("tolerance and max_undetermined_weight are shares; give numbers from 0 to 1")
        if self.max_alpha > 0.5:
            raise BadInput("give a max_alpha of at most 0.5")
        if not 1 <= self.needed <= self.of or self.minimum_rows < 1 or self.minimum_slices < 2:
            raise BadInput("give 1 <= needed <= of, minimum_rows of 1 or more, minimum_slices of 2 or more")

    def tolerance_of(self, name: str) -> float:
        """Return the smallest effect that matters in one column."""
        override = self.columns.get(name)
        return self.tolerance if override is None or override.tolerance is None else override.tolerance

    @property
    def alpha(self) -> float:
        """Return the level of one window's verdict that leads to the wanted false alarms per year.

        >>> round(Settings(windows_per_year=8766).alpha, 4)
        0.0076
        """
        wanted = self.false_alarms_per_year / self.windows_per_year
        return _level(wanted, self.max_alpha, self.needed, self.of)


def noticeable(alpha: float, tests: int) -> float:
    """Return the size of a shift, in its standard errors, that one of `tests` sees four times in five.

    >>> round(noticeable(0.05, 1), 2)
    2.8
    """
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / tests / 2) + normal.inv_cdf(_POWER)


def persistent(verdicts: Sequence[str], needed: int = 2, of: int = 3) -> bool | None:
    """Tell whether `needed` of the last `of` verdicts, oldest first, are "drifted".

    None means that it cannot be told: there is no verdict, or undetermined ones could tip the balance.

    >>> persistent(["stable", "drifted", "drifted"]), persistent(["drifted"])
    (True, False)
    >>> persistent(["drifted", "undetermined"]) is None
    True
    """
    latest = list(verdicts)[-of:]
    drifted = latest.count(DRIFTED)
    if drifted >= needed:
        return True
    unknown = sum(verdict not in (DRIFTED, STABLE) for verdict in latest)
    return None if not latest or drifted + unknown >= needed else False


@cache
def _level(wanted: float, largest: float, needed: int, of: int) -> float:
    """Return the level at which alarms begin as often per window as wanted, or the largest one allowed."""
    if _onset_rate(largest, needed, of) <= wanted:
        return largest
    low, high = 0.0, largest
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _onset_rate(middle, needed, of) < wanted else (low, middle)
    return low


def _onset_rate(alpha: float, needed: int, of: int) -> float:
    """Return how often per window a new alarm begins when each verdict is false with probability `alpha`."""
    # The newest is a hit, the one that falls out was none, and between them is one hit less than needed.
    between = math.comb(of - 1, needed - 1) * alpha ** (needed - 1) * (1 - alpha) ** (of - needed)
    return alpha * (1 - alpha) * between

"""The few statistics that the report computes from a dozen months, with how little they can say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LARGEST = 1 - 1e-9  # where Fisher's z is still finite


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation, its number of pairs, and its 95 % interval by Fisher's z (None below five pairs)."""

    r: float
    n: int
    interval: tuple[float, float] | None

    @property
    def is_clear(self) -> bool:
        """Tell whether the interval leaves zero out."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


def pearson(xs: Sequence[float | None], ys: Sequence[float | None]) -> Correlation | None:
    """Return the correlation of the pairs that are both known; None when one side never varies.

    >>> pearson([1, 2, 3, None], [2, 4, 6, 8]).r
    1.0
    """
    pairs = [(x, y) for x, y in zip(xs, ys, strict=True) if x is not None and y is not None]
    if len(pairs) < 3:
        return None
    mean_x = math.fsum(x for x, _ in pairs) / len(pairs)
    mean_y = math.fsum(y for _, y in pairs) / len(pairs)
    spread_x = math.fsum((x - mean_x) ** 2 for x, _ in pairs)
    spread_y = math.fsum((y - mean_y) ** 2 for _, y in pairs)
    # Rounding leaves a trace of spread in equal numbers.
    if spread_x <= 1e-12 * max(1.0, mean_x**2) or spread_y <= 1e-12 * max(1.0, mean_y**2):
        return None
    product = math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs)
    r = max(-1.0, min(1.0, product / math.sqrt(spread_x * spread_y)))
    return Correlation(r, len(pairs), _interval(r, len(pairs)))


def spearman(xs: Sequence[float | None], ys: Sequence[float | None]) -> Correlation | None:
    """Return the rank correlation of the pairs that are both known.

    >>> round(spearman([1, 2, 3, 4], [1, 10, 100, 1000]).r, 6)
    1.0
    """
    pairs = [(x, y) for x, y in zip(xs, ys, strict=True) if x is not None and y is not None]
    return pearson(_ranks([x for x, _ in pairs]), _ranks([y for _, y in pairs]))


def _ranks(values: Sequence[float]) -> list[float]:
    return [(sum(v < value for v in values) + sum(v <= value for v in values) + 1) / 2 for value in values]


def _interval(r: float, n: int) -> tuple[float, float] | None:
    if n < 5:
        return None
    bounded = max(-_LARGEST, min(_LARGEST, r))
    middle, reach = math.atanh(bounded), 1.959964 / math.sqrt(n - 3)
    return math.tanh(middle - reach), math.tanh(middle + reach)

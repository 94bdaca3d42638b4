"""Worlds in which it is known what drifts: thirty columns whose counts are drawn straight on their grid.

A row's value is an increasing function of a standard normal variable, so a shift of that variable moves every
kind of column by the same number of standard deviations. Counts of n independent rows are multinomial, which
makes a million rows as cheap to draw as a thousand. Rows that depend on each other are drawn one by one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit
from scipy.stats import poisson

from trimtab.profile import CategoricalCounts, Counts, Grid, Kind, NumericColumn, NumericCounts, Profile
from trimtab.profile.keys import CellSums, cells_of

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

_STEPS = 200_000
_LEVELS = (np.arange(_STEPS) + 0.5) / _STEPS
_MIXTURE = np.linspace(-7.0, 7.0, 20_001)


def _mixture_levels(share: float) -> Floats:
    levels: Floats = share * ndtr(_MIXTURE - 2) + (1 - share) * ndtr(_MIXTURE + 2)
    return levels


# Value of each column at a level from 0 to 1 of its distribution.
SHAPES: dict[str, Callable[[Floats], Floats]] = {
    "n00": ndtri,
    "n01": lambda u: 50 + 12 * ndtri(u),
    "n02": lambda u: np.exp(ndtri(u)),
    "n03": lambda u: np.exp(1.3 * ndtri(u)),
    "n04": lambda u: np.exp(1.6 * ndtri(u)),
    "n05": lambda u: stdtrit(2, u),
    "n06": lambda u: np.exp(1.1 * ndtri(u)),
    "n07": lambda u: -np.log1p(-u),
    "n08": lambda u: gammaincinv(2.0, u),
    "n09": lambda u: poisson.ppf(u, 4.0),
    "n10": lambda u: (1 - u) ** (-1 / 1.5),
    "n11": lambda u: np.floor(100 * u),
    "n12": lambda u: u,
    "n13": lambda u: np.where(u < 0.6, 0.0, np.round(np.exp(ndtri((u - 0.6) / 0.4)), 2)),
    "n14": lambda u: np.round(ndtri(u), 1),
    "n15": lambda u: 1.7e9 + 86_400 * 30 * ndtri(u),
    "n16": lambda u: np.round(2000 + 10 * ndtri(u)),
    "n17": lambda u: (u > 0.97).astype(np.float64),
    "n18": lambda u: stdtrit(5, u),
    "n19": lambda u: np.interp(u, _mixture_levels(0.5), _MIXTURE),
}
CARDINALITIES = {"c0": 2, "c1": 5, "c2": 12, "c3": 50, "c4": 200, "c5": 1000, "c6": 10_000, "c7": 20}
CARDINALITIES |= {"c8": 100, "c9": 500}
NULLS = {"n02": 0.02, "n08": 0.2, "c4": 0.05}
SHIFT = 0.1  # of every planted change: the square root of its effect, standard deviations for a shift
# Changes of equal size, or of sizes that come to mind: a factor of 1.1, a tail of 1.4, 15 percent more.
type Planted = Literal["even", "mixed"]
DRIFTED_NUMBERS = ("n00", "n06", "n10", "n19")
DRIFTED_CATEGORIES = ("c3", "c6")


@dataclass(frozen=True)
class World:
    """Thirty columns on one grid; `upper` holds the level at which each cell of a numeric column ends."""

    grid: Grid
    cells: Mapping[str, Integers]
    upper: Mapping[str, Floats]
    shares: Mapping[str, Floats]
    direction: Mapping[str, Floats]


@dataclass(frozen=True)
class Change:
    """What is otherwise in a window: moves in standard deviations by column, and planted drift."""

    moves: Mapping[str, float] = field(default_factory=dict)
    planted: Planted | None = None


def make_world(seed: int = 0) -> World:
    """Lay the columns on a grid fitted to their own distributions."""
    rng = np.random.default_rng(seed)
    values = {name: np.asarray(shape(_LEVELS), dtype=np.float64) for name, shape in SHAPES.items()}
    columns = {name: pa.array(numbers) for name, numbers in values.items()}
    table = pa.table(columns | {name: pa.array(["a"] * _STEPS) for name in CARDINALITIES})
    kinds: dict[str, Kind] = {
        name: "numeric" if name in SHAPES else "categorical" for name in table.column_names
    }
    grid = Grid.from_table(table, kinds)
    cells, upper, shares, direction = {}, {}, {}, {}
    for name, numbers in values.items():
        column = grid.columns[name]
        assert isinstance(column, NumericColumn)  # noqa: S101
        places, _ = cells_of(column.offsets(numbers))
        ends = np.flatnonzero(np.append(np.diff(places) != 0, True))
        cells[name], upper[name] = places[ends], np.append((ends[:-1] + 1) / _STEPS, 1.0)
    for name, count in CARDINALITIES.items():
        weights = 1 / np.arange(1, count + 1) ** 1.1
        shares[name] = weights / weights.sum()
        drawn = rng.normal(size=count)
        apart = drawn - drawn @ shares[name]
        direction[name] = apart / np.sqrt(apart**2 @ shares[name])
    return World(grid, cells, upper, shares, direction)


def draw(world: World, rng: np.random.Generator, rows: int, change: Change | None = None) -> Profile:
    """Draw a window of independent rows."""
    change = change or Change()
    columns: dict[str, Counts] = {}
    for name in sorted(world.grid.columns):
        nulls = int(rng.binomial(rows, NULLS.get(name, 0.0)))
        move = change.moves.get(name, 0.0)
        if name in SHAPES:
            levels = _moved(name, world.upper[name], move, change.planted)
            counts = rng.multinomial(rows - nulls, np.maximum(0.0, np.diff(levels, prepend=0.0)))
            columns[name] = numeric_counts(world.cells[name], counts, nulls)
        else:
            shares = _tilted(name, world.shares[name], world.direction[name], move, change.planted)
            counts = rng.multinomial(rows - nulls, shares)
            held = np.flatnonzero(counts)
            named = dict(zip(map(str, held.tolist()), counts[held].tolist(), strict=True))
            columns[name] = CategoricalCounts(named, nulls)
    return Profile(world.grid, rows, columns)


def draw_correlated(world: World, rng: np.random.Generator, rows: int, copies: Sequence[str]) -> Profile:
    """Draw a window in which some columns follow one and the same variable, row by row."""
    profile = draw(world, rng, rows)
    levels = rng.random(rows)
    return _replaced(world, profile, dict.fromkeys(copies, levels))


def draw_autocorrelated(world: World, rng: np.random.Generator, rows: int, memory: float) -> Profile:
    """Draw a window in which each row's numbers resemble those of the row before."""
    profile = draw(world, rng, rows)
    levels = {}
    for name in SHAPES:
        noise = rng.normal(size=rows) * np.sqrt(1 - memory**2)
        noise[0] = rng.normal()
        levels[name] = ndtr(lfilter([1.0], [1.0, -memory], noise))
    return _replaced(world, profile, levels)


def numeric_counts(cells: Integers, counts: Integers, nulls: int) -> NumericCounts:
    """Return counts on given cells; residuals are zero: all values lie at the lower end of their cell."""
    held = counts > 0
    sums = CellSums(cells[held], counts[held].astype(np.int64), np.zeros(int(held.sum()), dtype=np.int64))
    return NumericCounts(sums, nulls, minimum=0.0, maximum=0.0)


def _replaced(world: World, profile: Profile, levels: Mapping[str, Floats]) -> Profile:
    columns = dict(profile.columns)
    for name, drawn in levels.items():
        places = np.searchsorted(world.upper[name], drawn)
        counts = np.bincount(places, minlength=len(world.cells[name]))
        columns[name] = numeric_counts(world.cells[name], counts, 0)
    return Profile(world.grid, profile.rows, columns)


def _moved(name: str, upper: Floats, move: float, planted: Planted | None) -> Floats:
    if planted and name == "n00":
        move += SHIFT
    if planted and name == "n06":  # all values times 1.12, or times 1.1
        move += SHIFT if planted == "even" else float(np.log(1.1) / 1.1)
    levels = ndtr(ndtri(upper) - move) if move else upper
    if planted and name == "n10":  # a Pareto tail of 1.36, or of 1.4, instead of 1.5
        levels = 1 - (1 - levels) ** (np.exp(-SHIFT) if planted == "even" else 1.4 / 1.5)
    if planted and name == "n19":  # 55 of 100 rows in the upper of two clusters instead of 50
        places = np.interp(levels, _mixture_levels(0.5), _MIXTURE)
        levels = np.append(np.interp(places[:-1], _MIXTURE, _mixture_levels(0.55)), 1.0)
    return levels


def _tilted(name: str, shares: Floats, direction: Floats, move: float, planted: Planted | None) -> Floats:
    weights = shares * np.exp(move * direction)
    weights /= weights.sum()
    if planted and name == "c3":  # more of the five largest categories
        weights = _lifted(weights, slice(0, 5), None if planted == "even" else 1.15)
    if planted and name == "c6":  # more of the smallest 95 percent of the categories
        weights = _lifted(weights, slice(len(weights) // 20, None), None if planted == "even" else 1.25)
    tilted: Floats = weights
    return tilted


def _lifted(shares: Floats, categories: slice, factor: float | None) -> Floats:
    """Multiply the odds of some categories, or give them more rows by an effect of the planted size."""
    lifted: Floats = shares.copy()
    if factor is not None:
        lifted[categories] *= factor
        return lifted / lifted.sum()
    part = shares[categories].sum()
    larger = part + SHIFT * np.sqrt(part * (1 - part))
    lifted *= (1 - larger) / (1 - part)
    lifted[categories] = shares[categories] * larger / part
    return lifted

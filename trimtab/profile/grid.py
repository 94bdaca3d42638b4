"""The grid of a project: per column, where its cells lie; fixed once, so that profiles can be added up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self, cast

import numpy as np
import pyarrow as pa

from trimtab.canonical import digest
from trimtab.errors import BadInput
from trimtab.profile.arrow import Numbers, chunks_of, numeric_values
from trimtab.profile.keys import Floats

type Kind = Literal["numeric", "categorical", "timestamp"]

# Since 2, residuals are cut off instead of rounded: counts of the two do not add up to the last bit.
SCHEMA = 2
SAMPLE_ROWS = 100_000
CATEGORY_LIMIT = 10_000
SCORE = "score"
# Scores lie in [0, 1] and matter most near 0: cells from 0.000001 wide there to 0.001 at 1.
SCORE_CENTER = 0.0
SCORE_EXPONENT = -10
_OCTAVES_FOR_MOST = 30  # of the 32 that the cells span
SAFE = 2**62  # integers below it can be subtracted in 64 bits without wrapping
_WIDEST_EXPONENT = 1000  # so that neither the scale nor its inverse leaves the normal float64 range


@dataclass(frozen=True, slots=True)
class NumericColumn:
    """Where the cells of a numeric column lie: `center`, and a scale of two to the power of `exponent`."""

    name: str
    center: int | float
    exponent: int

    kind: Literal["numeric"] = "numeric"

    @property
    def scale(self) -> float:
        """Return the distance from the centre up to which the cells are about equally wide."""
        return math.ldexp(1.0, self.exponent)

    @property
    def optional(self) -> bool:
        """Tell whether data may lack this column: data that no model has scored yet has no score."""
        return self.name == SCORE

    def distances(self, values: Numbers) -> Floats:
        """Return `value - center`, subtracted in the column's own type before any rounding; never -0.0."""
        return _distances(values, self.center)

    def offsets(self, values: Numbers) -> Floats:
        """Return `(value - center) / scale`."""
        with np.errstate(over="ignore", under="ignore"):
            result: Floats = self.distances(values) * math.ldexp(1.0, -self.exponent)
        return result


@dataclass(frozen=True, slots=True)
class CategoricalColumn:
    """A column whose values are counted one by one, up to `limit` distinct ones."""

    name: str
    limit: int = CATEGORY_LIMIT

    kind: Literal["categorical"] = "categorical"

    @property
    def optional(self) -> bool:
        """Tell whether data may lack this column: never."""
        return False


@dataclass(frozen=True, slots=True)
class TimestampColumn:
    """A column of instants, counted by the hour of the week in UTC: raw time always drifts."""

    name: str

    kind: Literal["timestamp"] = "timestamp"

    @property
    def optional(self) -> bool:
        """Tell whether data may lack this column: never."""
        return False


type Column = NumericColumn | CategoricalColumn | TimestampColumn


@dataclass(frozen=True, eq=False)
class Grid:
    """The columns of a project's profiles, by name; profiles of unequal grids refuse to be merged."""

    columns: Mapping[str, Column]

    @classmethod
    def from_table(cls, table: pa.Table, kinds: Mapping[str, Kind]) -> Self:
        """Fit a grid to a project's first data; a `score` may be listed before there is one.

        Raises BadInput for a missing column, an unknown kind and a type that does not fit its kind.

        >>> numbers = pa.Array.from_buffers(pa.float64(), 3, [None, pa.py_buffer(np.array([1.0, 1.0, 5.0]))])
        >>> grid = Grid.from_table(pa.table({"x": numbers}), {"x": "numeric", "score": "numeric"})
        >>> grid.columns["x"].center, grid.columns["x"].scale
        (1.0, 4.0)
        """
        if not kinds:
            raise BadInput("no columns to profile; list the features under numeric and categorical")
        return cls({name: _fit_column(table, name, kinds[name]) for name in sorted(kinds)})

    @cached_property
    def id(self) -> str:
        """Return the digest that names this grid."""
        return digest(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as JSON-able data."""
        columns: list[dict[str, Any]] = []
        for name in sorted(self.columns):
            column = self.columns[name]
            if isinstance(column, NumericColumn):
                place = {"center": column.center, "exponent": column.exponent}
                columns.append({"name": name, "kind": "numeric", **place})
            elif isinstance(column, CategoricalColumn):
                columns.append({"name": name, "kind": "categorical", "limit": column.limit})
            else:
                columns.append({"name": name, "kind": "timestamp"})
        return {"schema": SCHEMA, "columns": columns}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; raise BadInput for anything else."""
        if data.get("schema") != SCHEMA:
            raise BadInput(
                f"grid has schema {data.get('schema')!r}, and this code reads {SCHEMA}: fit the project's "
                "grid again from its first data, or update Trimtab if the grid is newer"
            )
        try:
            columns = [_read_column(column) for column in data["columns"]]
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"grid is damaged: {error!r}; restore it from its bucket's versions") from error
        return cls({column.name: column for column in columns})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


def _read_column(data: Mapping[str, Any]) -> Column:
    name = str(data["name"])
    if data["kind"] == "categorical":
        return CategoricalColumn(name, int(data["limit"]))
    if data["kind"] == "timestamp":
        return TimestampColumn(name)
    if data["kind"] != "numeric":
        raise ValueError(f"unknown kind {data['kind']!r}")
    center, exponent = data["center"], int(data["exponent"])
    if not isinstance(center, int | float) or not math.isfinite(center) or abs(exponent) > _WIDEST_EXPONENT:
        raise ValueError(f"column {name!r} has no usable centre or scale")
    return NumericColumn(name, center, exponent)


def _fit_column(table: pa.Table, name: str, kind: Kind) -> Column:
    if kind == "categorical":
        chunks_of(table, name)
        return CategoricalColumn(name)
    if kind == "timestamp":
        chunks_of(table, name)
        return TimestampColumn(name)
    if kind != "numeric":
        raise BadInput(f"column {name!r} has kind {kind!r}; use numeric, categorical or timestamp")
    if name == SCORE and (name not in table.schema.names or _is_share(table)):
        return NumericColumn(name, SCORE_CENTER, SCORE_EXPONENT)
    values, _ = numeric_values(name, chunks_of(table, name))
    if values.dtype.kind == "f":
        values = values[np.isfinite(cast(Floats, values))]
    step = max(1, -(-len(values) // SAMPLE_ROWS))
    center, exponent = _center_and_exponent(values[::step])
    return NumericColumn(name, center, exponent)


def _is_share(table: pa.Table) -> bool:
    values, _ = numeric_values(SCORE, chunks_of(table, SCORE))
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return bool(np.all((known >= 0) & (known <= 1)))


def _center_and_exponent(sample: Numbers) -> tuple[int | float, int]:
    """Place the cells where values crowd: at a value that a quarter share, else in the densest quarter."""
    count = len(sample)
    if not count:
        return 0.0, 0
    ordered = np.sort(sample)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    repeats = np.diff(starts, append=count)
    mode = ordered[starts[np.argmax(repeats)]]
    if repeats.max() * 4 >= count:
        center = _plain(mode)
        apart = np.abs(_distances(ordered[ordered != mode], center))
        return center, _exponent_within(_ranked(apart, (len(apart) - 1) // 4), apart) if len(apart) else 0
    quarter = -(-count // 4)
    low, high = ordered[: count - quarter + 1], ordered[quarter - 1 :]
    lengths = _lengths(low, high)
    shortest = int(np.argmin(lengths))
    center = _middle(low[shortest], high[shortest])
    apart = np.abs(_distances(ordered, center))
    return center, _exponent_within(lengths[shortest] / 0.64, apart)


def _ranked(values: Floats, rank: int) -> float:
    """Return the value that has `rank` others before it in order."""
    return float(np.partition(values, rank)[rank])


def _lengths(low: Numbers, high: Numbers) -> Floats:
    if low.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return cast(Floats, high - low)
    # Differences of ordered 64-bit integers fit in 64 bits without a sign.
    return (high.astype(np.uint64) - low.astype(np.uint64)).astype(np.float64)


def _middle(low: np.generic, high: np.generic) -> int | float:
    first, last = low.item(), high.item()
    if isinstance(first, int):
        return int((first + last) // 2)
    return float(first / 2 + last / 2) + 0.0


def _plain(value: np.generic) -> int | float:
    number = value.item()
    return number if isinstance(number, int) else float(number) + 0.0


def _exponent_within(length: float, apart: Floats) -> int:
    """Return the exponent for a length, or a larger one that keeps most values off the end cells."""
    return max(_exponent(length), _exponent(_ranked(apart, len(apart) * 3 // 4)) - _OCTAVES_FOR_MOST)


def _exponent(length: float) -> int:
    """Return the power of two nearest to a length, without a logarithm: libraries differ in its last bits."""
    mantissa, exponent = math.frexp(min(float(length), 1.7e308))
    nearest = exponent - 1 if mantissa < math.sqrt(0.5) else exponent
    return max(-_WIDEST_EXPONENT, min(_WIDEST_EXPONENT, nearest))


def _distances(values: Numbers, center: int | float) -> Floats:
    """Return `value - center` as float64; integers are subtracted as integers, to keep their last bits."""
    if values.dtype.kind == "f" or isinstance(center, float) or abs(center) >= SAFE:
        plain = cast(Floats, values.astype(np.float64, copy=False))
        with np.errstate(over="ignore"):
            # Adding makes 0.0 of -0.0, whose sign would choose another cell: subtracting zero would not.
            return plain + (0.0 - float(center))
    if not len(values) or (int(values.min()) > -SAFE and int(values.max()) < SAFE):
        return cast(Floats, (values.astype(np.int64, copy=False) - np.int64(center)).astype(np.float64))
    far = (values >= SAFE) if values.dtype == np.uint64 else (values >= SAFE) | (values <= -SAFE)
    near = np.where(far, 0, values).astype(np.int64) - np.int64(center)
    return cast(Floats, np.where(far, values.astype(np.float64) - float(center), near.astype(np.float64)))

"""Columns of two samples as numbers that trees can split, without a hint which sample a row comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trimtab.drift.examine import looks_like_ids
from trimtab.profile.keys import Floats

type Kind = Literal["number", "boolean", "instant", "text"]

# What scikit-learn's trees take as categories; the rest share the last code.
_CODES = 255
_FEWEST_COUNTED = 200
_FARTHEST = 1e300  # infinities stand here, for the middle between two of them is no number


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows as numbers: those of the baseline first, NaN where a value is missing.

    `matrix` has a row per row and one or two columns per column of the data; `owners` tells which of `names`
    each belongs to, `is_category` which hold codes. `left_out` says which columns are not there, and why.
    """

    matrix: Floats
    is_current: npt.NDArray[np.bool_]
    names: tuple[str, ...]
    owners: tuple[int, ...]
    is_category: tuple[bool, ...]
    left_out: tuple[str, ...]


def encode(baseline: pa.Table, current: pa.Table, kinds: Mapping[str, Kind]) -> Encoded:
    """Encode the columns that two samples share; rows are in the order in which they came.

    Instants, ids and counters are left out, for they always drift.
    """
    names: list[str] = []
    columns: list[Floats] = []
    owners: list[int] = []
    is_category: list[bool] = []
    left_out: list[str] = []
    for name, kind in kinds.items():
        sides = [table[name].combine_chunks() for table in (baseline, current)]
        if kind == "instant":
            left_out.append(f"{name}: left out, because time always drifts")
        elif kind == "text" and any(_are_ids(side) for side in sides):
            left_out.append(f"{name}: left out, because nearly every value is another (HIGH_CARDINALITY)")
        elif kind == "number" and all(_rises(side) for side in sides):
            left_out.append(f"{name}: left out, because it rises from row to row as a counter does")
        else:
            encoded = _numbers(sides) if kind == "number" else _categories(sides)
            columns += encoded
            owners += [len(names)] * len(encoded)
            is_category += [kind != "number", False][: len(encoded)]
            names.append(name)
    rows = baseline.num_rows + current.num_rows
    return Encoded(
        np.column_stack(columns) if columns else np.zeros((rows, 0)),
        np.arange(rows) >= baseline.num_rows,
        tuple(names),
        tuple(owners),
        tuple(is_category),
        tuple(left_out),
    )


def _numbers(sides: list[Any]) -> list[Floats]:
    return [np.clip(np.concatenate([_floats(side) for side in sides]), -_FARTHEST, _FARTHEST)]


def _categories(sides: list[Any]) -> list[Floats]:
    """Return codes; with too many categories for codes, also how common each is among all rows.

    Both samples are counted as one and ties go by name: a code that came from one sample would betray it.
    """
    texts = pa.concat_arrays([side.cast(pa.string()) for side in sides])
    found = texts.dictionary_encode()
    places = _floats(found.indices)
    known = ~np.isnan(places)
    codes = places[known].astype(np.intp)
    counts = np.bincount(codes, minlength=len(found.dictionary))
    names = np.array(found.dictionary.to_pylist(), dtype=object)
    by_name = np.argsort(names, kind="stable")
    order = by_name[np.argsort(-counts[by_name], kind="stable")]
    ranks = np.empty(len(order))
    ranks[order] = np.minimum(np.arange(len(order)), _CODES - 1)
    encoded = [np.full(len(places), np.nan)]
    encoded[0][known] = ranks[codes]
    if len(counts) > _CODES:
        encoded.append(np.full(len(places), np.nan))
        encoded[1][known] = np.log(counts[codes])
    return encoded


def _are_ids(texts: Any) -> bool:
    present = len(texts) - texts.null_count
    return looks_like_ids(pc.count_distinct(texts).as_py(), present)


def _rises(numbers: Any) -> bool:
    values = _floats(numbers)
    return len(values) >= _FEWEST_COUNTED and bool(np.all(values[1:] > values[:-1]))


def _floats(values: Any) -> Floats:
    floats = values.cast(pa.float64(), safe=False)
    result: Floats = floats.to_numpy(zero_copy_only=False).astype(np.float64)
    return result

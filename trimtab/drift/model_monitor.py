"""Read what SageMaker Model Monitor wrote: `statistics.json` and `constraints.json`, nothing taken on trust.

Both schemas are those of the developer guide ("Schema for Statistics", "Schema for Constraints").
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast

import numpy as np

from trimtab.errors import BadInput
from trimtab.profile.keys import Floats

type InferredType = Literal["Integral", "Fractional", "String", "Unknown"]

LARGEST_FILE = 256 * 2**20
_TYPES = ("Integral", "Fractional", "String", "Unknown")
_MOST_ROWS = 2**48  # so that sums of residuals fit in 64 bits
_MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class NumberStatistics:
    """A column of numbers: its rows, its extremes and its sketch, whose level i holds items of 2^i rows.

    `levels` is None where there is no sketch that stands for every row.
    """

    name: str
    is_integral: bool
    present: int
    missing: int
    minimum: float
    maximum: float
    levels: tuple[Floats, ...] | None


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """A column of text: its rows, and how often each value came; None where not all rows are told."""

    name: str
    present: int
    missing: int
    counts: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What `statistics.json` says; `unknown` names the columns without a type."""

    rows: int
    features: tuple[NumberStatistics | TextStatistics, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a column must be; None where `constraints.json` does not say."""

    name: str
    inferred_type: InferredType
    completeness: float | None
    is_non_negative: bool
    domain: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Constraints:
    """What `constraints.json` says; the threshold is the distance from which Model Monitor spoke of drift."""

    features: tuple[Constraint, ...]
    comparison_threshold: float | None


def read_statistics(data: bytes, source: str = "statistics.json") -> Statistics:
    """Read `statistics.json`; raise BadInput with the feature and the key where it is not as documented."""
    root = _document(data, source)
    rows = root.at("dataset").at("item_count").whole()
    features: list[NumberStatistics | TextStatistics] = []
    unknown: list[str] = []
    for node in _features(root):
        inferred = _inferred_type(node)
        if inferred == "Unknown":
            unknown.append(node.at("name").text())
        else:
            features.append(_text(node, rows) if inferred == "String" else _number(node, rows))
    return Statistics(rows, tuple(features), tuple(unknown))


def read_constraints(data: bytes, source: str = "constraints.json") -> Constraints:
    """Read `constraints.json`; raise BadInput with the feature and the key where it is not as documented."""
    root = _document(data, source)
    threshold = root.find("monitoring_config", "distribution_constraints", "comparison_threshold")
    return Constraints(
        tuple(_constraint(node) for node in _features(root)),
        threshold.share() if threshold else None,
    )


@dataclass(frozen=True, slots=True)
class _Node:
    """A value of a JSON document, and the words for where it stands."""

    value: Any
    place: str

    def at(self, key: str) -> "_Node":
        found = self.find(key)
        if found is None:
            self.refuse(f"has no {key!r}")
        return found

    def find(self, *keys: str) -> "_Node | None":
        node = self
        for key in keys:
            if not isinstance(node.value, dict):
                node.refuse("is no object")
            if node.value.get(key) is None:
                return None
            node = _Node(node.value[key], f"{node.place}{'' if node.place.endswith(': ') else '.'}{key}")
        return node

    def parts(self) -> list["_Node"]:
        if not isinstance(self.value, list):
            self.refuse("is no list")
        return [_Node(value, f"{self.place}[{place}]") for place, value in enumerate(self.value)]

    def number(self) -> float:
        # A boolean is an int to Python, and 1e400 is infinite to its reader of JSON.
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.refuse("is no number")
        try:
            number = float(self.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.refuse("is no finite number")
        return number

    def whole(self) -> int:
        number = self.number()
        if not (number.is_integer() and 0 <= number <= _MOST_ROWS):
            self.refuse(f"is {self.value!r} and no whole number of 0 or more")
        return int(number)

    def share(self) -> float:
        number = self.number()
        if not 0 <= number <= 1:
            self.refuse(f"is {self.value!r} and no share from 0 to 1")
        return number

    def text(self) -> str:
        if not isinstance(self.value, str) or _has_half_a_letter(self.value):
            self.refuse("is no text")
        return str(self.value)

    def numbers(self) -> Floats:
        if not isinstance(self.value, list) or not {type(one) for one in self.value} <= {int, float}:
            self.refuse("is no list of numbers")
        try:
            found = np.array(self.value, dtype=np.float64)
        except OverflowError:
            self.refuse("holds a number that is not finite")
        if not np.isfinite(found).all():
            self.refuse("holds a number that is not finite")
        return found

    def refuse(self, what: str) -> NoReturn:
        raise BadInput(f"{self.place.removesuffix(': ')} {what}; fetch the file again, or mend it there")


def _document(data: bytes, source: str) -> _Node:
    if len(data) > LARGEST_FILE:
        raise BadInput(f"{source} has {len(data):,} bytes, more than the {LARGEST_FILE:,} that are read")
    try:
        root = _Node(json.loads(data), f"{source}: ")
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{source} is no JSON ({error}); fetch it again") from error
    version = root.at("version").value
    if isinstance(version, bool) or version != 0:
        raise BadInput(f"{source} has version {version!r}, and this code reads 0; update Trimtab")
    return root


def _features(root: _Node) -> list[_Node]:
    source = root.place.removesuffix(": ")
    nodes: list[_Node] = []
    names: set[str] = set()
    for part in root.at("features").parts():
        name = part.at("name").text()
        if name in names:
            raise BadInput(f"{source} has two features {name!r}; give each a name of its own")
        names.add(name)
        nodes.append(_Node(part.value, f"{source}: feature {name!r}: "))
    return nodes


def _inferred_type(node: _Node) -> InferredType:
    inferred = node.at("inferred_type")
    if inferred.value not in _TYPES:
        inferred.refuse(f"is {inferred.value!r}, and none of {', '.join(_TYPES)}")
    return cast(InferredType, inferred.value)


def _rows_of(statistics: _Node, rows: int) -> tuple[int, int]:
    common = statistics.at("common")
    present, missing = common.at("num_present").whole(), common.at("num_missing").whole()
    if present + missing != rows:
        common.refuse(f"counts {present:,} and {missing:,} rows, which are not the {rows:,} of the data set")
    return present, missing


def _number(node: _Node, rows: int) -> NumberStatistics:
    name, is_integral = node.at("name").text(), node.at("inferred_type").value == "Integral"
    statistics = node.at("numerical_statistics")
    present, missing = _rows_of(statistics, rows)
    if not present:
        return NumberStatistics(name, is_integral, 0, missing, 0.0, 0.0, ())
    minimum, maximum = statistics.at("min").number(), statistics.at("max").number()
    levels = None
    sketch = statistics.find("distribution", "kll", "sketch", "data")
    if sketch is not None:
        levels = tuple(part.numbers() for part in sketch.parts())
        if len(levels) > _MOST_LEVELS:
            sketch.refuse(f"has {len(levels)} levels")
        if any(len(items) and not minimum <= items.min() <= items.max() <= maximum for items in levels):
            sketch.refuse(f"holds values outside of min and max, {minimum:g} and {maximum:g}")
        if sum(len(items) << level for level, items in enumerate(levels)) != present:
            levels = None
    return NumberStatistics(name, is_integral, present, missing, minimum, maximum, levels)


def _text(node: _Node, rows: int) -> TextStatistics:
    statistics = node.at("string_statistics")
    present, missing = _rows_of(statistics, rows)
    counts: dict[str, int] = {}
    buckets = statistics.find("distribution", "categorical", "buckets")
    for bucket in buckets.parts() if buckets else ():
        value = bucket.at("value").text()
        counts[value] = counts.get(value, 0) + bucket.at("count").whole()
    complete = sum(counts.values()) == present
    return TextStatistics(node.at("name").text(), present, missing, counts if complete else None)


def _constraint(node: _Node) -> Constraint:
    completeness = node.find("completeness")
    non_negative = node.find("num_constraints", "is_non_negative")
    if non_negative is not None and not isinstance(non_negative.value, bool):
        non_negative.refuse("is neither true nor false")
    domain = node.find("string_constraints", "domains")
    return Constraint(
        node.at("name").text(),
        _inferred_type(node),
        completeness.share() if completeness else None,
        non_negative is not None and bool(non_negative.value),
        tuple(dict.fromkeys(part.text() for part in domain.parts())) if domain else None,
    )


def _has_half_a_letter(text: str) -> bool:
    """Tell whether JSON's escapes left half a surrogate pair, which is no letter and cannot be encoded."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)

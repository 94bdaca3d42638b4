"""Infer a first contract from a file: kinds, nulls, ranges, categories, uniqueness; a person edits it."""

import keyword
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute

from trimtab.cells import CellKind, flat, read_cells
from trimtab.errors import BadInput
from trimtab.reading.rows import Rows

pc: Any = pyarrow.compute

_KINDS: tuple[CellKind, ...] = ("integer", "number", "instant", "boolean")
_MOST_CATEGORIES = 20
_DATE_LENGTH = len("2013-01-31")
_ROWS_PER_CATEGORY = 5
_MOST_DISTINCT = 200_000
_LABELS = ("label", "target", "y", "late", "churn", "fraud", "default", "outcome", "class")
_TYPES = {"text": "str", "integer": "int", "number": "float", "boolean": "bool"}


@dataclass
class SeenColumn:
    """What is known of one column after any number of chunks."""

    name: str
    kinds: list[CellKind] = field(default_factory=lambda: list(_KINDS))
    rows: int = 0
    nulls: int = 0
    least: Any = None
    most: Any = None
    distinct: set[str] | None = field(default_factory=set)
    has_local_times: bool = False  # instants without a zone
    domain: tuple[str, ...] | None = None  # the values that may be, where somebody has listed them

    def add(self, cells: Any, bare: Any = None) -> None:
        """Take the cells of one chunk into account; in JSON, `bare` are the places without quotes."""
        if bare is not None:
            texts = len(cells) - cells.null_count - len(bare)
            self.kinds = [
                kind
                for kind in self.kinds
                if (kind == "instant" or not texts) and (kind != "instant" or not len(bare))
            ]
        self.rows += len(cells)
        self.nulls += cells.null_count
        known = cells.drop_null()
        kept: list[CellKind] = []
        for kind in self.kinds:
            typed, unreadable = read_cells(known, kind)
            if kind == "instant" and len(unreadable) and pc.min(pc.utf8_length(known)).as_py() > _DATE_LENGTH:
                # Which zone they are in a person knows; to see that they are instants any will do.
                _, unreadable = read_cells(known, kind, "UTC")
                self.has_local_times = True
            if len(unreadable):
                continue
            kept.append(kind)
            if kind == "number" and len(typed):
                bounds = pc.min_max(typed).as_py()
                self.least = bounds["min"] if self.least is None else min(self.least, bounds["min"])
                self.most = bounds["max"] if self.most is None else max(self.most, bounds["max"])
        self.kinds = kept
        if self.distinct is not None:
            self.distinct.update(pc.unique(known).to_pylist())
            if len(self.distinct) > _MOST_DISTINCT:
                self.distinct = None

    @property
    def kind(self) -> CellKind:
        """Return the narrowest kind that all cells have."""
        if self.nulls == self.rows:
            return "text"
        # Zeros and ones are numbers: a person says what they mean.
        return self.kinds[0] if self.kinds else "text"

    @property
    def is_unique(self) -> bool:
        """Tell whether every row has a value of its own."""
        return self.distinct is not None and len(self.distinct) == self.rows > 1 and not self.nulls

    @property
    def categories(self) -> list[str] | None:
        """Return the listed values of a text column or its few, or None when there are many."""
        if self.domain is not None:
            return sorted(self.domain)
        found = self.distinct
        if self.kind != "text" or not found or len(found) > _MOST_CATEGORIES:
            return None
        return sorted(found) if len(found) * _ROWS_PER_CATEGORY <= self.rows else None


def infer(batches: Iterable[Rows], *, is_json: bool = False) -> list[SeenColumn]:
    """Look at all rows, read as text; raise BadInput when there are none."""
    columns: dict[str, SeenColumn] = {}
    for rows in batches:
        for name in rows.table.column_names:
            bare = rows.misfits.get(name, ()) if is_json else None
            columns.setdefault(name, SeenColumn(name)).add(flat(rows.table[name]), bare)
    if not columns or not next(iter(columns.values())).rows:
        raise BadInput("the file has no rows to infer a contract from; give one with rows")
    return list(columns.values())


def contract_text(columns: list[SeenColumn], source: str) -> str:
    """Return the text of a `contract.py` that the file itself keeps."""
    lines = [
        f'"""What a row must look like; inferred from {_plain(source)}: edit it, ranges are those seen."""',
        "",
        "import pandas as pd" if any(_uses_pandas(column) for column in columns) else "",
        "import pandera.pandas as pa",
        "from pandera.typing import Series",
        "",
        "",
        "class Contract(pa.DataFrameModel):",
        '    """One uploaded row."""',
        "",
        *(_field(number, column) for number, column in enumerate(columns)),
        "",
    ]
    text = "\n".join(lines)
    return text.replace('"""\n\n\nimport pandera', '"""\n\nimport pandera')


def suggestions(columns: list[SeenColumn], delimiter: str) -> dict[str, Any]:
    """Suggest the lines of project.toml that belong to the file; None where only a person knows."""
    instants = [one.name for one in columns if one.kind == "instant" and not one.nulls]
    unique = [one.name for one in columns if one.is_unique and one.kind in ("text", "integer")]
    binary = [
        one
        for one in columns
        if one.distinct is not None and one.distinct <= _BINARY and len(one.distinct) == 2
    ]
    named = [one.name for one in binary if one.name.lower() in _LABELS]
    label = named[0] if named else binary[-1].name if binary else None
    timestamp = instants[0] if instants else None
    identity = next((name for name in unique if name == "prediction_id"), unique[0] if unique else None)
    special = {timestamp, label, identity}
    rest = [one for one in columns if one.name not in special]
    data = {"timestamp": timestamp, "label": label, "prediction_id": identity, "delimiter": delimiter}
    # A person has to name it: every zone would do.
    unzoned = any(one.kind == "instant" and one.has_local_times for one in columns)
    return {
        "data": data | ({"timezone": None} if unzoned else {}),
        "features": {
            "numeric": [one.name for one in rest if one.kind in ("number", "integer")],
            "categorical": [
                one.name for one in rest if one.kind in ("text", "boolean") and not one.is_unique
            ],
        },
    }


_BINARY = {"0", "1", "0.0", "1.0", "true", "false", "True", "False"}


def _field(number: int, column: SeenColumn) -> str:
    settings: dict[str, Any] = {}
    if column.is_unique and column.kind in ("text", "integer"):
        settings["unique"] = True
    elif column.kind in ("number", "integer") and column.least is not None:
        settings["ge"] = _bound(column, column.least)
        if column.most is not None:
            settings["le"] = _bound(column, column.most)
    elif categories := column.categories:
        settings["isin"] = categories
    if column.nulls:
        settings["nullable"] = True
    name = column.name
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_") or name in _TAKEN:
        settings["alias"], name = name, f"column_{number}"
    written = [f"{key}={value!r}" for key, value in settings.items()]
    if column.kind == "instant":
        written.insert(0, 'dtype_kwargs={"unit": "ns", "tz": "UTC"}')
    return f"    {name}: Series[{_type(column)}] = pa.Field({', '.join(written)})"


_TAKEN = frozenset({"Config", "pa", "pd", "Series", "validate", "to_schema", "copy", "index"})


def _bound(column: SeenColumn, value: float) -> float | int:
    return int(value) if column.kind == "integer" else value


def _type(column: SeenColumn) -> str:
    if column.kind == "instant":
        return "pd.DatetimeTZDtype"
    if column.nulls and column.kind == "integer":
        return "pd.Int64Dtype"
    if column.nulls and column.kind == "boolean":
        return "pd.BooleanDtype"
    return _TYPES[column.kind]


def _uses_pandas(column: SeenColumn) -> bool:
    return _type(column).startswith("pd.")


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() and letter not in '"\\')

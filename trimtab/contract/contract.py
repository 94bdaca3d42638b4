"""Load a project's `contract.py` and read from it what each column is."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pandera.pandas as pandera

from trimtab.cells import CellKind
from trimtab.contract.columns import ColumnCheck
from trimtab.errors import BadInput
from trimtab.project import Project

_KINDS: tuple[tuple[tuple[str, ...], CellKind], ...] = (
    (("int", "Int", "uint", "UInt"), "integer"),
    (("float", "Float"), "number"),
    (("bool", "boolean"), "boolean"),
    (("datetime",), "instant"),
    (("str", "string", "object", "category", "None"), "text"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract."""

    name: str
    kind: CellKind
    nullable: bool
    required: bool
    dtype: Any  # what pandas calls the type that the contract's checks expect


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values, taken together, occur once in a file; and which rows are at fault otherwise."""

    columns: tuple[str, ...]
    keep: Literal["first", "last", False]

    @property
    def column(self) -> str:
        """Name the column at fault as findings name it."""
        return self.columns[0] if len(self.columns) == 1 else "(row)"

    @property
    def check(self) -> str:
        """Name the check as pandera names it."""
        return "field_uniqueness" if len(self.columns) == 1 else "multiple_fields_uniqueness"

    @property
    def message(self) -> str:
        """Say what is asked for."""
        return (
            "must be unique"
            if len(self.columns) == 1
            else f"{', '.join(self.columns)} together must be unique"
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """What rows must look like: columns by name, and pandera's schema if there is more than types to it.

    The schema holds what can be judged row by row; what must be unique stands apart, and so do the checks
    that need their column alone.
    """

    columns: Mapping[str, Column]
    schema: Any | None
    uniques: tuple[Unique, ...] = ()
    checks: tuple[ColumnCheck, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """List the columns that a file must have, in the contract's order."""
        return tuple(column.name for column in self.columns.values() if column.required)


def load_contract(folder: Path, project: Project) -> Contract:
    """Load `folder/contract.py`; raise BadInput with one sentence when it cannot serve the project."""
    path = folder / "contract.py"
    contract = read_contract(path, project.name)
    _check_against(path, contract.columns, project)
    return contract


def read_contract(path: Path, name: str) -> Contract:
    """Load a contract by itself; `name` tells its module from others."""
    model = getattr(_imported(path, name), "Contract", None)
    if not (isinstance(model, type) and issubclass(model, pandera.DataFrameModel)):
        raise BadInput(f"{path}: there is no class Contract(pandera.DataFrameModel); define it")
    try:
        schema = model.to_schema()
    except Exception as error:
        raise BadInput(f"{path}: class Contract is not valid: {_first_line(error)}") from error
    columns = {name: _column(path, name, column) for name, column in schema.columns.items()}
    _refuse_wide_checks(path, schema)
    uniques = _take_uniques(schema)
    # Dropping would hide the very rows that have to be quarantined with their reasons.
    schema.drop_invalid_rows = False
    # Rows come in the declared types already; to coerce and to compare them again takes as long as the
    # checks.
    schema.coerce = False
    for column in schema.columns.values():
        column.coerce, column.dtype = False, None
    checks = _take_column_checks(schema, columns)
    rest = schema if schema.columns or schema.checks or schema.parsers else None
    return Contract(columns=columns, schema=rest, uniques=uniques, checks=checks)


def _take_column_checks(schema: Any, columns: Mapping[str, Column]) -> tuple[ColumnCheck, ...]:
    """Take out of a schema what can be judged without it, and the columns of which it then asks nothing."""
    if schema.parsers:
        return ()
    taken: list[ColumnCheck] = []
    for name, column in list(schema.columns.items()):
        is_plain = not (column.parsers or column.regex) and getattr(column, "default", None) is None
        if not is_plain or str(columns[name].dtype) == "category":
            continue
        found = [ColumnCheck.of(name, check) for check in column.checks]
        taken += [check for check in found if check is not None]
        column.checks = [check for check, one in zip(column.checks, found, strict=True) if one is None]
        if not column.checks:
            del schema.columns[name]
    schema.strict = schema.ordered = False  # of columns that are read by name
    return tuple(taken)


def _refuse_wide_checks(path: Path, schema: Any) -> None:
    owners = [
        ("the rows", schema.checks),
        *((f"column {name!r}", one.checks) for name, one in schema.columns.items()),
    ]
    for owner, checks in owners:
        for check in checks:
            if check.groupby is not None:
                raise BadInput(
                    f"{path}: check {check.name or check} of {owner} groups rows, which a file read in "
                    "chunks "
                    "cannot be judged by; write a check that answers for each row"
                )
    if schema.index is not None:
        raise BadInput(f"{path}: the contract declares an index, which files have not; make it a column")


def _take_uniques(schema: Any) -> tuple[Unique, ...]:
    """Take the uniqueness out of a schema, because a chunk cannot be asked for it."""
    keeps: dict[str, Literal["first", "last", False]] = {"exclude_first": "first", "exclude_last": "last"}
    uniques = []
    for name, column in schema.columns.items():
        if column.unique:
            uniques.append(Unique((name,), keeps.get(str(column.report_duplicates), False)))
            column.unique = False
    if schema.unique:
        together = [schema.unique] if isinstance(schema.unique[0], str) else schema.unique
        keep = keeps.get(str(schema.report_duplicates), False)
        uniques += [Unique(tuple(columns), keep) for columns in together]
        schema.unique = None
    return tuple(uniques)


def _imported(path: Path, project: str) -> ModuleType:
    if not path.is_file():
        raise BadInput(f"{path} does not exist; write it with a class Contract(pandera.DataFrameModel)")
    name = f"trimtab_contract_{project.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pandera looks up a model's annotations in its module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise BadInput(
            f"{path} cannot be imported: {type(error).__name__}: {_first_line(error)}; it may import pandas "
            "and pandera, nothing of the project"
        ) from error
    return module


def _column(path: Path, name: str, column: Any) -> Column:
    text = str(column.dtype)
    for starts, kind in _KINDS:
        if text.startswith(starts):
            return Column(name, kind, column.nullable, column.required, getattr(column.dtype, "type", None))
    raise BadInput(
        f"{path}: column {name!r} has type {text}; use str, float, int, bool or a datetime with a zone"
    )


def _check_against(path: Path, columns: Mapping[str, Column], project: Project) -> None:
    data, features = project.data, project.features
    for name in (data.timestamp, data.label, *features.numeric, *features.categorical):
        if name not in columns:
            raise BadInput(
                f"{path}: project.toml names column {name!r}, which class Contract lacks; add it to the "
                "contract or correct its name"
            )
    if columns[data.timestamp].kind != "instant":
        raise BadInput(f"{path}: column {data.timestamp!r} is the timestamp; declare it as a datetime in UTC")
    if columns[data.timestamp].nullable or not columns[data.timestamp].required:
        raise BadInput(f"{path}: column {data.timestamp!r} is the timestamp; it is required and never null")
    for name in features.numeric:
        if columns[name].kind not in ("number", "integer"):
            raise BadInput(
                f"{path}: column {name!r} is a numeric feature in project.toml but {columns[name].kind} in "
                "the contract; make them agree"
            )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]

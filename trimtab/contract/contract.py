"""Load a project's `contract.py` and read from it what each column is."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandera.pandas as pandera

from trimtab.cells import CellKind
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
class Contract:
    """What rows must look like: columns by name, and pandera's schema if there is more than types to it."""

    columns: Mapping[str, Column]
    schema: Any | None

    @property
    def required(self) -> tuple[str, ...]:
        """List the columns that a file must have, in the contract's order."""
        return tuple(column.name for column in self.columns.values() if column.required)


def load_contract(folder: Path, project: Project) -> Contract:
    """Load `folder/contract.py`; raise BadInput with one sentence when it cannot serve the project."""
    path = folder / "contract.py"
    model = getattr(_imported(path, project.name), "Contract", None)
    if not (isinstance(model, type) and issubclass(model, pandera.DataFrameModel)):
        raise BadInput(f"{path}: there is no class Contract(pandera.DataFrameModel); define it")
    try:
        schema = model.to_schema()
    except Exception as error:
        raise BadInput(f"{path}: class Contract is not valid: {_first_line(error)}") from error
    # Dropping would hide the very rows that have to be quarantined with their reasons.
    schema.drop_invalid_rows = False
    columns = {name: _column(path, name, column) for name, column in schema.columns.items()}
    _check_against(path, columns, project)
    return Contract(columns=columns, schema=schema)


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

"""Compare a file's header with the columns that are expected of it."""

import csv
import io
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from trimtab.reading.refusal import Refusal, shown

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_MOST_NAMED = 8


def read_header(start: bytes, delimiter: str) -> list[str]:
    """Return the column names in the first record of a UTF-8 file, given at least that record."""
    text = start.decode("utf-8", errors="ignore").removeprefix("\ufeff")  # it may be cut within a letter
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise Refusal(
            "SCHEMA_MISMATCH",
            f"the first row is no header: {error}; upload CSV with the columns' names on top",
        ) from error


def compare_header(
    found: Sequence[str], required: Sequence[str], optional: Collection[str], delimiter: str
) -> list[str]:
    """Return the columns that nobody asked for; raise Refusal when one is missing or appears twice.

    Columns are matched by name, so their order does not matter.
    """
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise Refusal(
            "SCHEMA_MISMATCH",
            f"the header names column {shown(twice[0])} {found.count(twice[0])} times; give each column a "
            "name of its own",
        )
    extra = [name for name in found if name not in required and name not in optional]
    if missing := [name for name in required if name not in found]:
        raise Refusal("SCHEMA_MISMATCH", _missing(missing, found, extra, delimiter))
    return extra


def ignored_columns(extra: Sequence[str]) -> tuple[str, ...]:
    """Return the warning about columns that nobody asked for."""
    return (f"columns {_names(extra)} are not in the contract and were ignored",) if extra else ()


def _missing(missing: Sequence[str], found: Sequence[str], extra: Sequence[str], delimiter: str) -> str:
    what = f"the header lacks {'column' if len(missing) == 1 else 'columns'} {_names(missing)}"
    if len(found) == 1 and (other := _other_delimiter(found[0], delimiter)):
        return (
            f"{what}: it seems to be delimited by {_named(other)}, but this project's files are delimited by "
            f"{_named(delimiter)}; export it so, or set data.delimiter in project.toml"
        )
    renamed = {name: close for name in missing if (close := _close(name, extra))}
    if renamed:
        hints = ", ".join(f"{shown(close)} for {shown(name)}" for name, close in renamed.items())
        return f"{what}; did you mean {hints}? Rename it in the file, or in contract.py"
    return (
        f"{what}; it has {_names(found) or 'none'}; add what is missing, or make it optional in contract.py"
    )


def _other_delimiter(name: str, delimiter: str) -> str | None:
    return next((other for other in DELIMITERS if other != delimiter and other in name), None)


def _close(name: str, candidates: Sequence[str]) -> str | None:
    folded = {_folded(candidate): candidate for candidate in candidates}
    matches = get_close_matches(_folded(name), folded, n=1, cutoff=0.7)
    return folded[matches[0]] if matches else None


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(shown(name) for name in names[:_MOST_NAMED]) + more


def _named(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, shown(delimiter))

"""Why a whole file is refused: a code for programs, a sentence with the remedy for people."""

from typing import Literal

from trimtab.errors import BadInput

type Code = Literal[
    "KEY",
    "GONE",
    "EMPTY_FILE",
    "TOO_LARGE",
    "TOO_SLOW",
    "TOO_COMPRESSED",
    "TOO_LONG",
    "TOO_WIDE",
    "TOO_DEEP",
    "CHECKSUM",
    "FORMAT",
    "ENCODING",
    "SCHEMA_MISMATCH",
    "NO_ROWS",
    "TOO_FEW_ROWS",
    "TOO_MANY_ROWS",
    "OUT_OF_ORDER",
    "RAGGED_ROWS",
    "TYPE_MISMATCH",
    "NAIVE_TIMESTAMP",
    "TOO_MANY_BAD_ROWS",
    "NO_PREDICTIONS",
]
LONGEST_SHOWN = 60
MASK = "(masked)"


class Refusal(BadInput):
    """A file that is refused whole; a normal answer of a check, not a failure of the run."""

    def __init__(self, code: Code, reason: str) -> None:
        """Refuse with a code and one sentence that names the place and the remedy."""
        super().__init__(reason)
        self.code: Code = code
        self.reason = reason


def shown(value: object, *, masked: bool = False) -> str:
    """Return a value from outside as text that is safe to show: escaped, shortened, or masked.

    >>> shown("12,5\\n")
    "'12,5\\\\n'"
    """
    if masked:
        return MASK
    text = ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."

"""Judge columns by the checks that pandera brings: the same functions, called without a frame.

Most of what pandera takes for a chunk goes into frames, copies and reports around those functions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Pandera registers its checks when this is imported, else at its first validation.
from pandera.backends.pandas import builtin_checks

from trimtab.cells import flags_of, flat

_WHOLE_COLUMN = ("unique_values_eq",)


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """One of pandera's own checks, of one column."""

    column: str
    name: str  # as pandera reports it
    origin: Any  # as pandera has it
    judge: Any

    @classmethod
    def of(cls, column: str, check: Any) -> "ColumnCheck | None":
        """Return a check that answers for each value by itself, without settings of its own; or None."""
        function = getattr(check._check_fn, "__name__", "")
        if not (check.determined_by_unique and check.is_builtin_check(function)) or function in _WHOLE_COLUMN:
            return None
        is_plain = check.ignore_na and not (check.raise_warning or check.element_wise or check.groupby)
        if not is_plain or check.n_failure_cases is not None:
            return None
        name = check.error if check.error is not None else check.name or str(check)
        return cls(column, str(name), check, getattr(builtin_checks, function))

    def failures(self, values: "Values") -> Iterator[tuple[int, Any]]:
        """Yield the positions and the values that fail; null never does."""
        answers = np.asarray(self.judge(values.distinct, **self.origin._check_kwargs), dtype=np.bool_)
        if answers.all():
            return
        for position in values.positions(~answers).tolist():
            yield position, values.at(position)


class Values:
    """What a column holds, each text once."""

    def __init__(self, column: Any, series: Any) -> None:
        """Take a column, and the same as pandas shows it to checks; a text column needs no series."""
        self._column = flat(column)
        self._codes: NDArray[np.int64] | None = None
        if series is None:
            encoded = self._column.dictionary_encode()
            present = flags_of(encoded.indices.is_valid())
            codes = np.frombuffer(
                encoded.indices.buffers()[1], np.int32, len(encoded), encoded.indices.offset * 4
            )
            self._places, self._codes = np.flatnonzero(present), codes[present].astype(np.int64)
            self.distinct = pd.Series(encoded.dictionary.to_pandas(), dtype=object)
        else:
            shown = pd.Series(series)
            self._places = np.flatnonzero(shown.notna().to_numpy())
            self.distinct = shown if len(self._places) == len(shown) else shown.iloc[self._places]

    def positions(self, failing: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the positions of rows whose value is flagged."""
        flags = failing if self._codes is None else failing[self._codes]
        return self._places[flags].astype(np.int64)

    def at(self, position: int) -> Any:
        """Return one value as Python has it."""
        return self._column[position].as_py()

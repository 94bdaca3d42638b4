"""Event times in the order of the file: their span, and the first row that comes before its forerunner."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import numpy as np
import pyarrow as pa

from trimtab.cells import flat
from trimtab.contract.uniqueness import RowNumbers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Order:
    """Microseconds since 1970 of rows that follow each other; stretches that follow each other add up.

    `out_of_order` is the number of the first row that is earlier than the row before it, `first_row` that of
    the first row at all.
    """

    first_row: int
    first: int
    last: int
    earliest: int
    latest: int
    out_of_order: int | None

    @classmethod
    def of(cls, times: Any, numbers: RowNumbers) -> Self:
        """Look at a column of instants without nulls, and the numbers of its rows."""
        column = flat(times).cast(pa.int64())
        values = np.frombuffer(
            column.buffers()[1], dtype=np.int64, count=len(column), offset=column.offset * 8
        )
        earlier = np.flatnonzero(np.diff(values) < 0)
        return cls(
            int(numbers[0]),
            int(values[0]),
            int(values[-1]),
            int(values.min()),
            int(values.max()),
            int(numbers[earlier[0] + 1]) if len(earlier) else None,
        )

    def __add__(self, other: "Order") -> "Order":
        between = other.first_row if other.first < self.last else other.out_of_order
        return Order(
            self.first_row,
            self.first,
            other.last,
            min(self.earliest, other.earliest),
            max(self.latest, other.latest),
            self.out_of_order if self.out_of_order is not None else between,
        )

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Return the half-open interval, in whole seconds of UTC, that holds all event times."""
        return (
            _EPOCH + timedelta(seconds=self.earliest // 1_000_000),
            _EPOCH + timedelta(seconds=self.latest // 1_000_000 + 1),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON-able data."""
        return asdict(self)

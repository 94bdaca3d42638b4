"""Write rows as Parquet so that the same rows give the same bytes on every machine."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from trimtab.dataset.version import SchemaField

ROW_GROUP_ROWS = 65_536
# zstd's output depends on its level only; snappy's also on the processor.
_SETTINGS: dict[str, Any] = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": True,
    "write_statistics": True,
    "coerce_timestamps": "us",
    "store_schema": False,
}


class PartWriter:
    """Writes one Parquet file from tables of any size; how the rows were cut up makes no difference."""

    def __init__(self, sink: Path | io.BytesIO) -> None:
        """Write to `sink` once there are rows: without any there is no file."""
        self._sink = sink
        self._writer: Any = None
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> None:
        """Add rows; all tables have one schema."""
        self._waiting.append(table.replace_schema_metadata(None))
        self._rows += table.num_rows
        while self._rows >= ROW_GROUP_ROWS:
            self._write(ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write what is left."""
        if self._rows or (self._waiting and self._writer is None):
            self._write(self._rows)
        if self._writer is not None:
            self._writer.close()

    def _write(self, rows: int) -> None:
        waiting = pa.concat_tables(self._waiting)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._sink, waiting.schema, **_SETTINGS)
        # One contiguous row group at a time: pages end where Arrow's chunks do.
        self._writer.write_table(waiting.slice(0, rows).combine_chunks(), row_group_size=ROW_GROUP_ROWS)
        self._waiting, self._rows = [waiting.slice(rows)], self._rows - rows


def schema_of(table: pa.Table) -> list[SchemaField]:
    """Return the table's columns and types as JSON-able data."""
    return [{"name": field.name, "type": str(field.type)} for field in table.schema]

"""Write rows as Parquet so that the same rows give the same bytes on every machine."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute
from pyarrow import parquet

from trimtab.dataset.version import SchemaField

pc: Any = pyarrow.compute

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
    "row_group_size": ROW_GROUP_ROWS,
}


def to_parquet(table: pa.Table) -> bytes:
    """Return the table as the bytes of one Parquet file; chunks and metadata make no difference."""
    sink = io.BytesIO()
    plain = table.replace_schema_metadata(None).combine_chunks()
    parquet.write_table(plain, sink, **_SETTINGS)
    return sink.getvalue()


def schema_of(table: pa.Table) -> list[SchemaField]:
    """Return the table's columns and types as JSON-able data."""
    return [{"name": field.name, "type": str(field.type)} for field in table.schema]


def span_of(table: pa.Table, timestamp: str) -> tuple[datetime, datetime]:
    """Return the half-open interval, in whole seconds of UTC, that holds all event times."""
    bounds = pc.min_max(table[timestamp])
    first, last = (bounds[name].as_py().astimezone(UTC) for name in ("min", "max"))
    return first.replace(microsecond=0), last.replace(microsecond=0) + timedelta(seconds=1)

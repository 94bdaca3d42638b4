"""Read files and prefixes for comparison: found, recognised, and read in batches of one type per column."""

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import pyarrow as pa
import pyarrow.compute
from pyarrow import parquet, types

from trimtab.captured import read_captured
from trimtab.cells import flat, read_cells
from trimtab.errors import BadInput
from trimtab.profile import Grid, Profile
from trimtab.project.settings import Data
from trimtab.reading.archives import compression_of, plain
from trimtab.reading.files import TextFile
from trimtab.reading.records import chunks
from trimtab.reading.rows import Rows, Wanted
from trimtab.reading.sources import FileSource, read_fully

pc: Any = pyarrow.compute

type Kind = Literal["number", "boolean", "instant", "text"]
type Format = Literal["parquet", "csv", "jsonl", "capture"]

TABLE = "athena://"  # begins the address of a table
KNOWN = {".parquet", ".pq", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ""}
_COMPRESSED = {".gz", ".zst"}
_BATCH_ROWS = 65_536
_HEAD = 2**16
_MOST = 2**50  # these files are read, not uploaded: nothing is refused for its size
_INSTANT: Any = pa.timestamp("us", tz="UTC")


class Side(Protocol):
    """What is compared with a baseline: files, or a table."""

    @property
    def text(self) -> str:
        """Return what a person wrote to name it."""

    @property
    def remarks(self) -> list[str]:
        """Say what a reader of the comparison should know of its reading."""

    def names(self, known: Collection[str]) -> set[str]:
        """Return the names of its columns, as `known` writes them."""

    def profile(self, grid: Grid, kinds: dict[str, Kind]) -> Profile:
        """Profile the rows; raise BadInput when there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How text is written; without a delimiter, what the file's name says."""

    delimiter: str | None = None
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("", "NA", "NaN", "nan", "null", "NULL", "None")


@dataclass(frozen=True, slots=True)
class Address:
    """A file or a prefix as a person wrote it: its files, and how their text is written."""

    text: str
    files: tuple[str, ...]
    dialect: Dialect
    unreadable: dict[str, int] = field(default_factory=dict)  # cells that are not of their column's kind
    broken: dict[str, int] = field(default_factory=dict)  # rows that are none, by file

    @classmethod
    def find(cls, text: str, dialect: Dialect) -> "Address":
        """List the files; raise BadInput where there is none that can be read."""
        if text.startswith(TABLE):
            raise BadInput(
                f"{text} is a table, which only the current side of compare and explain may be: UNLOAD its "
                "rows as Parquet and name their s3:// folder"
            )
        files = _in_s3(text) if text.startswith("s3://") else _on_disk(Path(text))
        return cls(text, tuple(files), dialect)

    @property
    def remarks(self) -> list[str]:
        """Say what of it could not be read so far."""
        return [
            f"{count:,} cells of {name} in {self.text} are not of its kind and count as null"
            for name, count in self.unreadable.items()
        ] + [
            f"{count:,} rows of {name} could not be read as rows and are left out"
            for name, count in self.broken.items()
        ]

    def names(self, known: Collection[str]) -> set[str]:
        """Return the names of its columns."""
        return set(next(self.batches()).column_names)

    def profile(self, grid: Grid, kinds: dict[str, Kind]) -> Profile:
        """Profile the rows."""
        return Profile.of_batches(grid, self.typed(kinds))

    def batches(self, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows of all files as they stand there; raise BadInput when there are none."""
        rows = 0
        for name in self.files:
            with fetched(name) as path:
                for table in _read(path, name, self, columns):
                    rows += table.num_rows
                    if table.num_rows:
                        yield table
        if not rows:
            raise BadInput(f"{self.text} has no rows; give a file with rows")

    def typed(self, kinds: dict[str, Kind]) -> Iterator[pa.Table]:
        """Yield the rows with every column of the kind given; what cannot be read as that kind is null."""
        for table in self.batches(kinds):
            found: dict[str, Any] = {}
            for name, kind in kinds.items():
                if name in table.column_names:
                    found[name], bad = as_kind(table[name], kind)
                else:
                    found[name], bad = pa.nulls(table.num_rows, _type_of(kind)), 0
                if bad:
                    self.unreadable[name] = self.unreadable.get(name, 0) + bad
            yield pa.table(found)


def kinds_of(table: pa.Table) -> tuple[dict[str, Kind], list[str]]:
    """Tell the kinds of the columns from some first rows; and the columns that have no kind."""
    kinds: dict[str, Kind] = {}
    without: list[str] = []
    quoted = (table.schema.metadata or {}).get(b"quoted", b"").decode().split("\0")
    for name in dict.fromkeys(table.column_names):
        kind = _kind(table[name], is_text=name in quoted)
        if kind is None:
            without.append(name)
        else:
            kinds[name] = kind
    return kinds, without


def as_kind(column: Any, kind: Kind) -> tuple[Any, int]:
    """Return a column as one kind, and how many of its cells could not be read."""
    column = flat(column)
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_large_string(column.type) or types.is_string_view(column.type):
        column = column.cast(pa.string())
    own = column.type
    if types.is_null(own):
        return pa.nulls(len(column), _type_of(kind)), 0
    if kind == "text":
        return (column if types.is_string(own) else column.cast(pa.string())), 0
    if types.is_string(own):
        # Instants without a zone are taken as UTC.
        typed, bad = read_cells(column, kind, "UTC")
        return typed, len(bad)
    if kind == "number" and (types.is_integer(own) or types.is_floating(own) or types.is_decimal(own)):
        return column, 0
    try:
        return column.cast(_type_of(kind)), 0
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(column), _type_of(kind)), len(column) - column.null_count


def _type_of(kind: Kind) -> Any:
    return {"number": pa.float64(), "boolean": pa.bool_(), "instant": _INSTANT, "text": pa.string()}[kind]


def _kind(column: Any, *, is_text: bool) -> Kind | None:  # noqa: PLR0911 - a case each
    own = column.type
    own = own.value_type if types.is_dictionary(own) else own
    if types.is_boolean(own):
        return "boolean"
    if types.is_timestamp(own) or types.is_date(own):
        return "instant"
    if types.is_integer(own) or types.is_floating(own) or types.is_decimal(own):
        return "number"
    if types.is_null(own):
        return "text"
    if not (types.is_string(own) or types.is_large_string(own) or types.is_string_view(own)):
        return None
    cells = as_kind(column, "text")[0].drop_null()
    if not len(cells):
        return "text"
    candidates: tuple[Kind, ...] = ("instant",) if is_text else ("number", "boolean", "instant")
    return next((kind for kind in candidates if not as_kind(cells, kind)[1]), "text")


def _on_disk(path: Path) -> list[str]:
    if path.is_file():
        _refuse_unknown(path.name)
        return [str(path)]
    if not path.is_dir():
        raise BadInput(f"{path} does not exist; give a file, a folder or an s3:// address")
    found = [
        str(one)
        for one in sorted(path.rglob("*"))
        if one.is_file() and _is_data(one.relative_to(path).parts) and one.stat().st_size
    ]
    if not found:
        raise BadInput(f"{path} holds no Parquet, CSV or JSON Lines file; give the folder that does")
    return found


def _in_s3(text: str) -> list[str]:
    from trimtab.aws.objects import Bucket

    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise BadInput(f"{text} names no bucket; write s3://BUCKET/KEY")
    listed = list(Bucket(bucket).list(key))
    found = [f"s3://{bucket}/{one.key}" for one in listed if one.key == key]
    if not found:
        found = [
            f"s3://{bucket}/{one.key}"
            for one in listed
            if one.size and _is_data(tuple(one.key[len(key) :].split("/")), one.key)
        ]
    if not found:
        raise BadInput(f"{text} holds no Parquet, CSV or JSON Lines object; check bucket and prefix")
    return found


def _is_data(parts: tuple[str, ...], name: str = "") -> bool:
    hidden = any(part.startswith((".", "_")) for part in parts)
    return not hidden and _suffix(name or parts[-1]) in KNOWN


def _suffix(name: str) -> str:
    path = Path(name)
    return (Path(path.stem).suffix if path.suffix in _COMPRESSED else path.suffix).lower()


def _refuse_unknown(name: str) -> None:
    if _suffix(name) not in KNOWN:
        raise BadInput(f"{name} has an unknown format; give Parquet, CSV or JSON Lines (.gz and .zst, too)")


@contextmanager
def fetched(name: str) -> Iterator[Path]:
    """Give the file's path on this machine; an object of S3 is there only as long as it is read."""
    if not name.startswith("s3://"):
        yield Path(name)
        return
    from trimtab.aws.objects import Bucket

    bucket, _, key = name.removeprefix("s3://").partition("/")
    with TemporaryDirectory(prefix="trimtab-") as folder:
        path = Path(folder) / "object"
        Bucket(bucket).fetch(key, path)
        yield path


def _read(path: Path, name: str, address: Address, columns: Collection[str] | None) -> Iterator[pa.Table]:
    if not path.stat().st_size:
        raise BadInput(f"{name} is empty; give a file with rows")
    format, delimiter = _format(path, name, address.dialect.delimiter)
    broken = 0
    try:
        if format == "parquet":
            yield from _parquet(path, columns)
        elif format == "capture":
            yield from _captures(path, address.dialect.nulls)
        else:
            data = _data(format, delimiter, address.dialect)
            for rows in _text(path, data, columns):
                if rows.broken:
                    broken += len(rows.broken)
                    address.broken[name] = broken
                yield rows.table
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{name} cannot be read as {format}: {error}; write it again") from error


def _data(format: Format, delimiter: str, dialect: Dialect | None = None) -> Data:
    how = dialect or Dialect()
    return Data(
        timestamp="", label="", format="csv" if format == "csv" else "jsonl", delimiter=delimiter,
        encoding=how.encoding, null_tokens=how.nulls, max_bytes=_MOST, part_bytes=_MOST, max_columns=100_000,
    )  # fmt: skip


def _format(path: Path, name: str, delimiter: str | None) -> tuple[Format, str]:
    """Tell the format from the first bytes, because names lie; the delimiter of text from its name."""
    tab = delimiter or ("\t" if _suffix(name) == ".tsv" else ",")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PAR1"):
        return "parquet", tab
    if _suffix(name) in (".parquet", ".pq") and not compression_of(start):
        raise BadInput(f"{name} is no Parquet file, whatever its name says; write it again or rename it")
    stream, _ = plain(path.open("rb"), _data("jsonl", tab))
    with closing(stream):
        head = read_fully(stream, _HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"{"):
        return ("capture" if b'"captureData"' in head else "jsonl"), tab
    if head.startswith(b"["):
        raise BadInput(f"{name} is one JSON array; write JSON Lines, one object a line")
    return "csv", tab


def _parquet(path: Path, columns: Collection[str] | None) -> Iterator[pa.Table]:
    with parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise BadInput(f"column {twice[0]!r} appears twice; give each column a name of its own")
        wanted = None if columns is None else [name for name in names if name in columns]
        # Row group by row group: asked for all of them at once, Arrow reads far ahead.
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], columns=wanted):
                yield pa.Table.from_batches([batch])


def _text(path: Path, data: Data, columns: Collection[str] | None) -> Iterator[Rows]:
    source = FileSource(path)
    with closing(TextFile(source, Wanted({}, ()), data)) as opened:
        names = opened.extra if data.format == "csv" else _keys(opened)
    kept = [name for name in names if columns is None or name in columns]
    kinds = dict.fromkeys(kept, "text")
    with closing(TextFile(source, Wanted(kinds, ()), data)) as opened:  # type: ignore[arg-type]
        for rows in opened.rows():
            bare = [name for name in kept if data.format == "jsonl" and name not in rows.misfits]
            table = rows.table.replace_schema_metadata({b"quoted": "\0".join(bare).encode()})
            yield replace(rows, table=table)


def _keys(opened: TextFile) -> tuple[str, ...]:
    first = next(opened.rows(), None)
    return first.extra if first else ()


def _captures(path: Path, nulls: tuple[str, ...]) -> Iterator[pa.Table]:
    data = _data("capture", ",")
    stream, _ = plain(path.open("rb"), data)
    with closing(stream):
        for chunk in chunks(stream, 0, quoted=False, part_bytes=_MOST, longest=2**26):
            table = read_captured(chunk.data, null_tokens=nulls)
            if chunk.data.strip() and not table.num_rows:
                raise BadInput(
                    "no captured line can be read; requests and answers must be CSV with a header and "
                    "a column prediction_id"
                )
            yield table.drop_columns(["captured_at", "model_version"])


def write(path: Path, text: str) -> None:
    """Write a report; raise BadInput where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}; name a file in an existing folder"
        ) from error

"""Recognise what a file is by its first bytes, and decompress gzip and zstd within bounds."""

import codecs
from typing import Any, Literal

import pyarrow as pa

from trimtab.project.settings import Data
from trimtab.reading.refusal import Refusal
from trimtab.reading.sources import Rejoined, Stream, read_fully

type Compression = Literal["gzip", "zstd"]

_COMPRESSIONS: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_OTHERS = {
    b"PAR1": 'a Parquet file; set data.format = "parquet" in project.toml if all of the project\'s files are',
    b"PK\x03\x04": "a zip archive or a workbook; upload the table itself, perhaps compressed by gzip or zstd",
    b"BZh": "a bzip2 archive; compress it by gzip or zstd",
    b"\xfd7zXZ\x00": "an xz archive; compress it by gzip or zstd",
    b"ORC": "an ORC file; export CSV, JSON Lines or Parquet",
}
_OTHER_ENCODINGS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_MAGIC_BYTES = 8
# A short file of equal rows shrinks a lot and harms nobody.
RATIO_COUNTS_FROM = 8 * 2**20


def plain(stream: Stream, data: Data) -> tuple[Stream, Compression | None]:
    """Return the stream as plain text, and what it was compressed by; raise Refusal for other kinds."""
    start = read_fully(stream, _MAGIC_BYTES)
    compression = compression_of(start)
    rejoined = Rejoined(start, stream)
    if compression is None:
        _refuse_other_kinds(start)
        return rejoined, None
    opened = Decompressed(rejoined, compression, data)
    inner = read_fully(opened, _MAGIC_BYTES)
    if compression_of(inner):
        raise Refusal("FORMAT", f"the {compression} archive holds another archive; compress the file once")
    _refuse_other_kinds(inner)
    return Rejoined(inner, opened), compression


def compression_of(start: bytes) -> Compression | None:
    """Tell by its first bytes what a file is compressed by."""
    return next((kind for magic, kind in _COMPRESSIONS.items() if start.startswith(magic)), None)


def _refuse_other_kinds(start: bytes) -> None:
    for magic, kind in _OTHERS.items():
        if start.startswith(magic):
            raise Refusal("FORMAT", f"the file is {kind}")
    for mark, name in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise Refusal("ENCODING", f"the file is {name} (byte 0); export it as UTF-8")


class Decompressed:
    """A decompressed stream that ends in a refusal when it grows beyond its bounds."""

    def __init__(self, stream: Stream, compression: Compression, data: Data) -> None:
        """Decompress `stream` within the bounds of `data`."""
        self._counted = _Counted(stream)
        file: Any = self._counted  # Arrow asks for no more than it has
        self._inner: Any = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), compression)
        self._compression, self._data, self._size = compression, data, 0

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; nothing at the end."""
        # In steps, because what a few stored bytes become is not known beforehand.
        try:
            block: bytes = self._inner.read(min(size, 2**20))
        except OSError as error:
            raise Refusal(
                "FORMAT",
                f"the {self._compression} archive is damaged or cut off after {self._size:,} bytes of text; "
                "compress and upload it again",
            ) from error
        self._size += len(block)
        if self._size > self._data.max_bytes:
            raise too_large(self._data.max_bytes, "the decompressed file")
        if self._size > max(RATIO_COUNTS_FROM, self._counted.size * self._data.max_ratio):
            raise Refusal(
                "TOO_COMPRESSED",
                f"the {self._compression} archive grows to more than {self._data.max_ratio:g} times its "
                "size: "
                f"{self._counted.size:,} bytes have become {self._size:,}; upload it uncompressed, or raise "
                "data.max_ratio in project.toml",
            )
        return block

    def close(self) -> None:
        """Close the stream."""
        self._counted.close()


def too_large(most: int, what: str = "the file") -> Refusal:
    """Return the refusal of a file with too many bytes."""
    return Refusal(
        "TOO_LARGE",
        f"{what} has more than {most:,} bytes; split it into several files, or raise data.max_bytes in "
        "project.toml",
    )


class _Counted:
    """What Arrow takes for a file: it counts the bytes that are read."""

    closed = False

    def __init__(self, stream: Stream) -> None:
        self._stream, self.size = stream, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size if size >= 0 else 2**16)
        self.size += len(block)
        return block

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._stream.close()

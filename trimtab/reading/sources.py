"""Where the bytes of a file come from: anything that can be opened at an offset; and streams made of them."""

import io
from collections.abc import Buffer
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Stream(Protocol):
    """Bytes from front to back."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; nothing at the end."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class Source(Protocol):
    """A file of a known size that can be opened at any offset."""

    @property
    def size(self) -> int:
        """Count the stored bytes."""
        ...

    def open(self, start: int = 0, stop: int | None = None) -> Stream:
        """Open the bytes from `start` up to `stop`, or to the end."""
        ...

    def verify(self) -> None:
        """Raise Refusal when the bytes, read to the end, are not those that were meant."""
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file on this machine."""

    path: Path

    @property
    def size(self) -> int:
        """Count the bytes."""
        return self.path.stat().st_size

    def open(self, start: int = 0, stop: int | None = None) -> Stream:
        """Open the bytes from `start` up to `stop`, or to the end."""
        file = self.path.open("rb", buffering=0)
        file.seek(start)
        return file if stop is None else Bounded(file, stop - start)

    def verify(self) -> None:
        """Accept the bytes: nobody said what they should be."""


class Bounded:
    """The first bytes of a stream."""

    def __init__(self, stream: Stream, size: int) -> None:
        """Give `size` bytes of `stream` at most."""
        self._stream, self._left = stream, size

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; nothing at the end."""
        block = self._stream.read(min(size, self._left))
        self._left -= len(block)
        return block

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class Rejoined:
    """A stream whose first bytes were read to look at them."""

    def __init__(self, head: bytes, rest: Stream) -> None:
        """Give `head`, then `rest`."""
        self._head, self._rest = head, rest

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; nothing at the end."""
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        return self._rest.read(size)

    def close(self) -> None:
        """Close the rest."""
        self._rest.close()


def read_fully(stream: Stream, size: int) -> bytes:
    """Read until there are `size` bytes or there is nothing left."""
    first = stream.read(size)
    if len(first) == size or not first:
        return first
    blocks, have = [first], len(first)
    while have < size and (block := stream.read(size - have)):
        blocks.append(block)
        have += len(block)
    return b"".join(blocks)


class Seekable(io.RawIOBase):
    """A source as a file that can be read at any place, which Parquet asks for; each read is one range."""

    def __init__(self, source: Source) -> None:
        """Start at the front."""
        self._source, self._position = source, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place can be gone to."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer as far as there are bytes."""
        view = memoryview(buffer).cast("B")
        stop = min(self._position + len(view), self._source.size)
        if stop <= self._position:
            return 0
        stream = self._source.open(self._position, stop)
        try:
            block = read_fully(stream, stop - self._position)
        finally:
            stream.close()
        view[: len(block)] = block
        self._position += len(block)
        return len(block)

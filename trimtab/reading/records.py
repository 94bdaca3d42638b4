"""Where records end: cut a text stream into chunks of whole records, and count records range by range.

A record ends at a line break outside quotes, and quotes come in pairs (RFC 4180). So the ends in a range
depend on one bit of what comes before it: whether it starts inside quotes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from trimtab.reading.refusal import Refusal
from trimtab.reading.sources import Stream, read_fully

CHUNK_BYTES = 2**22
_STEP = 2**18
_LINE_BREAK, _RETURN, _QUOTE = 10, 13, 34


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole records: the part that they belong to, where in the file they start, and their bytes."""

    part: int
    start: int
    data: bytes


def chunks(stream: Stream, start: int, *, quoted: bool, part_bytes: int, longest: int) -> Iterator[Chunk]:
    """Cut the rest of a file, which starts at byte `start`, into chunks of whole records.

    A part holds the records that start in its `part_bytes` bytes; a chunk is a stretch of one part. Raises
    Refusal for a record longer than `longest`, having held little more than that.
    """
    step = min(CHUNK_BYTES, part_bytes)
    tail, at_end = b"", False
    while True:
        part = start // part_bytes
        wanted = min((part + 1) * part_bytes, start + step - (start - part * part_bytes) % step) - start
        end: int | None = None
        while end is None and not at_end:
            missing = max(wanted - len(tail), _STEP if len(tail) >= wanted else 0)
            block = read_fully(stream, missing)
            tail, at_end = tail + block, len(block) < missing
            end = record_end(tail, wanted - 1, quoted=quoted)
            if end is None and len(tail) - wanted > longest:
                raise too_long(longest, start + wanted)
        if end is None:
            end = record_end(tail, wanted - 1, quoted=quoted) or len(tail)
        if not tail:
            return
        yield Chunk(part, start, tail[:end])
        start, tail = start + end, tail[end:]


def record_end(data: bytes, place: int, *, quoted: bool) -> int | None:
    """Return where the first record ends that ends at byte `place` or later; `data` starts with a record."""
    if place >= len(data):
        return None
    inside = quoted and data.count(b'"', 0, place) % 2 == 1
    while (end := data.find(b"\n", place)) >= 0:
        if quoted and data.count(b'"', place, end) % 2:
            inside = not inside
        if not inside:
            return end + 1
        closing = data.find(b'"', end)
        if closing < 0:
            return None
        inside, place = False, closing + 1
    return None


def refuse_unclear(chunk: Chunk, *, delimiter: str, row: int, longest: int) -> None:
    """Raise Refusal for CSV whose records cannot be told apart without doubt, or that are too long."""
    data = chunk.data
    if b'"' not in data:
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            _refuse_lone_returns(np.frombuffer(data, dtype=np.uint8), None, row)
        refuse_long_lines(chunk, longest)
        return
    letters = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(letters == _QUOTE)
    _refuse_stray_quotes(letters, quotes, ord(delimiter), row)
    if b"\r" in data:
        _refuse_lone_returns(letters, quotes, row)
    breaks = np.flatnonzero(letters == _LINE_BREAK)
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    starts = np.concatenate([[0], ends + 1])
    lengths = np.diff(starts, append=len(letters))
    if lengths.max() > longest:
        raise too_long(longest, chunk.start + int(starts[lengths.argmax()]))


def refuse_long_lines(chunk: Chunk, longest: int) -> None:
    """Raise Refusal when a line is too long."""
    data, place = chunk.data, 0
    while len(data) - place > longest:
        found = data.rfind(b"\n", place, place + longest)
        if found < 0:
            raise too_long(longest, chunk.start + place)
        place = found + 1


def _refuse_stray_quotes(letters: Any, quotes: Any, delimiter: int, row: int) -> None:
    """Refuse an opening quote in the middle of a cell, and a closing one before its end."""
    opening, closing = quotes[::2], quotes[1::2]
    before = letters[np.maximum(opening - 1, 0)]
    after = letters[np.minimum(closing + 1, len(letters) - 1)]
    opens = (opening == 0) | np.isin(before, (delimiter, _LINE_BREAK, _QUOTE))
    closes = (closing == len(letters) - 1) | np.isin(after, (delimiter, _LINE_BREAK, _RETURN, _QUOTE))
    stray = np.concatenate([opening[~opens], closing[~closes]])
    if len(stray):
        first = int(stray.min())
        raise Refusal(
            "FORMAT",
            f"row {row + _ends_before(letters, quotes, first):,} has a quote in the middle of a cell, so "
            "that "
            "its end cannot be told; write the cell in quotes and double the quotes in it, as RFC 4180 says",
        )


def _refuse_lone_returns(letters: Any, quotes: Any, row: int) -> None:
    returns = np.flatnonzero(letters == _RETURN)
    lone = returns[
        (returns < len(letters) - 1) & (letters[np.minimum(returns + 1, len(letters) - 1)] != _LINE_BREAK)
    ]
    if quotes is not None:
        lone = lone[np.searchsorted(quotes, lone) % 2 == 0]
    if len(lone):
        place = row + _ends_before(letters, quotes, int(lone[0]))
        raise Refusal(
            "FORMAT",
            f"row {place:,} has a carriage return without a line feed outside quotes; end rows with line "
            "feeds, "
            "or with both, and put cells with line breaks in quotes",
        )


def _ends_before(letters: Any, quotes: Any, place: int) -> int:
    breaks = np.flatnonzero(letters[:place] == _LINE_BREAK)
    return len(breaks) if quotes is None else int((np.searchsorted(quotes, breaks) % 2 == 0).sum())


def too_long(longest: int, place: int) -> Refusal:
    """Return the refusal of a record that is too long."""
    return Refusal(
        "TOO_LONG",
        f"the row at byte {place:,} is longer than {longest:,} bytes; a quote may never be closed there, "
        "or the "
        "file is no table; correct the file, or raise data.max_record_bytes in project.toml",
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records end in a range of bytes and where the first does: starting outside quotes, or inside.

    Tallies of neighbours add up, in any grouping; `Tally.none()` is the identity.
    """

    turns: bool
    ends: tuple[int, int]
    first: tuple[int | None, int | None]

    @classmethod
    def none(cls) -> Self:
        """Return the tally of no bytes."""
        return cls(False, (0, 0), (None, None))

    @classmethod
    def of(cls, data: bytes, start: int, *, quoted: bool) -> Self:
        """Count in `data`, which starts at byte `start` of the file."""
        if not quoted or b'"' not in data:
            found = data.find(b"\n")
            return cls(False, (data.count(b"\n"), 0), (start + found if found >= 0 else None, None))
        letters = np.frombuffer(data, dtype=np.uint8)
        quotes, breaks = np.flatnonzero(letters == _QUOTE), np.flatnonzero(letters == _LINE_BREAK)
        odd = np.searchsorted(quotes, breaks) % 2 == 1
        sides = [breaks[~odd], breaks[odd]]
        ends = (len(sides[0]), len(sides[1]))
        first = [start + int(side[0]) if len(side) else None for side in sides]
        return cls(len(quotes) % 2 == 1, ends, (first[0], first[1]))

    def __add__(self, other: "Tally") -> "Tally":
        sides = (1, 0) if self.turns else (0, 1)
        return Tally(
            self.turns != other.turns,
            (self.ends[0] + other.ends[sides[0]], self.ends[1] + other.ends[sides[1]]),
            (
                self.first[0] if self.first[0] is not None else other.first[sides[0]],
                self.first[1] if self.first[1] is not None else other.first[sides[1]],
            ),
        )

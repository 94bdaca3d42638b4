"""Cut a file into parts without reading it in order: count records range by range, then place the parts."""

from collections.abc import Iterator, Sequence

from trimtab.reading.files import TextFile
from trimtab.reading.records import Tally
from trimtab.reading.rows import Place
from trimtab.reading.sources import Source, read_fully

_BLOCK = 2**22


def part_count(size: int, part_bytes: int) -> int:
    """Count the parts that a file of `size` bytes may have."""
    return -(-size // part_bytes)


def tallies(source: Source, first: int, last: int, *, quoted: bool, part_bytes: int) -> Iterator[Tally]:
    """Count the records' ends before which the parts from `first` to `last` start.

    A record starts in a part if the record before it ends there or on the byte before, hence ranges that lie
    one byte ahead of their parts.
    """
    for part in range(first, last + 1):
        start = max(part * part_bytes - 1, 0)
        stop = min((part + 1) * part_bytes - 1, source.size)
        tally, stream = Tally.none(), source.open(start, stop)
        try:
            while start < stop and (block := read_fully(stream, min(_BLOCK, stop - start))):
                tally += Tally.of(block, start, quoted=quoted)
                start += len(block)
        finally:
            stream.close()
        yield tally


def places(file: TextFile, counted: Sequence[Tally], size: int) -> list[Place]:
    """Return where the parts lie, given the tallies of all ranges in order."""
    found: list[Place] = []
    before = Tally.none()
    for part, tally in enumerate(counted):
        side = 1 if before.turns else 0
        end = tally.first[side]
        start, row = (end + 1, before.ends[0] + 2) if end is not None else (size, 0)
        if part == 0 and (not file.quoted or start <= file.first_byte):
            start, row = file.first_byte, file.first_row
        before += tally
        if start < size:
            found.append(Place(part, start, None, row))
    stops = [*(place.start for place in found[1:]), None][: len(found)]
    return [
        Place(place.part, place.start, stop, place.first_row)
        for place, stop in zip(found, stops, strict=True)
    ]

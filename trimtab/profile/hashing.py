"""Counts of text by a hash of it: what is kept of a column with too many categories to name.

A fixed number of buckets holds exact counts, and registers estimate how many distinct texts there were. Both
are linear or a maximum, so unlike the sketches of heavy hitters and quantiles (whose content depends on the
order in which rows came) they add up to the same bytes in any order, split and grouping. A bucket's count is
never below that of any text in it, and above it by what shares the bucket: on average 1/4096 of the rows.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trimtab.profile.keys import Integers

BUCKETS = 4096
REGISTERS = 1024  # the estimate of distinct texts is off by 3 percent, one standard deviation
LONGEST = 64  # characters; longer texts share the last length

type _Words = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_REGISTER_BITS = 10
_BUCKET_BITS = 12


def hashes_of(texts: Sequence[str]) -> _Words:
    """Return a 64-bit hash of each text, the same on every machine.

    >>> [f"{h:016x}" for h in hashes_of(["", "a", "ab"]).tolist()]
    ['e220a8397b1dcdaf', 'dc4c613d9eba2304', '7ce6eb6d24a1a420']
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    sums = np.zeros(len(encoded), dtype=np.uint64)
    letters = np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint64) + np.uint64(1)
    held = lengths > 0
    if held.any():
        starts = np.cumsum(lengths) - lengths
        places = np.arange(len(letters)) - np.repeat(starts, lengths)
        powers = np.cumprod(np.full(int(lengths.max()), _PRIME, dtype=np.uint64))
        # A polynomial in a fixed odd number modulo 2^64, one term per byte.
        sums[held] = np.add.reduceat(letters * powers[places], starts[held])
    mixed = sums + _PRIME
    for shift, factor in _MIXERS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def bucket_counts(hashes: _Words, counts: Integers) -> Integers:
    """Return the rows in each bucket."""
    found = np.zeros(BUCKETS, dtype=np.int64)
    np.add.at(found, (hashes >> np.uint64(64 - _BUCKET_BITS)).astype(np.int64), counts)
    return found


def registers_of(hashes: _Words) -> Integers:
    """Return, by register, the longest run of zeros that a hash began with, plus one: HyperLogLog's state."""
    found = np.zeros(REGISTERS, dtype=np.int64)
    rest = (hashes >> np.uint64(_REGISTER_BITS)).astype(np.float64)
    # The exponent of a float counts the leading zeros of the 54 bits that are left.
    runs = 64 - _REGISTER_BITS + 1 - np.frexp(rest)[1].astype(np.int64)
    np.maximum.at(found, (hashes & np.uint64(REGISTERS - 1)).astype(np.int64), runs)
    return found


def distinct_estimate(registers: Integers) -> float:
    """Return about how many distinct texts left these registers.

    >>> texts = [f"id {i}" for i in range(50_000)]
    >>> abs(distinct_estimate(registers_of(hashes_of(texts))) / 50_000 - 1) < 0.1
    True
    """
    empty = int((registers == 0).sum())
    raw = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / float(np.ldexp(1.0, -registers).sum())
    return REGISTERS * math.log(REGISTERS / empty) if empty and raw <= 2.5 * REGISTERS else raw


def length_counts(texts: Sequence[str], counts: Integers) -> Integers:
    """Return the rows by the number of characters, all above `LONGEST` together."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    found = np.zeros(LONGEST + 2, dtype=np.int64)
    np.add.at(found, np.minimum(lengths, LONGEST + 1), counts)
    return found

"""A profile as bytes: equal profiles give equal payloads, whatever their history and the machine.

The payload is a length, a header of canonical JSON and the integer arrays, each in the narrowest type that
holds it. What is stored is the payload compressed; what names a profile is the digest of the payload, for
builds of a compressor differ in what they make of the same bytes.
"""

import lzma
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from trimtab.canonical import canonical_json
from trimtab.errors import BadInput
from trimtab.profile.keys import Integers

_LARGEST_PAYLOAD = 1 << 28
_WIDTHS = ("<u1", "<u2", "<u4", "<u8")


def pack(header: dict[str, Any], arrays: list[Integers]) -> bytes:
    """Return the payload of a header and arrays of integers that are not negative."""
    text = canonical_json(header)
    return b"".join([struct.pack("<I", len(text)), text, *(_pack_array(array) for array in arrays)])


def unpack_header(payload: bytes) -> tuple[bytes, int]:
    """Return the header's text and where the arrays begin; raise BadInput for a short payload."""
    if len(payload) < 4:
        raise BadInput("profile is cut short; write it again from its data")
    end = 4 + int(struct.unpack_from("<I", payload)[0])
    if end > len(payload):
        raise BadInput("profile is cut short; write it again from its data")
    return payload[4:end], end


def unpack_arrays(payload: bytes, start: int) -> Iterator[Integers]:
    """Yield the arrays in the order in which they were packed; raise BadInput for a damaged one."""
    while start < len(payload):
        try:
            width, length = struct.unpack_from("<BI", payload, start)
            dtype = np.dtype(_WIDTHS[width])
            array = np.frombuffer(payload, dtype=dtype, count=length, offset=start + 5)
        except (struct.error, IndexError, ValueError) as error:
            raise BadInput("profile is damaged; write it again from its data") from error
        start += 5 + length * dtype.itemsize
        yield array.astype(np.int64)


def unsigned(array: Integers) -> Integers:
    """Return integers of either sign as small ones without: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return (array << 1) ^ (array >> 63)


def signed(array: Integers) -> Integers:
    """Return what `unsigned` was given."""
    return (array >> 1) ^ -(array & 1)


def compress(magic: bytes, payload: bytes) -> bytes:
    """Return what is stored: the format's mark and the compressed payload."""
    # The lowest preset: as fast as zlib and a quarter smaller; the others gain a tenth at most, slowly.
    return magic + lzma.compress(payload, preset=0)


def decompress(magic: bytes, what: str, data: bytes) -> bytes:
    """Return the payload of stored bytes.

    Raises BadInput for another format or version, for damage, and for more than 256 MB.
    """
    if data[: len(magic)] != magic:
        if len(data) >= len(magic) and data[: len(magic) - 1] == magic[:-1]:
            raise BadInput(
                f"{what} has format {data[len(magic) - 1]}, and this code reads {magic[-1]}; write an older "
                "one again from its data, or update Trimtab to read a newer one"
            )
        raise BadInput(f"these bytes are no {what} that this code reads; update Trimtab or rebuild it")
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    try:
        payload = unpacker.decompress(data[len(magic) :], _LARGEST_PAYLOAD)
    except lzma.LZMAError as error:
        raise BadInput(f"{what} is damaged ({error}); restore it from its bucket's versions") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BadInput(f"{what} is cut short, too long or too large; restore it from its bucket's versions")
    return payload


def _pack_array(array: Integers) -> bytes:
    largest = int(array.max()) if len(array) else 0
    width = next(i for i in range(4) if largest < 1 << (8 << i))
    return struct.pack("<BI", width, len(array)) + array.astype(_WIDTHS[width]).tobytes()

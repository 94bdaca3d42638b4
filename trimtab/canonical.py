"""Canonical JSON and digests: the one way in which Trimtab names things by content."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Encode `value` as JSON with sorted keys and no spaces, in UTF-8.

    Raises ValueError for NaN and infinities, which JSON cannot carry.

    >>> canonical_json({"b": 1, "a": "é"})
    b'{"a":"\\xc3\\xa9","b":1}'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """Return the sha256 of the canonical JSON of `value` in hexadecimal."""
    return sha256_hex(canonical_json(value))

"""The step cache: what a costly step made is used again when all that decides its outcome is the same."""

from trimtab.cache.entry import Entry, Output, is_fresh
from trimtab.cache.explain import compare, nearest
from trimtab.cache.key import key_of, parts_of

__all__ = ["Entry", "Output", "compare", "is_fresh", "key_of", "nearest", "parts_of"]

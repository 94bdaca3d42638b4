"""Keep this process small: it holds a cloud, answers in many threads, and moves large bodies through."""

from __future__ import annotations

import ctypes
import ctypes.util

# glibc's own numbers for mallopt
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
ONE_MEGABYTE = 1 << 20


def give_memory_back() -> bool:
    """Ask glibc for few arenas and to return what is large at once; return whether it listened.

    By default every thread gets an arena of its own, and large blocks stay in the heap once one was freed:
    80 MB more, measured after a deployment. Elsewhere than on glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(ctypes.util.find_library("c")).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, ONE_MEGABYTE), (M_TRIM_THRESHOLD, ONE_MEGABYTE))
    return all(mallopt(name, value) == 1 for name, value in settings)

"""Memory that is freed goes back to the system: a worker's size is what it holds, not what it once held."""

from __future__ import annotations

import ctypes
import sys

#: Bytes. Blocks from this size on, which are pictures, are mapped alone and go back once they are freed.
_OWN = 2**20

#: glibc's names of what is set (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def give_back_what_is_freed() -> None:
    """Set glibc's allocator so, and return what is free already; no other allocator needs it.

    By itself glibc raises the size from which blocks are returned to that of the largest one freed, up to 32
    MiB, and keeps eight heaps for each core: pictures then leave holes in them that are never returned.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim"):  # musl has neither
        libc.mallopt(_MMAP_THRESHOLD, _OWN)
        libc.mallopt(_TRIM_THRESHOLD, _OWN)
        libc.mallopt(_ARENA_MAX, 2)
        libc.malloc_trim(0)

"""What commands ask of their libraries, before they are loaded."""

from __future__ import annotations

import ctypes
import os
from typing import Final

BLAS_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

ARENAS: Final = 2
"""Heaps of the C library; its default of eight per core keeps a batch's memory in each of them."""

HEAP_BYTES: Final = 32 << 20
"""Blocks up to this size are reused from the heap, and as much as two of them stays free there.

A batch of Arrow records is megabytes that would otherwise be mapped, zeroed and unmapped each time:
a third of the daemon's system time.
"""

# Parameters of mallopt, from glibc's malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8


def one_thread() -> None:
    """One thread for linear algebra, whatever the environment says.

    Sums of several threads are rounded otherwise, so what is fitted to a baseline would differ
    between the daemon and a replay. To be called before numpy is imported, which reads it once.
    """
    for name in BLAS_THREADS:
        os.environ[name] = "1"


def tune() -> None:
    """`one_thread`, and two heaps; where the C library is not glibc, those stay as they are."""
    one_thread()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, ARENAS)
        mallopt(_MMAP_THRESHOLD, HEAP_BYTES)
        mallopt(_TRIM_THRESHOLD, 2 * HEAP_BYTES)

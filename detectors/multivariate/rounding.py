"""Scores that are the same wherever they are computed.

A product of matrices adds in an order that depends on the processor, on BLAS and on its threads, so
the last bits of a score may differ between two machines. Decisions are replayed to the byte; scores
therefore end at a digit far below what matters and far above what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITS = 6


def rounded(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores to DIGITS decimals, without negative zeros; NaN stays."""
    short: NDArray[np.float64] = np.round(scores, DIGITS) + 0.0
    return short

"""Seeds that come from the rows themselves: the same rows draw the same numbers everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from detectors.profile.sample import Sample


def seed_of(sample: Sample) -> int:
    """Seed of a sample, whatever the order of its rows."""
    if not len(sample):
        return 0
    return int(np.bitwise_xor.reduce(sample.keys ^ sample.hashes))

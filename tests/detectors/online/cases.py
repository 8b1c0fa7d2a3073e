"""References and streams that the tests of online detectors share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from detectors import registry
from detectors.online.reference import Reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINARY = ("ddm", "eddm")
SLOW = ("kswin",)
NAMES = tuple(registry.FAMILIES[registry.ONLINE])


def gaussian(columns: int = 1) -> Reference:
    """N(0, 1) to twelve digits."""
    edges = np.linspace(-6, 6, 3001)
    share = np.diff(np.concatenate([[0.0], ndtr(edges), [1.0]]))
    names = tuple(f"x{j}" for j in range(columns))
    return Reference(names, (edges,) * columns, (share * 1e12,) * columns, (None,) * columns)


def errors(rate: float, columns: int = 1) -> Reference:
    """Zeros and ones."""
    counts = np.array([1 - rate, rate]) * 1e6
    names = tuple(f"e{j}" for j in range(columns))
    return Reference(names, (np.array([0.5]),) * columns, (counts,) * columns, (rate,) * columns)


def reference_for(name: str, columns: int = 1) -> Reference:
    """A baseline that the detector can be fitted to."""
    return errors(0.1, columns) if name in BINARY else gaussian(columns)


def changing(name: str, rows: int, columns: int, seed: int) -> NDArray[np.float64]:
    """Rows `(n, c)` whose columns change at different places, with some values missing."""
    generator = np.random.default_rng(seed)
    change = np.linspace(0.3, 0.6, columns) * rows
    after = np.arange(rows)[:, None] >= change
    if name in BINARY:
        values = (generator.random((rows, columns)) < np.where(after, 0.6, 0.1)).astype(float)
    else:
        values = generator.normal(size=(rows, columns)) + np.where(after, 2.0, 0.0)
    values[generator.random((rows, columns)) < 0.05] = np.nan
    return values

"""Windows of mixed rows, as a profile and a sample, for tests of what takes several columns in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.inputs import Block
from detectors.profile import Frame, Profile, fit_frame, hash_columns
from detectors.profile.sample import Reservoir, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

VALUES = 6


@dataclass(frozen=True)
class Rows:
    """A window as scorers see it."""

    profile: Profile
    sample: Sample


def frame_of(
    numeric: NDArray[np.float64], categories: int = 0, embeddings: Sequence[str] = ()
) -> Frame:
    """Frame of columns n0, n1 ... like these `(k, p)`, and of c0, c1 ... with VALUES values."""
    return fit_frame(
        {f"n{j}": column for j, column in enumerate(numeric.T)},
        {f"c{j}": {f"v{k}": VALUES - k for k in range(VALUES)} for j in range(categories)},
        list(embeddings),
        {},
    )


def window_of(
    frame: Frame,
    numeric: NDArray[np.float64],
    categorical: NDArray[np.int32] | None = None,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    *,
    capacity: int = 5_000,
    seed: int = 0,
) -> Rows:
    """Rows `(k, p)` and codes `(k, c)` on a frame; keys are drawn by `seed`, times count up."""
    k = len(numeric)
    columns = [np.ascontiguousarray(column) for column in numeric.T]
    codes = [] if categorical is None else [np.ascontiguousarray(c) for c in categorical.T]
    presence = np.zeros(len(frame.presence.names), np.int64)
    block = Block(
        rows=k,
        numeric=columns,
        numeric_wrong=np.zeros(len(columns), np.int64),
        categorical=codes,
        unseen=[{}] * len(codes),
        presence_missing=presence,
        presence_wrong=presence,
        hashes=hash_columns(columns, codes),
    )
    profile = Profile(frame)
    profile.add(block)
    dimensions = {name: rows.shape[1] for name, rows in (vectors or {}).items()}
    kept = Reservoir(Sample.empty(frame, dimensions), capacity)
    keys = np.random.default_rng(seed).integers(0, 2**64, k, dtype=np.uint64)
    kept.add(block, keys, np.arange(k, dtype=np.int64), vectors)
    return Rows(profile, kept.sample())


def factor_rows(rng: np.random.Generator, k: int, columns: int = 8) -> NDArray[np.float64]:
    """Normal rows `(k, columns)` that share two factors, the same ones in every call."""
    loading = np.random.default_rng(99).normal(0, 0.7, (2, columns))
    return rng.standard_normal((k, 2)) @ loading + rng.standard_normal((k, columns))

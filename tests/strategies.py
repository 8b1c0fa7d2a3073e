"""Hypothesis strategies for what flows through the detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.inputs import MISSING, OUTSIDE, WRONG, Block
from detectors.profile import Frame, Profile, fit_frame, hash_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CELLS = (16, 64, 1024)

ordinary = st.floats(-1e3, 1e3, allow_subnormal=False)
awkward = st.sampled_from(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 1.7e308, -1.7e308, 5e-324, 2.0**53, 0.1]
)
numbers = st.one_of(ordinary, st.integers(-20, 20).map(float), awkward)
"""Doubles as they come from real systems: mostly tame, sometimes anything."""

labels = st.text(max_size=4)


def values(rows: int) -> st.SearchStrategy[NDArray[np.float64]]:
    """Float64 `(rows,)`: tame, few distinct, constant or absent."""
    return st.one_of(
        hnp.arrays(np.float64, rows, elements=numbers),
        hnp.arrays(np.float64, rows, elements=ordinary, fill=st.just(3.0)),
        st.just(np.full(rows, np.nan)),
    )


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Frames of up to three numeric, two categorical and one presence column."""
    rows = draw(st.integers(0, 60))
    numeric = {f"n{i}": draw(values(rows)) for i in range(draw(st.integers(0, 3)))}
    counts = st.dictionaries(labels, st.integers(1, 50), max_size=6)
    categorical = {f"c{i}": draw(counts) for i in range(draw(st.integers(0, 2)))}
    ranges = {name: (-5.0, 10.0) for name in numeric if draw(st.booleans())}
    presence = ["text"] if draw(st.booleans()) else []
    return fit_frame(
        numeric, categorical, presence, ranges, cells=draw(st.sampled_from(CELLS)), max_vocabulary=4
    )


@st.composite
def blocks(draw: st.DrawFn, frame: Frame, max_rows: int = 30) -> Block:
    """Blocks of rows that fit a frame."""
    rows = draw(st.integers(0, max_rows))
    numeric = [draw(values(rows)) for _ in frame.numeric.names]
    wrong = [draw(st.integers(0, int(np.isnan(column).sum()))) for column in numeric]
    categorical = [
        draw(hnp.arrays(np.int32, rows, elements=st.integers(OUTSIDE, int(size) - 1)))
        for size in frame.categorical.sizes
    ]
    unseen = [_spread(draw, int((codes == OUTSIDE).sum())) for codes in categorical]
    presence = [draw(st.integers(0, rows)) for _ in frame.presence.names]
    hashes = draw(hnp.arrays(np.uint64, rows, elements=st.integers(0, 40)))
    return Block(
        rows=rows,
        numeric=numeric,
        numeric_wrong=np.array(wrong, dtype=np.int64),
        categorical=categorical,
        unseen=unseen,
        presence_missing=np.array(presence, dtype=np.int64),
        presence_wrong=np.zeros(len(presence), dtype=np.int64),
        hashes=hashes,
    )


def _spread(draw: st.DrawFn, total: int) -> dict[str, int]:
    """Counts of values outside a vocabulary that add up to `total`."""
    counts: dict[str, int] = {}
    while total > 0:
        part = draw(st.integers(1, total))
        value = draw(labels.map(lambda text: f"new {text}"))
        counts[value] = counts.get(value, 0) + part
        total -= part
    return counts


def block_of(
    numeric: Sequence[NDArray[np.float64]] = (),
    categorical: Sequence[NDArray[np.int32]] = (),
    unseen: Sequence[dict[str, int]] | None = None,
    presence_missing: Sequence[int] = (),
    wrong: Sequence[int] | None = None,
) -> Block:
    """Build a block from columns, with true row hashes."""
    rows = len((*numeric, *categorical)[0])
    return Block(
        rows=rows,
        numeric=numeric,
        numeric_wrong=np.array(wrong or [0] * len(numeric), dtype=np.int64),
        categorical=categorical,
        unseen=unseen or [{}] * len(categorical),
        presence_missing=np.array(presence_missing, dtype=np.int64),
        presence_wrong=np.zeros(len(presence_missing), dtype=np.int64),
        hashes=hash_columns(numeric, categorical),
    )


def profile_of(frame: Frame, *parts: Block) -> Profile:
    """Profile of all rows of some blocks."""
    profile = Profile(frame)
    for part in parts:
        profile.add(part)
    return profile


def numeric_profiles(
    *samples: Sequence[NDArray[np.float64]], cells: int = 1024
) -> tuple[Profile, ...]:
    """Profiles of samples `(columns of (n,))` on the frame that the first of them gives."""
    names = [f"n{i}" for i in range(len(samples[0]))]
    frame = fit_frame(dict(zip(names, samples[0], strict=True)), {}, [], {}, cells=cells)
    return tuple(profile_of(frame, block_of(sample)) for sample in samples)


def categorical_profiles(*samples: Sequence[NDArray[np.int32]]) -> tuple[Profile, ...]:
    """Profiles of code samples; the vocabularies are `v0`, `v1`... up to each column's largest."""
    counts = [
        {f"v{code}": 10_000 - code for code in range(max(int(s[j].max()) for s in samples) + 1)}
        for j in range(len(samples[0]))
    ]
    frame = fit_frame({}, {f"c{j}": c for j, c in enumerate(counts)}, [], {})
    return tuple(profile_of(frame, block_of((), sample)) for sample in samples)


__all__ = [
    "CELLS",
    "MISSING",
    "OUTSIDE",
    "WRONG",
    "block_of",
    "blocks",
    "categorical_profiles",
    "frames",
    "labels",
    "numbers",
    "numeric_profiles",
    "profile_of",
    "values",
]

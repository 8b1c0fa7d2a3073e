"""The frame: what a baseline fixes once so that all later profiles merge exactly.

A numeric column is cut into `cells` inside bins plus one under and one over them. Most columns use
uniform cells, because `floor((x - low) / width)` costs a tenth of a binary search; a column whose
body uniform cells cannot resolve carries explicit increasing edges instead. Both give the same
number of bins, so counts of all columns live in one matrix.

Moments are sums of fixed-point numbers `q = rint((x - center) / unit)`, `unit = width / fine`,
clipped to +-2**18: integers add exactly in any order, floats do not. The uniform cell of a value is
`q // fine` (shifted), so cells and moments share one conversion; a cell therefore begins half a
unit below a multiple of `fine` units.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import InputError, StateError
from detectors.profile.lookup import EdgeLookup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT = 1
FIXED_POINTS = 8192
"""Fixed-point units across the inside cells: the resolution of moments."""
CELL_CHOICES = tuple(2**k for k in range(4, 13))
"""Powers of two from 16 to 4096: every cell then holds a whole number of units."""
CLIP = float(2**18)
"""Fixed-point numbers are clipped to +-CLIP: 32 bodies of the baseline from its centre."""


@dataclass(frozen=True, eq=False)
class NumericFrame:
    """Bins and fixed-point scales of `f1` numeric columns.

    Parameters
    ----------
    names
        Column names, unique.
    cells
        Inside bins per column, a power of two in [16, 4096]. There are `bins = cells + 2`.
    center, width
        float64 `(f1,)`, finite, `width > 0`: middle of the inside cells and uniform cell width, in
        column units.
    range_low, range_high
        float64 `(f1,)`: declared valid range, -inf and inf where there is none.
    edge_columns
        int64 `(e,)`, increasing: indices of the columns that use explicit edges.
    edge_values
        float64 `(e, cells + 1)`: their finite non-decreasing edges (a repeated edge is an empty
        bin). Bin `b` holds `edges[b - 1] <= x < edges[b]`.

    Raises
    ------
    InputError
        If shapes disagree, names repeat, or a width is not positive and finite.
    """

    names: tuple[str, ...]
    cells: int
    center: NDArray[np.float64]
    width: NDArray[np.float64]
    range_low: NDArray[np.float64]
    range_high: NDArray[np.float64]
    edge_columns: NDArray[np.int64]
    edge_values: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_unique(self.names)
        if self.cells not in CELL_CHOICES:
            raise InputError(f"cells must be one of {CELL_CHOICES}, got {self.cells}")
        for name in ("center", "width", "range_low", "range_high"):
            _check_shape(name, getattr(self, name), (len(self.names),))
        _check_shape("edge_values", self.edge_values, (len(self.edge_columns), self.cells + 1))
        if not (np.isfinite(self.center).all() and np.isfinite(self.width).all()):
            raise InputError("center and width must be finite")
        if not (self.width > 0).all():
            raise InputError("width must be positive")

    @property
    def bins(self) -> int:
        """Bins per column: under, `cells` inside, over."""
        return self.cells + 2

    @property
    def fine(self) -> int:
        """Fixed-point units per uniform cell."""
        return FIXED_POINTS // self.cells

    @cached_property
    def unit(self) -> NDArray[np.float64]:
        """float64 `(f1,)`: size of one fixed-point unit in column units."""
        return self.width / self.fine

    @cached_property
    def lookups(self) -> tuple[EdgeLookup, ...]:
        """How to find bins in the columns with explicit edges, one entry per such column."""
        return tuple(map(EdgeLookup.of, self.edge_values))

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """float64 `(f1,)`: lower edge of the first uniform inside cell, column units."""
        return self.center - (self.cells / 2 + 0.5 / self.fine) * self.width

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """float64 `(f1, cells + 1)`: edges of the inside cells of every column, column units.

        The under bin ends at `edges[:, 0]`, the over bin begins at `edges[:, -1]`.
        """
        steps = np.arange(self.cells + 1) - (self.cells / 2 + 0.5 / self.fine)
        edges: NDArray[np.float64] = self.center[:, None] + steps * self.width[:, None]
        edges[self.edge_columns] = self.edge_values
        return edges


@dataclass(frozen=True, eq=False)
class CategoricalFrame:
    """Vocabularies of `f2` categorical columns.

    `complete[j]` is False when the baseline had more values than were kept: a value outside the
    vocabulary is then "other", a known kind of value, else it is "unseen".
    """

    names: tuple[str, ...]
    vocabularies: tuple[tuple[str, ...], ...]
    complete: tuple[bool, ...]

    def __post_init__(self) -> None:
        _check_unique(self.names)
        if not len(self.names) == len(self.vocabularies) == len(self.complete):
            raise InputError("names, vocabularies and complete must have one entry per column")
        for vocabulary in self.vocabularies:
            _check_unique(vocabulary)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """int64 `(f2,)`: length of each vocabulary."""
        return np.array([len(v) for v in self.vocabularies], dtype=np.int64)

    @property
    def longest(self) -> int:
        """Length of the longest vocabulary, the width of a profile's `codes`; 0 without columns."""
        return max(map(len, self.vocabularies), default=0)

    @cached_property
    def codes(self) -> tuple[Mapping[str, int], ...]:
        """Per column the code of each vocabulary value."""
        return tuple({value: i for i, value in enumerate(v)} for v in self.vocabularies)


@dataclass(frozen=True, eq=False)
class PresenceFrame:
    """Columns of which only presence and kind are counted: text, datetime, id, embedding."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_unique(self.names)


@dataclass(frozen=True, eq=False)
class Frame:
    """Numeric, categorical and presence columns of one baseline, in this order.

    Frames compare by identity; `fingerprint` names the content.
    """

    numeric: NumericFrame
    categorical: CategoricalFrame
    presence: PresenceFrame

    def __post_init__(self) -> None:
        _check_unique(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """All column names: numeric, then categorical, then presence."""
        return self.numeric.names + self.categorical.names + self.presence.names

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the content, hex; equal for equal frames on every machine."""
        digest = hashlib.sha256()
        for key, value in self.state().items():
            digest.update(f"{key}:".encode())
            digest.update(_canonical(value))
        return digest.hexdigest()

    def state(self) -> dict[str, Any]:
        """Everything as a plain dict of arrays, strings, ints and tuples of them."""
        numeric = {name: getattr(self.numeric, name) for name in _NUMERIC_ARRAYS}
        return {
            "format": FORMAT,
            "numeric_names": self.numeric.names,
            "cells": self.numeric.cells,
            **numeric,
            "categorical_names": self.categorical.names,
            "vocabularies": self.categorical.vocabularies,
            "complete": self.categorical.complete,
            "presence_names": self.presence.names,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Frame:
        """Frame of a `state()`; lists may stand for tuples, as JSON and msgpack return them.

        Raises
        ------
        StateError
            If the format is unknown or a key is absent.
        """
        if state.get("format") != FORMAT:
            raise StateError(f"frame state has format {state.get('format')!r}, expected {FORMAT}")
        try:
            return cls(
                _numeric(state), _categorical(state), PresenceFrame(_names(state, "presence"))
            )
        except KeyError as error:
            raise StateError(f"frame state lacks {error}") from error


_NUMERIC_ARRAYS = ("center", "width", "range_low", "range_high", "edge_columns", "edge_values")


def _numeric(state: Mapping[str, Any]) -> NumericFrame:
    cells = int(state["cells"])
    arrays = {name: np.array(state[name], dtype=np.float64) for name in _NUMERIC_ARRAYS}
    columns = arrays.pop("edge_columns").astype(np.int64)
    values = arrays.pop("edge_values").reshape(len(columns), cells + 1)
    return NumericFrame(
        _names(state, "numeric"), cells, **arrays, edge_columns=columns, edge_values=values
    )


def _categorical(state: Mapping[str, Any]) -> CategoricalFrame:
    vocabularies = tuple(tuple(vocabulary) for vocabulary in state["vocabularies"])
    complete = tuple(bool(flag) for flag in state["complete"])
    return CategoricalFrame(_names(state, "categorical"), vocabularies, complete)


def _names(state: Mapping[str, Any], family: str) -> tuple[str, ...]:
    return tuple(state[f"{family}_names"])


def _canonical(value: object) -> bytes:
    if isinstance(value, np.ndarray):
        little = value.astype(value.dtype.newbyteorder("<"))
        return f"{little.dtype.str}{little.shape}".encode() + little.tobytes()
    return repr(value).encode("utf-8", "surrogatepass")


def _check_unique(names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise InputError(f"names must be unique, repeated: {', '.join(repeated)}")


def _check_shape(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise InputError(f"{name} must have shape {shape}, got {array.shape}")

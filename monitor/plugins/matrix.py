"""Rows of a sample as a matrix of numbers, and that as Arrow for a worker.

Numbers are standardised by the baseline's sample and clipped, so that no unit and no outlier rules
a distance; a missing one is the mean. Columns of zeros and ones stay what they are. A category is a
column of zeros and ones for each of its most frequent values, scaled so that two rows which differ
in it are about as far apart as two which differ in a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample

MAX_VALUES: Final = 10
"""Values of a category that get a column of their own."""

FAR: Final = 5.0
"""Standard deviations at which a number is clipped."""

HALF: Final = 0.5**0.5


@dataclass(frozen=True, slots=True)
class _Number:
    place: int
    center: float
    spread: float

    def of(self, sample: Sample) -> list[NDArray[np.float32]]:
        values = sample.numeric[:, self.place]
        scaled = np.clip((values - self.center) / self.spread, -FAR, FAR)
        return [np.where(np.isnan(values), 0.0, scaled).astype(np.float32)]


@dataclass(frozen=True, slots=True)
class _Category:
    place: int
    codes: tuple[int, ...]

    def of(self, sample: Sample) -> list[NDArray[np.float32]]:
        values = sample.categorical[:, self.place]
        return [((values == code) * HALF).astype(np.float32) for code in self.codes]


class Encoder:
    """Fitted to a baseline's sample; the same columns of numbers for every window.

    Parameters
    ----------
    columns
        Which columns; None for all numeric and categorical ones.
    """

    def __init__(self, frame: Frame, sample: Sample, columns: Iterable[str] | None = None) -> None:
        chosen = set(frame.columns if columns is None else columns)
        self._parts: list[_Number | _Category] = []
        self.owners: list[str] = []
        for place, name in enumerate(frame.numeric.names):
            if name in chosen:
                self._add(name, _number(place, sample.numeric[:, place]), 1)
        for place, name in enumerate(frame.categorical.names):
            if name in chosen:
                codes = _frequent(sample.categorical[:, place])
                self._add(name, _Category(place, codes), len(codes))

    @property
    def names(self) -> list[str]:
        """Unique names of the matrix' columns; `owners` has the column that each came from."""
        return [f"{place}:{owner}" for place, owner in enumerate(self.owners)]

    def matrix(self, sample: Sample) -> NDArray[np.float32]:
        """float32 `(k, d)` of the rows of a sample, in its order; finite."""
        columns = [column for part in self._parts for column in part.of(sample)]
        return np.stack(columns, axis=1) if columns else np.empty((len(sample), 0), np.float32)

    def _add(self, name: str, part: _Number | _Category, columns: int) -> None:
        self._parts.append(part)
        self.owners += [name] * columns


def in_time(sample: Sample, limit: int) -> Sample:
    """At most `limit` rows of a sample, in order of time, then key."""
    kept = sample.take(np.arange(min(len(sample), limit)))
    return kept.take(np.lexsort((kept.keys, kept.times)))


def to_arrow(names: Sequence[str], matrix: NDArray[np.float32]) -> bytes:
    """The matrix as an Arrow IPC stream; raises ImportError without pyarrow."""
    import pyarrow as pa  # noqa: PLC0415 - an extra, and 44 MB that few need

    columns = [pa.array(np.ascontiguousarray(matrix[:, j])) for j in range(matrix.shape[1])]
    table = pa.table(columns, names=list(names))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _number(place: int, values: NDArray[np.float64]) -> _Number:
    finite = values[np.isfinite(values)]
    if not len(finite) or np.isin(finite, (0.0, 1.0)).all():
        return _Number(place, 0.0, 1.0)
    # Half of the rows lie within .6745 standard deviations; outliers have no say.
    low, middle, high = np.quantile(finite, (0.25, 0.5, 0.75)).tolist()
    spread = (high - low) / 1.349 or float(finite.std()) or 1.0
    return _Number(place, middle, spread)


def _frequent(codes: NDArray[np.int32]) -> tuple[int, ...]:
    values, counts = np.unique(codes[codes >= 0], return_counts=True)
    order = np.lexsort((values, -counts))[:MAX_VALUES]
    return tuple(sorted(values[order].tolist()))

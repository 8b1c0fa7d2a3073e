"""What single values of the baseline look like, and counting in a sample what does not.

Profiles keep cells, not values; which values repeat, how round they are and whether they change
from one record to the next is counted in the bounded random sample of a window's rows. The counts
are part of the vector of faults (see `quality.counters`), so the baseline's own windows say how
much they vary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.atoms import Repeated, among, known_placeholders, newest
from detectors.quality.counters import SLOTS, Layout
from detectors.quality.decimals import on_grid, usual_decimals
from detectors.quality.distance import MOST_ROWS, apart, increasing
from detectors.suspicious.suspicion import Suspicion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample
    from detectors.quality.replay import Recurring
    from detectors.suspicious.suspicion import Marked

Values = tuple["NDArray[np.float64]", ...]


@dataclass(frozen=True, eq=False)
class Traits:
    """What the baseline's values look like. Build it with `Traits.of`.

    Attributes
    ----------
    sample
        What was learned from.
    values, repeated
        Per numeric column its finite values, increasing, and those that repeat.
    usual, frequent, known
        Per numeric column, increasing: values that occur, values that are frequent, and values
        that stand for something missing.
    coarse, fine
        float64 `(f1,)` decimals: to the first few values are rounded, to the second nearly all.
    """

    layout: Layout
    sample: Sample
    values: Values
    repeated: tuple[Repeated, ...]
    usual: Values
    frequent: Values
    known: Values
    coarse: NDArray[np.float64]
    fine: NDArray[np.float64]
    suspicion: Suspicion

    @classmethod
    def of(
        cls, frame: Frame, sample: Sample, known: Mapping[str, Sequence[float]] | None = None
    ) -> Traits:
        """Learn from the baseline's sample; deterministic.

        Parameters
        ----------
        known
            Values that stand for something missing, by numeric column, where that was declared;
            found by themselves in the other columns.
        """
        columns = tuple(increasing(column) for column in sample.numeric.T)
        known_to_repeat = tuple(map(Repeated.of, columns))
        frequent = tuple(each.frequent for each in known_to_repeat)
        loose = [v[~among(v, f)] for v, f in zip(columns, frequent, strict=True)]
        decimals = np.array([usual_decimals(values) for values in loose]).reshape(-1, 2)
        declared = known or {}
        return cls(
            layout=Layout.of(frame),
            sample=sample,
            values=columns,
            repeated=known_to_repeat,
            usual=tuple(each.usual for each in known_to_repeat),
            frequent=frequent,
            known=tuple(
                np.array(sorted(declared[name]), dtype=np.float64)
                if name in declared
                else known_placeholders(values)
                for name, values in zip(frame.numeric.names, columns, strict=True)
            ),
            coarse=decimals[:, 0].copy(),
            fine=decimals[:, 1].copy(),
            suspicion=Suspicion.of(frame, sample),
        )

    def beside(self, window: Sample) -> Traits:
        """What the rest of the baseline knows: for counting in a window that is part of it.

        A value that repeats in one window only is usual in the baseline, and new in that window.
        """
        own = self.sample.numeric[np.isin(self.sample.keys, window.keys)]
        rest = (
            repeated.without(own[np.isfinite(own[:, j]), j]) if len(repeated.values) else repeated
            for j, repeated in enumerate(self.repeated)
        )
        return replace(self, usual=tuple(each.usual for each in rest))

    def count(
        self,
        sample: Sample,
        *,
        marked: Marked | None = None,
        span: tuple[int, int] | None = None,
        recurring: Recurring | None = None,
        ordered: bool = True,
    ) -> NDArray[np.int64]:
        """Counts of one window's sample, int64, the part `Layout.sample`.

        Parameters
        ----------
        marked
            Its suspicious rows, if they are known already.
        span
            `[start, end)` of the window, microseconds, where it is one of time.
        recurring
            What `RecentRows.compare` says of it.
        ordered
            Whether its times say in which order rows came.
        """
        vector = np.zeros(self.layout.size, dtype=np.int64)
        parts = self.layout.parts
        by_column = self._atoms(sample) | self._rounding(sample) | {"apart": self.apart(sample)}
        if ordered:
            by_column |= self._repeats(sample)
        for name, counts in by_column.items():
            vector[parts[name]] = counts
        for name, count in (marked or self.suspicion.mark(sample)).counts.items():
            vector[parts[name]] = count
        if recurring is not None:
            vector[parts["remembered"]] = recurring.sampled
            vector[parts["recurring"]] = recurring.rows
        if span is not None and ordered:
            vector[parts["slots"]] = slots(sample.times, *span)
        return vector[self.layout.sample]

    def apart(self, sample: Sample) -> NDArray[np.int64]:
        """Distance of each column's distribution from the baseline's, in thousandths, `(f1,)`.

        The rows are a random part of the sample; see `quality.distance.apart`.
        """
        rows = sample.numeric[:MOST_ROWS]
        return np.array(
            [
                round(1000 * apart(known, increasing(rows[:, j])))
                for j, known in enumerate(self.values)
            ],
            dtype=np.int64,
        )

    def _atoms(self, sample: Sample) -> dict[str, NDArray[np.int64]]:
        counts = np.zeros((3, self.layout.numeric), dtype=np.int64)
        for j, column in enumerate(sample.numeric.T):
            values = column[np.isfinite(column)]
            new = newest(values, self.usual[j])[1]
            counts[:, j] = len(values), new, among(values, self.known[j]).sum()
        return dict(zip(("finite", "atom", "known"), counts, strict=True))

    def _rounding(self, sample: Sample) -> dict[str, NDArray[np.int64]]:
        loose = np.isfinite(sample.numeric) & ~self._is_frequent(sample.numeric)
        coarse = loose & on_grid(sample.numeric, self.coarse)
        fine = loose & ~on_grid(sample.numeric, self.fine) & ~np.isnan(self.fine)
        return {
            "loose": loose.sum(axis=0),
            "coarse": coarse.sum(axis=0),
            "fine": fine.sum(axis=0),
        }

    def _repeats(self, sample: Sample) -> dict[str, NDArray[np.int64]]:
        values = sample.numeric[np.lexsort((sample.keys, sample.times))]
        usable = np.isfinite(values) & ~self._is_frequent(values)
        pairs = usable[1:] & usable[:-1]
        repeats = pairs & (values[1:] == values[:-1])
        return {"pairs": pairs.sum(axis=0), "repeats": repeats.sum(axis=0)}

    def _is_frequent(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        frequent = np.zeros(values.shape, dtype=np.bool_)
        for j, some in enumerate(self.frequent):
            if len(some):
                frequent[:, j] = among(values[:, j], some)
        return frequent


def slots(times: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
    """Rows in each of SLOTS equal parts of `[start, end)`, int64."""
    place = (times - start) // max((end - start) // SLOTS, 1)
    return np.bincount(np.clip(place, 0, SLOTS - 1), minlength=SLOTS)

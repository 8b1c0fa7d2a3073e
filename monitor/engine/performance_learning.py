"""What the labels among a baseline's rows teach: the task, usual losses, how long labels take.

The history runs through the same store as live labels do, so that its windows hold the same sample
of rows and the same losses as those that are judged by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.sequential.calibrate import MIN_WINDOWS, calibrate
from monitor.engine.cohort import Cohort
from monitor.engine.columns import as_texts
from monitor.engine.estimation import fit_estimator
from monitor.engine.groups import fit_groups
from monitor.engine.keys import row_keys
from monitor.engine.labels import LabelStore
from monitor.engine.losses import LossBank, Sums, losses, names_of
from monitor.engine.outputs import Outputs, first, task_of
from monitor.engine.performance_bank import Bank
from monitor.performance_baseline import PerformanceBaseline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample
    from detectors.sequential.calendar import Season
    from detectors.sequential.calibration import Calibration
    from monitor.engine.estimation import Estimator
    from monitor.engine.groups import Groups
    from monitor.engine.outputs import Read
    from monitor.model import ModelSpec, PerformanceSpec, WindowSpec
    from monitor.record import LabelBatch

EVER: Final = 1 << 62
"""A baseline's labels are never late: many tables do not say when they were known."""

_PERCENTILES: Final = np.arange(101)
_NOBODY: Final = np.empty(0, np.int64)
_MAX_COUNTED: Final = 10_000
_MARGIN: Final = 4.0
_LEAST_WAIT: Final = 10.0
_NEARLY_ALL: Final = 99.0


def rows_per_window(
    window: WindowSpec, performance: PerformanceSpec, rate: float, delay: float
) -> int:
    """How many predictions of a window may wait for their labels.

    Room is divided among the windows of as long as labels usually take, with a margin, and among
    those of the whole horizon where that is not known.

    Parameters
    ----------
    rate : rows per microsecond.
    delay : microseconds within which nearly all labels came; 0 when that is not known.
    """
    length = window.every if window.every is not None else (window.records or 1) / max(rate, 1e-18)
    horizon = float(performance.horizon)
    wait = min(horizon, max(_MARGIN * delay, horizon / _LEAST_WAIT)) if delay > 0 else horizon
    return max(performance.max_waiting // (int(wait / max(length, 1.0)) + 2), 1)


class Truths:
    """A baseline's labels, ready to join its rows.

    Attributes
    ----------
    outputs
        Where rows have what labels speak of; None when the model puts out nothing of that sort.
    sample
        Rows of the whole baseline, with their truths.
    names, groups
        The losses that can be followed, and the groups that can be compared.

    limit
        Predictions that are kept of a window.

    Parameters
    ----------
    rate
        Rows of the baseline per microsecond.
    """

    def __init__(
        self,
        spec: ModelSpec,
        frame: Frame,
        labels: Sequence[LabelBatch],
        sample: Sample,
        rate: float,
    ) -> None:
        task = task_of(spec.task, spec.positive, frame, _counted(labels))
        known = frame.categorical.names
        columns = tuple(name for name in spec.performance.groups if name in known)
        self.outputs = None if task is None else Outputs(task, frame, columns)
        self.sample = sample
        self.names: tuple[str, ...] = ()
        self.groups: tuple[Groups, ...] = ()
        self.limit = rows_per_window(spec.window, spec.performance, rate, 0.0)
        self._estimator: Estimator | None = None
        if self.outputs is None:
            return
        self._store = _filled(self.outputs, labels)
        if self._store.waiting:
            cohort = self._joined(self.outputs.read(sample))
            place = np.searchsorted(cohort.predictions.keys, sample.keys)
            self.sample = replace(sample, truth=cohort.truth[place])
            delays = (cohort.known - cohort.predictions.times)[~np.isnan(cohort.truth)]
            usual = float(np.percentile(delays, _NEARLY_ALL)) if len(delays) else 0.0
            self.limit = rows_per_window(spec.window, spec.performance, rate, usual)
            self._estimator = fit_estimator(self.outputs, self.sample, spec.performance)
            rows = self.outputs.read(self.sample)
            self.groups = fit_groups(self.outputs, spec.performance, rows)
            self.names = names_of(
                self.outputs.task,
                scored=self.outputs.scored,
                estimated=self._estimator is not None,
            )

    def cohort(self, sample: Sample) -> Cohort | None:
        """The predictions of a window with their truths; None without outputs or labels."""
        if self.outputs is None or not self._store.waiting:
            return None
        return self._joined(self.outputs.read(first(sample, self.limit)))

    def _joined(self, rows: Read) -> Cohort:
        if self.outputs is None:
            raise ValueError("nothing that a label could speak of")
        expected = None if self._estimator is None else self._estimator.expected(rows)
        predictions = self.outputs.predictions(rows, expected)
        cohort = Cohort("", 0, 0, 0, rows.sample.rows, predictions)
        self._store.open(cohort)
        self._store.cohorts.clear()
        return cohort


class LabelledHistory:
    """Learns from the labelled windows of a history while it is cut."""

    def __init__(self, spec: ModelSpec, truths: Truths) -> None:
        self.truths = truths
        self._spec = spec
        self._mid: list[int] = []
        self._sums: list[Sums] = []
        self._counts: list[tuple[int, int]] = []
        self._fair: list[NDArray[np.float64]] = []
        self._delays: list[NDArray[np.int64]] = []
        self._rows = 0

    def see(self, mid: int, sample: Sample) -> None:
        """Take a window in."""
        cohort, outputs = self.truths.cohort(sample), self.truths.outputs
        if cohort is None or outputs is None:
            return
        self._rows += len(cohort.predictions)
        self._counts.append((len(cohort.predictions), cohort.labelled))
        known = ~np.isnan(cohort.truth)
        if known.any():
            self._mid.append(mid)
            self._sums.append(Sums.of(losses(outputs.task, self.truths.names, cohort)))
            fair = [groups.measure(cohort) for groups in self.truths.groups]
            self._fair.append(np.concatenate([np.empty(0), *fair]))
            self._delays.append((cohort.known - cohort.predictions.times)[known])

    def learned(self, season: Season, *, exchangeable: bool) -> PerformanceBaseline | None:
        """What is normal; None when the model puts out nothing that a label could speak of."""
        outputs, names = self.truths.outputs, self.truths.names
        if outputs is None:
            return None
        pooled = Sums.joined(self._sums) if self._sums else Sums.of(np.empty((0, len(names))))
        losses_ = LossBank.fit(names, pooled)
        bank = Bank(losses_, self.truths.groups)
        followed = [names.index(name) for name in losses_.names]
        windows = zip(self._sums, self._fair, strict=True)
        series = np.array([np.append(losses_.measure(names, s), fair) for s, fair in windows])
        series = series.reshape(len(self._sums), len(bank.names))
        observed = np.flatnonzero(~np.isnan(series).all(axis=1)) if bank.names else _NOBODY
        mid = np.array(self._mid, dtype=np.int64)[observed]
        delays = np.concatenate([np.empty(0, np.int64), *self._delays])
        return PerformanceBaseline(
            task=outputs.task.kind,
            classes=outputs.task.classes,
            losses=losses_.names,
            center=losses_.center,
            spread=losses_.spread,
            fairness=self._spec.performance.fairness,
            sums=pooled.table[:, followed],
            mid=mid,
            series=series[observed],
            calibration=self._calibrated(
                bank, series[observed], observed, season.design(mid), exchangeable=exchangeable
            ),
            counts=np.array(self._counts, dtype=np.int64).reshape(-1, 2),
            limit=self.truths.limit,
            coverage=self._coverage(delays),
            delays=np.percentile(delays, _PERCENTILES) if len(delays) else np.empty(0),
        )

    def _calibrated(
        self,
        bank: Bank,
        series: NDArray[np.float64],
        observed: NDArray[np.int64],
        x: NDArray[np.float64],
        *,
        exchangeable: bool,
    ) -> Calibration | None:
        """Calibrate on the observed windows, whose size is their number of labels."""
        if len(observed) < MIN_WINDOWS:
            return None
        mid = np.array(self._mid, dtype=np.int64)[observed]
        rows = np.array([sums.count.max() for sums in self._sums])[observed]
        every, follows = self._spec.window.every, None
        if every is not None and not exchangeable:
            follows = np.diff(mid, prepend=mid[0] - every) == every
        return calibrate(series, x, bank, rows=rows, consecutive=follows, exchangeable=exchangeable)

    def _coverage(self, delays: NDArray[np.int64]) -> float:
        """Share of predictions whose label came in time; in any time where none says when."""
        in_time = int((delays <= self._spec.performance.horizon).sum()) or len(delays)
        return in_time / self._rows if len(delays) else float("nan")


def _filled(outputs: Outputs, labels: Sequence[LabelBatch]) -> LabelStore:
    """A store in which all labels wait."""
    store = LabelStore(EVER, EVER)
    if labels:
        truth = np.concatenate([outputs.task.truth(b.labels, len(b)) for b in labels])
        keys = np.concatenate([row_keys(batch.ids) for batch in labels])
        times = np.concatenate([batch.times for batch in labels])
        known = ~np.isnan(truth)
        store.add(keys[known], times[known], truth[known])
    return store


def _counted(labels: Sequence[LabelBatch]) -> Mapping[str, int]:
    """How often each truth occurs; of very many different ones only that they are many."""
    counts: dict[str, int] = {}
    for batch in labels:
        texts = as_texts(batch.labels)
        if len(counts) > _MAX_COUNTED:
            break
        found = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.vocabulary))
        for word, count in zip(texts.vocabulary, found.tolist(), strict=True):
            counts[word] = counts.get(word, 0) + count
    return counts

"""Performance of one model: labels join predictions, figures are restated, evidence accumulates.

When a window of the whole stream closes, a sample of its predictions becomes a cohort and waits for
labels. Once a cohort has as many labels as the baseline lets expect, or no more can come, its
losses are one step of the sequential evidence, in order of prediction time. What came of that is
told with the next decision of the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from detectors.quality.labels import UsualLabels
from detectors.sequential.budget import Share
from monitor.engine.cohort import Cohort, Outcome
from monitor.engine.estimation import fit_estimator
from monitor.engine.figures import Figures
from monitor.engine.keys import row_keys
from monitor.engine.labelled import Labelled
from monitor.engine.labels import LabelStore
from monitor.engine.losses import LEAST_LABELS, Sums, losses, names_of
from monitor.engine.objectives import Objectives
from monitor.engine.outputs import Outputs, Task, first
from monitor.engine.performance_report import Spoken
from monitor.engine.performance_stream import PerformanceStream, Prepared
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.baseline import Baseline
    from monitor.engine.windows import ClosedWindow
    from monitor.model import ModelSpec
    from monitor.performance import PerformanceRow
    from monitor.record import LabelBatch

FORMAT: Final = 1
PATIENCE: Final = 3
"""A cohort that lacks labels is judged by what it has when so many later ones are complete."""

RESTATE: Final = 0.1
"""Figures are stated anew when this share of a cohort's rows has changed."""


class Lines(Protocol):
    """The budget as it comes down to the performance of one model."""

    def panel(self, segment: str, version: int, share: Share) -> NDArray[np.float64]:
        """Evidence at which each entry that spends from `share` alarms."""
        ...

    def quality_alpha(self, segment: str) -> float:
        """Probability per rule and window below which a quality rule may alarm."""
        ...


class Performance:
    """What is known of one model's performance.

    Attributes
    ----------
    counts
        What became of the labels so far, by `Outcome`.
    """

    def __init__(self, spec: ModelSpec, baseline: Baseline, lines: Lines, outputs: Outputs) -> None:
        whole = baseline.whole
        if whole.performance is None:
            raise ValueError("the baseline knows no outputs")
        self._spec = spec
        self._outputs = outputs
        self._estimator = fit_estimator(outputs, whole.sample, spec.performance)
        estimated = self._estimator is not None
        self._names = names_of(outputs.task, scored=outputs.scored, estimated=estimated)
        self._prepared = Prepared.of(spec, baseline, self._names, outputs)
        self._figures = Figures(spec, outputs, self._prepared.bank.groups, self._estimator)
        self._objectives = Objectives(
            spec.performance, self._figures, outputs.read(whole.sample), spec.window.every
        )
        self._coverage = whole.performance.coverage
        counts = whole.performance.counts
        alpha = lines.quality_alpha(WHOLE)
        self._usual = UsualLabels.of(counts[:, 0], counts[:, 1], None, alpha)
        self._limit = whole.performance.limit
        self._lines = lines
        self._store = LabelStore(spec.performance.horizon, spec.performance.max_waiting)
        self._streams: dict[str, PerformanceStream] = {}
        self._unreadable = 0
        self._rows: list[PerformanceRow] = []
        self._labelled: list[Labelled] = []
        self._settled: tuple[int | None] | None = None

    @classmethod
    def of(cls, spec: ModelSpec, baseline: Baseline, lines: Lines) -> Performance | None:
        """None for a model that puts out nothing that a label could speak of."""
        learned = baseline.whole.performance
        if learned is None:
            return None
        known = baseline.frame.categorical.names
        groups = tuple(name for name in spec.performance.groups if name in known)
        task = Task(learned.task, learned.classes)
        return cls(spec, baseline, lines, Outputs(task, baseline.frame, groups))

    @property
    def counts(self) -> dict[str, int]:
        """What became of the labels so far, by outcome; readers may ask from their own threads."""
        counts = self._store.counts.tolist()
        counts[Outcome.UNMATCHED] += self._unreadable
        return {outcome.name.lower(): int(counts[outcome]) for outcome in Outcome}

    @property
    def waiting(self) -> int:
        """Sampled predictions whose label is still awaited."""
        cohorts = list(self._store.cohorts.values())
        return sum(len(cohort.predictions) - cohort.labelled for cohort in cohorts)

    def label(self, batches: Sequence[LabelBatch]) -> None:
        """Take in all labels of one journal entry."""
        parts = [(row_keys(b.ids), b.times, self._truth(b)) for b in batches if len(b)]
        if not parts:
            return
        keys, times, truth = (np.concatenate([part[i] for part in parts]) for i in range(3))
        known = ~np.isnan(truth)
        self._unreadable += int((~known).sum())
        self._store.add(keys[known], times[known], truth[known])
        self._settled = None
        self._judge_ripe()

    def closed(self, window: ClosedWindow) -> Spoken:
        """Let the predictions of a closed window wait; what to say in its decision."""
        if window.stream.segment != WHOLE:
            return Spoken()
        version = window.stream.version
        estimates = self._wait(window) if len(window.sample) else []
        return self._stream(version).speak(self._prepared, estimates, self._summary(version))

    def settle(self, until: int | None) -> None:
        """No window that ends by `until` is open any more; finish what cannot change."""
        if self._settled == (until,):
            return  # nothing came since: asked with every delivery, of every window that waits
        self._judge_ripe()
        left = self._store.release() if until is None else self._store.close(until)
        for cohort in left:
            if not cohort.judged:
                self._judge(cohort)
            if self._store.is_over(cohort):
                found = self._usual.find(len(cohort.predictions), cohort.labelled, None)
                self._stream(cohort.version).miss(cohort, found)
            if cohort.changes != cohort.told:
                self._rows += self._figures.measured(cohort)
        self._settled = (until,)

    def drain(self) -> list[PerformanceRow]:
        """Figures that were stated or restated since the last call."""
        for cohort in self._store.cohorts.values():
            if cohort.changes - max(cohort.told, 0) > RESTATE * len(cohort.predictions):
                self._rows += self._figures.measured(cohort)
        rows, self._rows = self._rows, []
        return rows

    def labelled(self) -> list[Labelled]:
        """Single predictions that were judged since the last call, with what became of them."""
        labelled, self._labelled = self._labelled, []
        return labelled

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from; call `drain` and `labelled` first."""
        return {
            "format": [FORMAT, repr(self._spec.performance)],
            "store": self._store.state(),
            "unreadable": self._unreadable,
            "streams": [[name, made.state()] for name, made in self._streams.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`; begins anew where that was of another configuration."""
        if list(state["format"]) != [FORMAT, repr(self._spec.performance)]:
            return
        self._settled = None
        self._store.restore(state["store"])
        self._unreadable = state["unreadable"]
        self._streams = {
            name: PerformanceStream.restore(self._prepared, made) for name, made in state["streams"]
        }

    def _wait(self, window: ClosedWindow) -> list[PerformanceRow]:
        """Let a window's predictions wait; what is expected of them."""
        rows = self._outputs.read(first(window.sample, self._limit))
        expected = None if self._estimator is None else self._estimator.expected(rows)
        cohort = Cohort(
            version=window.stream.version,
            index=window.index,
            start=window.start,
            end=window.end,
            rows=window.profile.rows,
            predictions=self._outputs.predictions(rows, expected),
        )
        self._store.open(cohort)
        self._settled = None
        found, own = self._figures.estimates(rows), self._stream(cohort.version).own
        estimates = self._figures.estimated(cohort, own.widened(found))
        own.expect(cohort.index, found)
        self._rows += estimates
        return estimates

    def _truth(self, batch: LabelBatch) -> NDArray[np.float64]:
        return self._outputs.task.truth(batch.labels, len(batch))

    def _stream(self, version: str) -> PerformanceStream:
        if version not in self._streams:
            number = len(self._streams) + 1
            self._streams[version] = PerformanceStream.begin(self._prepared, number)
        return self._streams[version]

    def _judge_ripe(self) -> None:
        """Judge complete cohorts in order; one that lacks labels holds up the next few."""
        cohorts = sorted(self._store.cohorts.values(), key=lambda cohort: cohort.place)
        for version in self._streams:
            open_ = [c for c in cohorts if c.version == version and not c.judged]
            ripe = [self._is_ripe(cohort) for cohort in open_]
            for place, cohort in enumerate(open_):
                if not ripe[place] and sum(ripe[place:]) < PATIENCE:
                    break
                self._judge(cohort)

    def _is_ripe(self, cohort: Cohort) -> bool:
        expected = self._coverage if self._coverage > 0 else 1.0
        enough = self._spec.performance.matured * expected * len(cohort.predictions)
        return cohort.labelled >= max(enough, 1) or self._store.is_over(cohort)

    def _judge(self, cohort: Cohort) -> None:
        """Let a cohort's losses enter the evidence, and state its figures."""
        cohort.judged = True
        self._labelled.append(Labelled.of(self._outputs.task, cohort))
        if cohort.labelled < LEAST_LABELS:
            return
        sums = Sums.of(losses(self._outputs.task, self._names, cohort))
        rows = self._figures.measured(cohort)
        self._rows += rows
        stream = self._stream(cohort.version)
        lines = self._lines.panel(WHOLE, stream.number, Share.PERFORMANCE)
        recent = [c for c in self._store.cohorts.values() if c.version == cohort.version]
        recent = [c for c in recent if c.start <= cohort.start and c.labelled]
        recent = sorted(recent or [cohort], key=lambda one: one.place)
        stream.own.realise(cohort.index, rows)
        entries = self._prepared.entries
        stream.observe(self._prepared, cohort, sums, lines[:entries], rows, recent)
        stream.verdicts = self._objectives.judge(
            [one for one in recent if one.judged], 1 / lines[entries:]
        )

    def _summary(self, version: str) -> dict[str, Any]:
        """How labels stand, for the decision."""
        mine = [c for c in self._store.cohorts.values() if c.version == version]
        waiting = [c for c in mine if not c.judged]
        return {
            "outcomes": self.counts,
            "windows_waiting": len(waiting),
            "waiting_since": min((c.start for c in waiting), default=None),
        }

"""Performance of one version: its evidence, what is told of it, and what must be remembered."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.performance.harm import Standing
from detectors.performance.selection import selection
from detectors.sequential.monitor import RECENT
from monitor.engine import performance_report as report
from monitor.engine import policy
from monitor.engine.decision import rfc3339
from monitor.engine.groups import fit_groups
from monitor.engine.losses import LossBank, Sums
from monitor.engine.memory import Drift, Place, Watch
from monitor.engine.objectives import Verdict
from monitor.engine.own_errors import OwnErrors
from monitor.engine.performance_bank import Bank
from monitor.engine.performance_report import Spoken
from monitor.errors import StorageError
from monitor.model import PolicySpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.result import QualityFinding
    from detectors.sequential.calendar import Season
    from detectors.sequential.calibration import Calibration
    from monitor.baseline import Baseline
    from monitor.engine.cohort import Cohort
    from monitor.engine.outputs import Outputs, Task
    from monitor.model import ModelSpec
    from monitor.performance import PerformanceRow


BREACHED: Final = Standing.BREACHED.value


@dataclass(frozen=True, slots=True)
class Prepared:
    """What all versions of a model share: `names` are all losses, the bank's those followed."""

    task: Task
    names: tuple[str, ...]
    bank: Bank
    calibration: Calibration | None
    season: Season
    policy: PolicySpec
    every: int | None

    @property
    def entries(self) -> int:
        """Entries of the evidence; none when nothing was calibrated."""
        return 0 if self.calibration is None else self.calibration.columns

    @classmethod
    def of(
        cls, spec: ModelSpec, baseline: Baseline, names: tuple[str, ...], outputs: Outputs
    ) -> Prepared:
        """From a baseline that knows its outputs."""
        learned = baseline.whole.performance
        if learned is None:
            raise ValueError("the baseline knows no outputs")
        if learned.fairness != spec.performance.fairness:
            msg = "the baseline was learned with other groups: build it anew"
            raise StorageError(msg)
        groups = fit_groups(outputs, spec.performance, outputs.read(baseline.whole.sample))
        return cls(
            task=outputs.task,
            names=names,
            bank=Bank(LossBank(learned.losses, learned.center, learned.spread), groups),
            calibration=learned.calibration,
            season=baseline.whole.season,
            policy=PolicySpec(spec.performance.min_effect, spec.policy.recover_windows),
            every=spec.window.every,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What the last cohort came to, float64: `(P,)` evidence and lines, `(S,)` scores."""

    log10: NDArray[np.float64]
    lines: NDArray[np.float64]
    z: NDArray[np.float64]


@dataclass(slots=True)
class PerformanceStream:
    """One version of a model.

    Attributes
    ----------
    number
        Which version this is, counted from 1.
    seen
        Starts and sums of the last cohorts that were judged.
    warned
        Changes that were too small to matter, not told yet.
    newest
        Metrics of the newest cohort that was judged, for decisions.
    compared
        By entry what is to be said of groups that have come apart.
    verdicts
        Where the objectives stand.
    own
        How far estimates were off.
    missing
        Windows whose labels did not come as usual, not told yet: start, severity, words, share
        that came and usual share.
    """

    number: int
    watch: Watch | None
    seen: deque[tuple[int, Sums]] = field(default_factory=lambda: deque(maxlen=RECENT))
    warned: list[Drift] = field(default_factory=list)
    told: Told | None = None
    newest: Mapping[str, Any] = field(default_factory=dict)
    compared: dict[int, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    own: OwnErrors = field(default_factory=OwnErrors)
    missing: list[tuple[int, str, str, float, float]] = field(default_factory=list)

    @classmethod
    def begin(cls, prepared: Prepared, number: int) -> PerformanceStream:
        """A version that has not been judged yet."""
        fitted = prepared.calibration
        return cls(number, None if fitted is None else Watch.begin(fitted))

    def observe(
        self,
        prepared: Prepared,
        cohort: Cohort,
        sums: Sums,
        lines: NDArray[np.float64],
        figures: Sequence[PerformanceRow],
        recent: Sequence[Cohort],
    ) -> None:
        """Let the losses of a complete cohort enter the evidence.

        `recent` are the cohorts that are still at hand, this one among them.
        """
        self.seen.append((cohort.start, sums))
        self.newest = _newest(cohort, figures)
        calibration = prepared.calibration
        if self.watch is None or calibration is None:
            return
        y = prepared.bank.measure(prepared.names, sums, cohort)
        if np.isnan(y).all():
            return
        x = prepared.season.design(np.array([(cohort.start + cohort.end) // 2]))[0]
        place = Place(cohort.index, cohort.start, cohort.labelled)
        result = self.watch.observe(calibration, lines, y, x, place)
        pooled = np.zeros(len(y))
        standing = policy.update(self.watch, calibration, result, prepared.policy, pooled)
        self.warned += [policy.opened(self.watch, result, entry) for entry in standing.warned]
        self.told = Told(result.log10, lines, result.z)
        self._compare(prepared, recent)

    def miss(self, cohort: Cohort, found: Sequence[QualityFinding]) -> None:
        """Remember that a window's labels did not come as usual."""
        self.missing += [
            (cohort.start, one.severity, one.text, one.observed, one.expected) for one in found
        ]

    def _compare(self, prepared: Prepared, recent: Sequence[Cohort]) -> None:
        """Put the rates of groups that have come apart into words, as they are since then."""
        if self.watch is None:
            return
        open_ = [*self.watch.drifts.values(), *self.warned]
        self.compared = {
            drift.column: report.compared(prepared, drift, recent)
            for drift in open_
            if prepared.bank.of_entry(drift.column) is not None
        }

    def speak(
        self,
        prepared: Prepared,
        estimates: Sequence[PerformanceRow],
        summary: Mapping[str, Any],
    ) -> Spoken:
        """What to say in the next decision; small changes are said once."""
        findings = []
        if self.told is not None and self.watch is not None:
            drifts = list(self.watch.drifts.values())
            known = [(drift, False) for drift in drifts] + [(drift, True) for drift in self.warned]
            findings = [
                report.moved(
                    prepared, drift, self.seen, self.told, self.compared.get(drift.column), small
                )
                for drift, small in known
            ]
        findings += [report.unlabelled(*one) for one in self.missing[-1:]]
        self.warned, self.missing = [], []
        findings += [
            one.finding(rfc3339(one.since)) for one in self.verdicts if one.standing == BREACHED
        ]
        section = {
            "labels": summary,
            "measured": self.newest,
            "estimated": {row.metric: [row.value, row.lower, row.upper] for row in estimates},
            "evidence": {} if self.told is None else report.entries(prepared, self.told),
            "objectives": {
                one.kind: {"metric": one.metric, "standing": one.standing, "text": one.text}
                for one in self.verdicts
            },
            "own_error": self.own.section(),
            "guarantee": _guarantee(prepared),
        }
        return Spoken(tuple(findings), section)

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "number": self.number,
            "watch": self.watch and self.watch.state(),
            "starts": [start for start, _ in self.seen],
            "sums": [sums.table for _, sums in self.seen],
            "warned": [asdict(drift) for drift in self.warned],
            "told": self.told and [self.told.log10, self.told.lines, self.told.z],
            "newest": self.newest,
            "compared": list(self.compared.items()),
            "verdicts": [one.state() for one in self.verdicts],
            "own": self.own.state(),
            "missing": [list(one) for one in self.missing],
        }

    @classmethod
    def restore(cls, prepared: Prepared, state: Mapping[str, Any]) -> PerformanceStream:
        """Inverse of `state`."""
        made = cls.begin(prepared, state["number"])
        if prepared.calibration is not None and state["watch"] is not None:
            made.watch = Watch.restore(prepared.calibration, state["watch"])
        sums = [Sums(*table) for table in state["sums"]]
        made.seen.extend(zip(state["starts"], sums, strict=True))
        made.warned = [Drift.restore(drift) for drift in state["warned"]]
        made.told = state["told"] and Told(*state["told"])
        made.newest = state["newest"]
        made.compared = dict(state["compared"])
        made.verdicts = [Verdict(**one) for one in state["verdicts"]]
        made.own = OwnErrors.restore(state["own"])
        made.missing = [(at, how, text, a, b) for at, how, text, a, b in state["missing"]]
        return made


def _newest(cohort: Cohort, figures: Sequence[PerformanceRow]) -> dict[str, Any]:
    """The newest complete window: its metrics, and whether its labels speak for all of it."""
    known, made = ~np.isnan(cohort.truth), cohort.predictions
    seen = made.scores[:, 0] if made.scores.shape[1] else made.predicted
    chosen = selection(seen, known)
    return {
        "start": rfc3339(cohort.start),
        "end": rfc3339(cohort.end),
        "rows": len(cohort.predictions),
        "labelled": cohort.labelled,
        "selected": chosen.selected,
        "selection": chosen.text,
        "metrics": {
            row.metric: [row.value, row.lower, row.upper] for row in figures if not row.segment
        },
    }


def _guarantee(prepared: Prepared) -> str:
    fitted = prepared.calibration
    if fitted is None:
        return "none: the baseline has too few windows with labels"
    return fitted.guarantee.text

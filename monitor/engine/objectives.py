"""Whether performance is what it must be, and whether it is worse than it was.

Both are asked of the labels of the last judged windows together, with intervals at the level that
the budget leaves for them, so that a model which keeps its objective is accused as seldom as
promised. A breach lasts until the interval says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.performance.harm import Objective, Standing, harm
from detectors.performance.outcomes import Outcomes
from monitor.engine.decision import Finding
from monitor.engine.sentences import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.engine.cohort import Cohort
    from monitor.engine.figures import Figures
    from monitor.engine.outputs import Read
    from monitor.model import PerformanceSpec

OBJECTIVE: Final = "objective"
HARM: Final = "harm"
MAX_COHORTS: Final = 60
LOOSEST: Final = 0.05
"""Level of an interval where the budget would allow more."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one question came to; `since` is the start of the oldest window, microseconds."""

    kind: str
    metric: str
    standing: str
    text: str
    value: float
    target: float
    since: int

    def finding(self, since: str) -> Finding:
        """The breach as a decision tells it."""
        return Finding(
            kind=self.kind,
            column="",
            severity="drift",
            measure=self.metric,
            text=self.text,
            since=since,
            baseline_value=self.target,
            current_value=self.value,
        )

    def state(self) -> dict[str, Any]:
        """Plain data; `Verdict(**state)` is its inverse."""
        return asdict(self)


def questions_of(spec: PerformanceSpec) -> int:
    """How many questions are asked: each has an entry in the budget."""
    return (spec.objective is not None) + (spec.tolerance is not None)


class Objectives:
    """The questions that are asked of one model's performance.

    Parameters
    ----------
    baseline
        The baseline's sampled rows, with their truths as far as they are known.
    """

    def __init__(
        self, spec: PerformanceSpec, figures: Figures, baseline: Read, every: int | None
    ) -> None:
        self._figures = figures
        self._every = every
        self._tolerance = spec.tolerance
        wanted = spec.objective
        names = figures.names
        metric = names[0] if wanted is None and names else "" if wanted is None else wanted.metric
        self._metric = metric if metric in names else ""
        self._objective: Objective | None = None
        if wanted is not None and self._metric:
            least, most = (wanted.bound, None) if wanted.at_least else (None, wanted.bound)
            self._objective = Objective(wanted.metric, least, most)
        truth = baseline.sample.truth
        known = ~np.isnan(truth)
        self._usual = Outcomes(truth[known], baseline.predicted[known], baseline.scores[known])

    def judge(self, cohorts: Sequence[Cohort], levels: NDArray[np.float64]) -> list[Verdict]:
        """Ask everything of the labels of judged cohorts, oldest first.

        Parameters
        ----------
        levels
            float64, one per question: probability that it may be answered wrongly.
        """
        if not self._metric or not len(cohorts):
            return []
        chosen = list(cohorts)[-MAX_COHORTS:]
        outcomes, found = _pooled(chosen), list[Verdict]()
        ending = f", predictions since {moment(chosen[0].start, self._every)}"
        ending += f", {len(outcomes):,} labels"
        alphas = [min(float(level), LOOSEST) for level in levels]
        if self._objective is not None:
            found.append(self._kept(self._objective, outcomes, alphas[0], ending, chosen[0].start))
        if self._tolerance is not None and len(self._usual):
            found.append(self._worse(outcomes, alphas[-1], ending, chosen[0].start))
        return found

    def _kept(
        self, objective: Objective, outcomes: Outcomes, alpha: float, ending: str, since: int
    ) -> Verdict:
        (live,) = self._figures.measure(outcomes, [self._metric], alpha)
        verdict = objective.judge(live)
        text = verdict.text + ending
        place = (live.value, objective.target, since)
        return Verdict(OBJECTIVE, self._metric, verdict.standing.value, text, *place)

    def _worse(self, outcomes: Outcomes, alpha: float, ending: str, since: int) -> Verdict:
        (live,) = self._figures.measure(outcomes, [self._metric], alpha / 2)
        (usual,) = self._figures.measure(self._usual, [self._metric], alpha / 2)
        found = harm(live, usual, self._tolerance or 0.0)
        standing = Standing.BREACHED if found.harmful else Standing.OK
        if math.isnan(found.worse_by):
            standing = Standing.UNDECIDED
        place = (live.value, usual.value, since)
        return Verdict(HARM, self._metric, standing.value, found.text + ending, *place)


def _pooled(cohorts: Sequence[Cohort]) -> Outcomes:
    known = [~np.isnan(cohort.truth) for cohort in cohorts]
    parts = [
        (c.truth[k], c.predictions.predicted[k], c.predictions.scores[k])
        for c, k in zip(cohorts, known, strict=True)
    ]
    return Outcomes(*(np.concatenate([part[i] for part in parts]) for i in range(3)))

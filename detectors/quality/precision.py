"""Numbers that have become rounder, or less round, than the baseline's.

Rounder: more values than usual are multiples of a coarse step (decimals cut off, ages rounded to
tens). Less round: values lie between the steps that nearly all of the baseline's keep (a count that
became a mean, prices after a conversion).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.atoms import among
from detectors.quality.decimals import on_grid, step_text, usual_decimals
from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_POINTS = 0.1


def find_precision_changes(
    baseline: QualityBaseline, window: Observed
) -> tuple[QualityFinding, ...]:
    """Find numeric columns whose values are written to other decimals than in the baseline."""
    return (*_rounder(baseline, window), *_less_round(baseline, window))


def _rounder(baseline: QualityBaseline, window: Observed) -> list[QualityFinding]:
    rates = baseline.judge(window, baseline.layout.parts["coarse"])
    usual = np.nan_to_num(rates.expected)
    found = []
    for j in np.flatnonzero(rates.found & (rates.observed - usual >= LEAST_POINTS)).tolist():
        values = _but_one(window.sample.numeric[:, j], baseline.traits.frequent[j])
        coarse = float(baseline.traits.coarse[j])
        rounded = on_grid(values[:, None], np.array([coarse]))[:, 0]
        if len(values) and rounded.mean() - usual[j] >= LEAST_POINTS:
            _, decimals = usual_decimals(values[rounded])
            step = step_text(coarse if np.isnan(decimals) else min(decimals, coarse))
            words = f"are multiples of {step}: were decimals cut off?"
            found.append(_finding(baseline, j, words, float(rates.observed[j]), float(usual[j])))
    return found


def _less_round(baseline: QualityBaseline, window: Observed) -> list[QualityFinding]:
    rates = baseline.judge(window, baseline.layout.parts["fine"])
    usual = np.nan_to_num(rates.expected)
    found = []
    for j in np.flatnonzero(rates.found & (rates.observed - usual >= LEAST_POINTS)).tolist():
        step = step_text(float(baseline.traits.fine[j]))
        words = f"are no multiples of {step}: were they computed anew?"
        found.append(_finding(baseline, j, words, float(rates.observed[j]), float(usual[j])))
    return found


def _but_one(column: NDArray[np.float64], frequent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values that are not frequent in the baseline, without the one that is most so here.

    One value that is new or stays is round by itself: that is another rule's to report.
    """
    values = column[np.isfinite(column)]
    values = values[~among(values, frequent)]
    distinct, counts = np.unique(values, return_counts=True)
    return values[values != distinct[counts.argmax()]] if len(values) else values


def _finding(
    baseline: QualityBaseline, column: int, words: str, observed: float, usual: float
) -> QualityFinding:
    name = baseline.frame.numeric.names[column]
    return QualityFinding(
        column=name,
        kind=QualityKind.PRECISION,
        severity="warning",
        observed=observed,
        expected=usual,
        text=f"{name}: {percent(observed)} of the values {words} (baseline {percent(usual)})",
    )

"""Stretches of a window without records: an hour that is missing from a day.

A window is cut into 24 equal parts. How many of its sampled records each part usually holds, and
how much that varies, is known from the baseline's windows; a part is missing that holds next to
none where the negative binomial law of the baseline makes that improbable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import betainc

from detectors.quality.counters import SLOTS
from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.quality.baseline import Observed, QualityBaseline
    from detectors.quality.rates import Counted
    from detectors.result import Severity

EMPTY: Final = 0.1
"""Part of the usual records that a missing stretch may still hold."""
BROKEN: Final = 0.2
"""Share of a window's records from which on a pause is broken."""


def find_pauses(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find the longest stretch of the window that lacks its records; one finding at most."""
    if window.span is None:
        return ()
    part = baseline.layout.parts["slots"]
    known, seen = baseline.counted.at(part), window.counted.at(part)
    if not seen.exposure[0] or known.exposure[0] <= 1:
        return ()
    usual = known.faults / known.exposure
    # The others hold what this one lacks: expect from what the rest of the window shows.
    low = _lower_tail(seen, known, baseline.dispersion[part])
    scale = seen.faults.sum() / max(1 - usual[low < baseline.rule.alpha].sum(), 0.5)
    missing = (low < baseline.rule.alpha) & (seen.faults <= EMPTY * usual * scale)
    first, last = _longest(missing, usual)
    if first == last:
        return ()
    lost = float(usual[first:last].sum())
    start, end = window.span
    width = (end - start) / SLOTS
    since, until = (_when(int(start + place * width)) for place in (first, last))
    now = float(seen.faults[first:last].sum() / seen.exposure[0])
    text = (
        f"hardly a record from {since} to {until} UTC ({percent(now)} of the window's; "
        f"{percent(lost)} are usual)"
    )
    severity: Severity = "broken" if lost >= BROKEN else "warning"
    return (QualityFinding("", QualityKind.FRESHNESS, severity, now, lost, text),)


def _lower_tail(
    seen: Counted, known: Counted, dispersion: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of at most so many records in each part under the baseline."""
    mean = seen.exposure * (known.faults + 0.5) / (known.exposure + 1)
    shape = 1 / (1 / (known.faults + 0.5) + dispersion)
    tail = betainc(shape, seen.faults + 1.0, shape / (mean + shape))
    return np.asarray(tail, dtype=np.float64)


def _longest(missing: NDArray[np.bool_], usual: NDArray[np.float64]) -> tuple[int, int]:
    """The run of missing parts `[first, last)` in which most records are usual; (0, 0) without."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2).tolist()
    return max(
        ((first, last) for first, last in runs),
        key=lambda run: float(usual[run[0] : run[1]].sum()),
        default=(0, 0),
    )


def _when(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[m]")).replace("T", " ")

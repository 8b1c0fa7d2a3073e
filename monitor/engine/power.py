"""What a quiet window means: how large a change would have been seen, and what is lacking.

`stable` without a size is no statement. Each judged window therefore says which change it, and a
run of windows like it, would have shown nine times in ten; each `insufficient` says how many more
records would have allowed a judgement.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.sequential.power import PROBABILITY, power
from detectors.sequential.series import MIN_VALID
from monitor.engine.decision import Status, Verdict
from monitor.engine.rounding import rounded
from monitor.engine.sentences import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.sequential.power import Power
    from monitor.baseline import SegmentBaseline
    from monitor.engine.decision import Verdicts
    from monitor.engine.windows import Stream


class Powers:
    """What the monitor of each stream finds; computed at a stream's first window, then kept."""

    def __init__(self) -> None:
        self._known: dict[Stream, Power] = {}

    def of(self, stream: Stream, baseline: SegmentBaseline, lines: NDArray[np.float64]) -> Power:
        """Power of a stream; its lines never change under one configuration."""
        if stream not in self._known:
            self._known[stream] = power(baseline.calibration, lines)
        return self._known[stream]


def with_power(
    verdicts: Verdicts,
    baseline: SegmentBaseline,
    found: Power,
    profile: Profile,
    z: NDArray[np.float64],
    min_effect: float,
) -> Verdicts:
    """The verdicts with what they could have seen, and what columns lacked to be judged.

    Sizes are baseline standard deviations in rank, or Cohen's h of a share; None is never.

    Parameters
    ----------
    z
        `(S,)`: scores of the window, NaN where not observed.
    min_effect
        Smallest change that counts as drift.
    """
    names = profile.frame.columns
    sizes = found.per_row(profile.rows, min_effect)
    columns = {name: dict(values) for name, values in verdicts.columns.items()}
    shown = rounded(sizes)
    for i in np.flatnonzero(~np.isnan(sizes).any(axis=1)).tolist():
        columns[names[i]]["power"] = shown[i]
    unseen = {names[i]: more for i, more in lacking(baseline, profile, z).items()}
    unseen = {name: more for name, more in unseen.items() if name not in verdicts.unjudged}
    for name, more in unseen.items():
        columns[name] |= {"status": int(Status.INSUFFICIENT), "needs": more}
    said = _said(found, names, sizes)
    summary = verdicts.summary
    if verdicts.verdict is Verdict.STABLE and said:
        summary += f"; {said['text']}"
    return replace(
        verdicts,
        columns=columns,
        power=said,
        summary=summary,
        unjudged=verdicts.unjudged | unseen.keys(),
    )


def _said(found: Power, names: tuple[str, ...], sizes: NDArray[np.float64]) -> dict[str, Any]:
    """Power of the typical column (the median) and of the one that sees least."""
    followed = np.flatnonzero(~np.isnan(sizes).any(axis=1))
    if not len(followed):
        return {}
    typical = np.median(sizes[followed], axis=0)
    worst = followed[sizes[followed, -1].argmax()]
    return {
        "probability": PROBABILITY,
        "windows": list(found.within),
        "typical": [_finite(size) for size in typical.tolist()],
        "worst": [_finite(size) for size in sizes[worst].tolist()],
        "worst_column": names[worst],
        "unit": "sd",
        "text": _sentence(typical, found.within),
    }


def lacking(baseline: SegmentBaseline, profile: Profile, z: NDArray[np.float64]) -> dict[int, int]:
    """How many more records would have let the window observe a column, by index.

    Of columns that have series of which the window observed none; values are taken to come as
    often as in the baseline.
    """
    of, columns = baseline.bank.column, baseline.bank.columns
    series = np.bincount(of, minlength=columns)
    seen = np.bincount(of, ~np.isnan(z), minlength=columns)
    filled = 1 - baseline.profile.missing / max(baseline.profile.rows, 1)
    valid = profile.rows - profile.missing - profile.wrong
    more = np.maximum(MIN_VALID - valid, 1) / np.maximum(filled, 1 / MIN_VALID**2)
    return {i: math.ceil(more[i]) for i in np.flatnonzero((series > 0) & (seen == 0)).tolist()}


def shortfall(rows: int, least: int) -> Mapping[str, Any]:
    """What a window of too few rows lacks."""
    return {"records": least - rows, "text": f"{least - rows:,} more would allow a judgement"}


def _sentence(sizes: NDArray[np.float64], within: tuple[int, ...]) -> str:
    """`a shift of 0.25 sd would have been seen here, one of 0.08 sd within 7 windows`."""
    parts = [
        f"{number(size)} sd {'here' if windows == 1 else f'within {windows} windows'}"
        for size, windows in zip(sizes.tolist(), within, strict=True)
        if math.isfinite(size)
    ]
    if not parts:
        return "no shift of any size would have been seen: the line is out of reach"
    first, *others = parts
    return f"a shift of {first.replace(' sd ', ' sd would have been seen ')}" + "".join(
        f", one of {other}" for other in others
    )


def _finite(size: float) -> float | None:
    return size if math.isfinite(size) else None

"""What is said of suspicious rows, with the value that most of them have in common.

Always a warning: strange input is not broken data, and somebody has to look who knows the clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.quality.wording import percent, plain
from detectors.result import QualityFinding, QualityKind
from detectors.suspicious.alike import MOST_ROWS, even_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample
    from detectors.quality.baseline import Observed, QualityBaseline
    from detectors.suspicious.alike import Grid
    from detectors.suspicious.suspicion import Marked

LEAST_POINTS: Final = 0.04
"""Rows that must be suspicious beyond the usual ones: ordinary drift makes outliers too."""
MOST_OF: Final = 0.5
LIFT: Final = 2.0
"""A value is named that half of the suspicious rows have, twice as often as rows have it."""


def find_suspicious(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find clearly more outliers, probes or scores at the boundary than in the baseline."""
    if window.marked is None:
        return ()
    sample = window.sample.take(np.arange(min(len(window.sample), MOST_ROWS)))
    told = []
    for name, rows, words in _checks(baseline.frame, sample, window.marked):
        rates = baseline.judge(window, baseline.layout.parts[name])
        observed, usual = float(rates.observed[0]), float(np.nan_to_num(rates.expected[0]))
        if rates.found[0] and observed - usual >= LEAST_POINTS:
            text = f"{percent(observed)} of the rows {words} (baseline {percent(usual)})"
            text += _whose(baseline.frame, sample, rows)
            kind = QualityKind.PROBING if name == "alike" else QualityKind.SUSPICIOUS
            told.append(QualityFinding("", kind, "warning", observed, usual, text))
    return tuple(told)


def _checks(
    frame: Frame, sample: Sample, marked: Marked
) -> tuple[tuple[str, NDArray[np.bool_], str], ...]:
    return (
        ("alike", marked.alike, _probing(frame, sample, marked.grid)),
        ("outlying", marked.outlying, "lie farther out than 99 % of the baseline's"),
        ("hugging", marked.hugging, "have a score right at the decision boundary"),
    )


def _probing(frame: Frame, sample: Sample, grid: Grid) -> str:
    if grid.column < 0:
        return "are nearly the same as another one: somebody may be probing the model"
    names = frame.numeric.names + frame.categorical.names
    words = f"differ from others in {names[grid.column]} only"
    if grid.column < len(frame.numeric.names):
        step = even_step(sample.numeric[grid.rows, grid.column])
        words += f", in steps of {plain(step)}" if step is not None else ""
    return f"{words}: somebody may be probing the model"


def _whose(frame: Frame, sample: Sample, rows: NDArray[np.bool_]) -> str:
    """Name the category that the suspicious rows have in common, if there is one."""
    best, words = 0.0, ""
    for j, name in enumerate(frame.categorical.names):
        codes, size = sample.categorical[:, j], int(frame.categorical.sizes[j])
        every = np.bincount(codes[codes >= 0], minlength=size) / max(len(codes), 1)
        chosen = codes[rows & (codes >= 0)]
        share = np.bincount(chosen, minlength=size) / max(int(rows.sum()), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(
                (share >= MOST_OF) & (share >= LIFT * every), share * np.log(share / every), 0.0
            )
        if len(gain) and gain.max() > best:
            code, best = int(gain.argmax()), float(gain.max())
            value = frame.categorical.vocabularies[j][code]
            words = (
                f"; {percent(float(share[code]))} of them have {name}={value!r}, "
                f"as {percent(float(every[code]))} of all rows do"
            )
    return words

"""What a decision says of every column: status, evidence, shares, means, statistics, components.

A decision on a thousand columns holds some sixty thousand numbers. They are rounded array by array
and put together once; nothing walks over them again before they are bytes.

A segment repeats all columns of the whole, most of them stable. Of a segment's stable columns a
decision therefore keeps the evidence and what is missing, but neither statistics nor distributions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from monitor.engine.rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.sequential.monitor import StepResult
    from detectors.sequential.series import SeriesBank
    from monitor.engine.univariate import Measured


class Statistic(msgspec.Struct, frozen=True, gc=False):
    """One detector's numbers on one column; without a dictionary, since there are thousands."""

    statistic: float | None
    threshold: float | None
    effect: float | None
    window_p: float | None


class Component(msgspec.Struct, frozen=True, gc=False):
    """What one component of a column says."""

    name: str
    z: float
    evidence_log10: float


_SHARES = ("missing_ratio", "invalid_ratio", "unseen_ratio", "mean", "baseline_mean")


def column_values(
    window: Profile,
    baseline: Profile,
    result: StepResult,
    lines: NDArray[np.float64],
    status: Mapping[str, int],
) -> dict[str, dict[str, Any]]:
    """Per column of the frame its status, evidence and line, shares of records, and means.

    `status` of the columns that are not 0.
    """
    names = window.frame.columns
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = rounded(np.stack([result.log10, np.log10(lines)]))
    columns = (*evidence, *rounded(_described(window, baseline)))
    keys = ("evidence_log10", "line_log10", *_SHARES)
    values: dict[str, dict[str, Any]] = {}
    for name, row in zip(names, zip(*columns, strict=True), strict=True):
        values[name] = dict(zip(keys, row, strict=True))
        values[name] |= {"status": status.get(name, 0), "statistics": {}}
    return values


def _described(window: Profile, baseline: Profile) -> NDArray[np.float64]:
    """`(5, F)` in the order of `_SHARES`, NaN where it makes no sense."""
    frame, rows = window.frame, max(window.rows, 1)
    numeric = len(frame.numeric.names)
    known = numeric + len(frame.categorical.names)
    found = np.full((len(_SHARES), len(frame.columns)), np.nan)
    found[0] = window.missing / rows
    found[1] = window.wrong / rows
    found[1, :numeric] += window.numeric.infinite / rows
    found[2, numeric:known] = window.categorical.outside / rows
    found[3, :numeric], found[4, :numeric] = window.mean(), baseline.mean()
    return found


def add_statistics(
    values: Mapping[str, dict[str, Any]], measured: Sequence[Measured], columns: Collection[str]
) -> None:
    """Write what detectors measured on some columns into their values, in place."""
    wanted: dict[int, NDArray[np.bool_]] = {}
    for one in measured:
        said = one.statistics
        names = id(said.columns)  # detectors share their few tuples of names
        if names not in wanted:
            wanted[names] = np.array([name in columns for name in said.columns], dtype=np.bool_)
        at = np.flatnonzero(one.shown & wanted[names]).tolist()
        arrays = (said.statistic, said.threshold, said.effect, one.window_p)
        numbers = [[None] * len(at) if x is None else rounded(x[at]) for x in arrays]
        entries = map(Statistic, *numbers)
        for i, entry in zip(at, entries, strict=True):
            values[said.columns[i]]["statistics"][said.detector] = entry


def add_series(
    shown: Mapping[str, dict[str, Any]],
    bank: SeriesBank,
    names: Sequence[str],
    z: NDArray[np.float64],
    evidence: NDArray[np.float64],
) -> None:
    """Add to the pictures of columns what each of their components says, in place."""
    wanted = np.array([name in shown for name in names], dtype=np.bool_)
    at = np.flatnonzero(wanted[bank.column])
    with np.errstate(divide="ignore"):
        scores, logs = rounded(np.stack([z[at], np.log10(evidence[at])]))
    for i, score, log in zip(at.tolist(), scores, logs, strict=True):
        picture = shown[names[bank.column[i]]]
        picture.setdefault("series", []).append(Component(bank.name[i], score, log))

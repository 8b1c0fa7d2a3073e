"""What labels say, in words: findings of a decision, and its section `performance`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.result import QualityKind
from monitor.engine import sentences
from monitor.engine.decision import Finding, rfc3339
from monitor.engine.losses import ABSOLUTE, BRIER, ERROR, GAP, POSITIVE, SHARES, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.engine.cohort import Cohort
    from monitor.engine.memory import Drift
    from monitor.engine.performance_stream import Prepared, Told

KINDS: Final[Mapping[str, str]] = {
    "performance": "performance",
    "labels": "label_rate",
    "estimator": "estimator",
}
"""Kind of finding by entry of the evidence: an alert for each."""

_HARMFUL: Final = frozenset({ERROR, BRIER, ABSOLUTE})
"""Losses that are the worse the larger they are; when they fall nobody needs to hear of it."""

_TWO_SIDED: Final = 1.96
PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What performance adds to a decision."""

    findings: tuple[Finding, ...] = ()
    section: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Level:
    """A mean loss with its 95 % interval, and how many labels it stands on."""

    value: float
    lower: float
    upper: float
    labels: int


def moved(
    prepared: Prepared,
    drift: Drift,
    seen: Sequence[tuple[int, Sums]],
    told: Told,
    compared: str | None,
    small: bool,  # noqa: FBT001 - said at the only call
) -> Finding:
    """An entry of the evidence that has moved; `small` if too little to matter.

    `compared` is what to say of groups.
    """
    when = sentences.since(drift.since, drift.low, drift.high, prepared.every)
    ending = f" for predictions {when}"
    if compared is None:
        found, ending = _loss(prepared, drift, seen, ending)
    else:
        found = _disparity(prepared, drift, compared)
    return replace(
        found,
        severity="warning" if small else found.severity,
        text=found.text + ending + (": too small to be called drift" if small else ""),
        since=rfc3339(drift.since),
        since_low=rfc3339(drift.low),
        since_high=rfc3339(drift.high),
        evidence_log10=drift.evidence_log10,
        line_log10=math.log10(told.lines[drift.column]),
        effect=drift.effect,
    )


def unlabelled(start: int, severity: str, text: str, observed: float, usual: float) -> Finding:
    """A window whose labels did not come as usual, now that no more can come."""
    at = rfc3339(start)
    return Finding(
        kind=QualityKind.LABELS.value,
        column="",
        severity=severity,
        measure="labels",
        text=f"{text}, for predictions since {at}",
        since=at,
        since_low=at,
        since_high=at,
        baseline_value=usual,
        current_value=observed,
    )


def compared(prepared: Prepared, drift: Drift, recent: Sequence[Cohort]) -> str:
    """Rates of the groups that have come apart, over the labels since then that are at hand."""
    bank = prepared.bank
    groups = bank.of_entry(drift.column)
    if groups is None:
        return ""
    first = int(np.flatnonzero(bank.column == drift.column)[0])
    rate = int(groups.followed[drift.series - first]) // len(groups.names)
    since = [cohort for cohort in recent if cohort.start >= drift.since] or list(recent[-1:])
    return f"{groups.column}: {groups.compared(since)[rate].text}"


def _disparity(prepared: Prepared, drift: Drift, text: str) -> Finding:
    groups = prepared.bank.of_entry(drift.column)
    return Finding(
        kind="fairness",
        column="" if groups is None else groups.column,
        severity="drift",
        measure=prepared.bank.names[drift.series],
        text=text,
        effect_unit="h",
    )


def _loss(
    prepared: Prepared, drift: Drift, seen: Sequence[tuple[int, Sums]], ending: str
) -> tuple[Finding, str]:
    bank = prepared.bank.losses
    loss, usual = bank.names[drift.series], float(bank.center[drift.series])
    since = Sums.joined([sums for start, sums in seen if start >= drift.since] or [seen[-1][1]])
    level = _level(loss, since, prepared.names.index(loss))
    better = loss in _HARMFUL and level.value < usual
    scale = PERCENT if loss in SHARES else 1.0
    found = Finding(
        kind=KINDS[prepared.bank.entries[drift.column]],
        column="",
        severity="warning" if better else "drift",
        measure=loss,
        text=_said(prepared, loss, usual, level),
        effect_unit="h" if loss in SHARES else "sd",
        baseline_value=scale * usual,
        current_value=scale * level.value,
        unit="%" if loss in SHARES else "",
    )
    return found, f"{ending}, {level.labels:,} labels"


def _said(prepared: Prepared, loss: str, usual: float, level: _Level) -> str:
    if loss == GAP:
        return _gap(prepared, usual, level)
    name = f"share of the label {prepared.task.positive!r}" if loss == POSITIVE else loss
    verb = "rose" if level.value > usual else "fell"
    if loss in SHARES:
        values = [PERCENT * v for v in (usual, level.value, level.lower, level.upper)]
        before, after, low, high = (f"{value:.1f}" for value in values)
        return f"{name} {verb} from {before} % to {after} % (95 % interval {low} to {high} %)"
    values = [usual, level.value, level.lower, level.upper]
    before, after, low, high = map(sentences.number, values)
    return f"{name} {verb} from {before} to {after} (95 % interval {low} to {high})"


def _gap(prepared: Prepared, usual: float, level: _Level) -> str:
    """Errors beside what was expected without labels."""
    ways = "more" if level.value > usual else "fewer"
    if prepared.task.kind == "regression":
        return (
            f"errors are {sentences.number(abs(level.value))} "
            f"{'larger' if level.value > usual else 'smaller'} than was estimated"
        )
    points = PERCENT * abs(level.value)
    return f"{points:.1f} points {ways} errors than the scores promise"


def _level(loss: str, sums: Sums, at: int) -> _Level:
    count, mean = float(sums.count[at]), float(sums.mean[at])
    labels = int(count)
    if loss in SHARES:
        return _Level(mean, *_wilson(mean, count), labels)
    half = _TWO_SIDED * float(sums.spread[at]) / math.sqrt(max(count, 1.0))
    return _Level(mean, mean - half, mean + half, labels)


def _wilson(share: float, count: float) -> tuple[float, float]:
    """Interval of a share (Wilson 1927)."""
    square = _TWO_SIDED**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    root = math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half = _TWO_SIDED * root / (1 + square / count)
    return middle - half, middle + half


def entries(prepared: Prepared, told: Told) -> dict[str, dict[str, Any]]:
    """Evidence, line and scores of every entry of the evidence."""
    column = prepared.bank.column
    names = np.array(prepared.bank.names)
    return {
        name: {
            "evidence_log10": float(told.log10[at]),
            "line_log10": math.log10(told.lines[at]),
            "series": dict(
                zip(names[column == at].tolist(), told.z[column == at].tolist(), strict=True)
            ),
        }
        for at, name in enumerate(prepared.bank.entries)
    }

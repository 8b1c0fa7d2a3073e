"""What the panel's evidence is for people: findings, and values of every entry."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.multivariate.explanation import probable_cost
from monitor.engine import policy, sentences
from monitor.engine.decision import Finding, Status, rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from monitor.engine.memory import Drift, Watch
    from monitor.engine.panel import Told
    from monitor.model import ModelSpec


ENOUGH = 0.75
"""Share of a joint shift that makes a column its cause."""
LOUDEST = 5
"""Scores of an entry that a decision shows."""


def panel_findings(
    told: Told, watch: Watch, spec: ModelSpec, drifted: Collection[str]
) -> Iterator[Finding]:
    """One finding per entry that has moved, and one per entry that moved too little.

    Where one of the `drifted` columns makes nearly all of it, that column is the cause.
    """
    importance = {column.name: column.importance for column in spec.columns}
    for drift in told.standing.drifting:
        since = sentences.since(drift.since, drift.low, drift.high, spec.window.every)
        finding = _finding(told, drift, "drift", f", {since}", importance)
        cause = next((n for n, s in finding.shares.items() if s >= ENOUGH and n in drifted), "")
        yield replace(finding, caused_by=cause)
    for entry in told.standing.warned:
        drift = policy.opened(watch, told.result, entry)
        yield _finding(told, drift, "warning", ": too small to be called drift", importance)


def panel_values(told: Told) -> Mapping[str, Mapping[str, Any]]:
    """Evidence, line, status and largest scores of every entry."""
    drifting = {drift.column for drift in told.standing.drifting}
    return {
        scorer.name: {
            "status": int(_status(entry, drifting, told.standing.warned)),
            "evidence_log10": float(told.result.log10[entry]),
            "line_log10": math.log10(told.lines[entry]),
            "series": _loudest(scorer.series, told.result.z[told.panel.column == entry]),
        }
        for entry, scorer in enumerate(told.panel.scorers)
    }


def _costing(shares: Mapping[str, float], importance: Mapping[str, float]) -> str:
    """What the shift probably costs the model most through, where importance says so."""
    cost = probable_cost(shares, importance)
    dearest = next(iter(cost), "")
    if dearest in ("", next(iter(shares))):
        return ""
    return f"; by importance mostly {dearest} ({cost[dearest]:.0%})"


def _loudest(series: tuple[str, ...], z: NDArray[np.float64]) -> dict[str, float]:
    """The few scores furthest from 0, largest first: an entry may have a hundred."""
    order = np.argsort(-np.nan_to_num(np.abs(z)), kind="stable")[:LOUDEST]
    return {series[i]: float(z[i]) for i in order.tolist()}


def _status(entry: int, drifting: set[int], warned: tuple[int, ...]) -> Status:
    if entry in drifting:
        return Status.DRIFT
    return Status.WARNING if entry in warned else Status.STABLE


def _finding(
    told: Told, drift: Drift, severity: str, ending: str, importance: Mapping[str, float]
) -> Finding:
    scorer = told.panel.scorers[drift.column]
    why = scorer.explain(told.window)
    return Finding(
        kind=scorer.share.value,
        column="",
        severity=severity,
        measure=scorer.name,
        text=why.text + _costing(why.shares, importance) + ending,
        since=rfc3339(drift.since),
        since_low=rfc3339(drift.low),
        since_high=rfc3339(drift.high),
        evidence_log10=drift.evidence_log10,
        line_log10=math.log10(told.lines[drift.column]),
        effect=drift.effect,
        effect_unit="sd",
        shares=dict(why.shares),
    )

"""Turning what was measured on a window into findings, column values and evidence."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from monitor.engine import policy, sentences
from monitor.engine.attribution import attributed
from monitor.engine.column_values import add_series, add_statistics, column_values
from monitor.engine.decision import Finding, Status, Verdict, Verdicts, rfc3339
from monitor.engine.histograms import Histograms
from monitor.engine.panel_report import panel_findings, panel_values
from monitor.engine.power import shortfall
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from detectors.result import QualityFinding
    from detectors.sequential.monitor import StepResult
    from monitor.baseline import SegmentBaseline
    from monitor.engine.memory import Drift, StreamMemory
    from monitor.engine.panel import Told
    from monitor.engine.policy import Standing
    from monitor.engine.univariate import Measurement
    from monitor.engine.windows import ClosedWindow
    from monitor.model import ModelSpec

_RANK: Final = {"broken": 0, "drift": 1, "warning": 2}
_STATUS: Final = {"broken": Status.BROKEN, "drift": Status.DRIFT, "warning": Status.WARNING}
_LOUDEST: Final = {"broken": Verdict.BROKEN, "drift": Verdict.DRIFT, "warning": Verdict.WARNING}
_FINDING_KIND: Final = {"missing": "missing", "invalid": "wrong_type"}
_MEANS: Final = frozenset({"location", "shape 3", "shape 4"})
PERCENT: Final = 100.0
VISIBLE: Final = 0.1
"""Standard deviations of rows by which a mean must move to be called a rise or a fall."""


class Reporter:
    """Words and numbers for one window of one segment; `pictures` are of its phase."""

    def __init__(
        self,
        spec: ModelSpec,
        baseline: SegmentBaseline,
        window: ClosedWindow,
        pictures: Histograms | None = None,
    ) -> None:
        self._spec = spec
        self._pictures = Histograms(baseline.profile) if pictures is None else pictures
        self._baseline = baseline
        self._window = window
        self._frame = window.profile.frame
        self._columns = self._frame.columns
        self._units = {column.name: column.unit for column in spec.columns}
        self._importance = {column.name: column.importance for column in spec.columns}

    @property
    def guarantee(self) -> str:
        """What the budget means with this baseline, in words."""
        return self._baseline.calibration.guarantee.text

    def verdicts(
        self,
        memory: StreamMemory,
        result: StepResult,
        lines: NDArray[np.float64],
        standing: Standing,
        quality: Sequence[QualityFinding],
        measured: Measurement,
        panel: Told | None,
    ) -> Verdicts:
        """Everything that is said about a window with enough records."""
        found = [self._quality(finding) for finding in quality]
        told = {name for q in quality if q.severity == "broken" for name in (q.column, *q.columns)}
        found += [
            self._drift(drift, memory, lines)
            for drift in standing.drifting
            if self._columns[drift.column] not in told
        ]
        found += [self._warned(column, memory, result, lines) for column in standing.warned]
        found += [one for one in measured.crossings() if one.column not in told]
        if panel is not None and memory.panel is not None:
            drifted = {self._columns[drift.column] for drift in standing.drifting}
            found += panel_findings(panel, memory.panel, self._spec, drifted)
        samples = self._baseline.sample, self._window.sample
        findings = attributed(self._ranked(found), self._frame, *samples)
        return Verdicts(
            verdict=_verdict(findings),
            guarantee=self.guarantee,
            summary=summary(findings, self._window.profile.rows),
            findings=findings,
            unjudged=frozenset(told),
            panel={} if panel is None else panel_values(panel),
            columns=_also(quality, self._column_values(findings, result, lines, measured)),
            evidence=self._evidence(findings, result, memory),
        )

    def quality_only(self, quality: Iterable[QualityFinding]) -> tuple[Finding, ...]:
        """Findings of a window with too few records for anything else."""
        return self._ranked([self._quality(finding) for finding in quality])

    @property
    def columns(self) -> tuple[str, ...]:
        """All column names of the frame."""
        return self._columns

    def _quality(self, found: QualityFinding) -> Finding:
        start = rfc3339(self._window.start)
        return Finding(
            kind=found.kind.value,
            column=found.column,
            severity=found.severity,
            measure=found.kind.value,
            text=found.text,
            since=start,
            since_low=start,
            since_high=start,
            baseline_value=found.expected,
            current_value=found.observed,
        )

    def _drift(self, drift: Drift, memory: StreamMemory, lines: NDArray[np.float64]) -> Finding:
        measure = self._baseline.bank.name[drift.series]
        since = sentences.since(drift.since, drift.low, drift.high, self._spec.window.every)
        return self._moved(
            memory,
            lines,
            drift,
            kind=_FINDING_KIND.get(measure, "drift"),
            severity="drift",
            ending=f", {since}",
        )

    def _warned(
        self, column: int, memory: StreamMemory, result: StepResult, lines: NDArray[np.float64]
    ) -> Finding:
        seen = policy.opened(memory.columns, result, column)
        ending = ": too small to be called drift"
        return self._moved(memory, lines, seen, kind="drift", severity="warning", ending=ending)

    def _moved(
        self,
        memory: StreamMemory,
        lines: NDArray[np.float64],
        drift: Drift,
        *,
        kind: str,
        severity: str,
        ending: str,
    ) -> Finding:
        column, measure = self._columns[drift.column], self._baseline.bank.name[drift.series]
        mean = self._mean(drift.column, drift.since, memory)
        level = self._level(drift, measure, mean, memory)
        return Finding(
            kind=kind,
            column=column,
            severity=severity,
            measure=measure,
            text=sentences.moved(column, measure, level, mean, drift.effect) + ending,
            since=rfc3339(drift.since),
            since_low=rfc3339(drift.low),
            since_high=rfc3339(drift.high),
            evidence_log10=drift.evidence_log10,
            line_log10=math.log10(lines[drift.column]),
            effect=drift.effect,
            effect_unit="sd",
            baseline_value=level.baseline,
            current_value=level.current,
            unit=level.unit,
        )

    def _mean(self, column: int, since: int, memory: StreamMemory) -> sentences.Level | None:
        """A numeric column's mean in the baseline and since the change."""
        if column >= len(self._frame.numeric.names):
            return None
        windows = memory.since(since)
        current = _nanmean([seen.mean[column] for seen in windows])
        usual = float(self._baseline.profile.mean()[column])
        spread = float(self._baseline.profile.std()[column])
        visible = abs(current - usual) >= VISIBLE * spread
        return sentences.Level(usual, current, self._unit(column), visible=visible)

    def _level(
        self,
        drift: Drift,
        measure: str,
        mean: sentences.Level | None,
        memory: StreamMemory,
    ) -> sentences.Level:
        """What the component measures, in the column's own unit or as a share."""
        windows = memory.since(drift.since)
        if measure == "scale":
            usual = float(self._baseline.profile.std()[drift.column])
            spread = _nanmean([seen.std[drift.column] for seen in windows])
            return sentences.Level(usual, spread, self._unit(drift.column))
        if measure in _MEANS and mean is not None:
            return mean
        share = self._usual_share(drift.series)
        current = self._share_since(drift.series, share, len(windows), memory)
        return sentences.Level(PERCENT * share, PERCENT * current, "%")

    def _unit(self, column: int) -> str:
        return self._units.get(self._columns[column], "")

    def _usual_share(self, series: int) -> float:
        """The baseline's value of the share that a series follows."""
        bank = self._baseline.bank
        means = 4 * len(self._frame.numeric.names)
        return float(bank.share[bank.entry[series] - means])

    def _share_since(self, series: int, share: float, windows: int, memory: StreamMemory) -> float:
        """The share behind a mean Cohen's h: `h = 2 asin(sqrt(p)) - 2 asin(sqrt(p0))`."""
        ring, done = memory.columns.sequential.effects, memory.columns.sequential.windows
        recent = (done - 1 - np.arange(min(windows, len(ring)))) % len(ring)
        effects = ring[recent, series].astype(np.float64)
        mean = float(np.nanmean(effects)) if not np.isnan(effects).all() else 0.0
        angle = 2 * math.asin(math.sqrt(share)) + mean
        return math.sin(min(max(angle, 0.0), math.pi) / 2) ** 2

    def _ranked(self, findings: list[Finding]) -> tuple[Finding, ...]:
        """Broken before drift before warning; then by size weighed with importance."""

        def key(finding: Finding) -> tuple[int, float, str]:
            weight = self._importance.get(finding.column, 1.0)
            size = abs(finding.effect or 0.0) * weight
            return _RANK[finding.severity], -size, finding.column

        return tuple(sorted(findings, key=key))

    def _column_values(
        self,
        findings: Sequence[Finding],
        result: StepResult,
        lines: NDArray[np.float64],
        measured: Measurement,
    ) -> dict[str, dict[str, Any]]:
        status = {name: int(found) for name, found in _statuses(findings).items()}
        values = column_values(self._window.profile, self._pictures.baseline, result, lines, status)
        kept = self._told(findings)
        if kept:
            add_statistics(values, measured.measured, kept)
        return values

    def _told(self, findings: Sequence[Finding]) -> Collection[str]:
        """Columns of which everything is kept: of a segment those that something was found of."""
        if self._window.stream.segment == WHOLE:
            return frozenset(self._columns)
        return _statuses(findings).keys() & set(self._columns)

    def _evidence(
        self, findings: Sequence[Finding], result: StepResult, memory: StreamMemory
    ) -> dict[str, dict[str, Any]]:
        """Per column the two distributions, and what each component says."""
        calibration, state = self._baseline.calibration, memory.columns.sequential
        said = calibration.likelihood.by_series(state.constant, state.step)
        shown = self._pictures.beside(self._window.profile, self._told(findings))
        add_series(shown, self._baseline.bank, self._columns, result.z, said)
        return shown


def too_few(
    reporter: Reporter, quality: Iterable[QualityFinding], rows: int, min_records: int
) -> Verdicts:
    """The verdict on a window with too few records to say more than that."""
    findings = reporter.quality_only(quality)
    broken = any(finding.severity == "broken" for finding in findings)
    said = f"{rows} records, at least {min_records} are needed to judge: {min_records - rows} more"
    return Verdicts(
        verdict=Verdict.BROKEN if broken else Verdict.INSUFFICIENT,
        needs=shortfall(rows, min_records),
        guarantee=reporter.guarantee,
        summary=f"{findings[0].text}; {said}" if findings else said,
        findings=findings,
        unjudged=frozenset(reporter.columns),
        columns={name: {"status": int(Status.INSUFFICIENT)} for name in reporter.columns},
    )


def with_more(verdicts: Verdicts, more: Sequence[Finding], rows: int) -> Verdicts:
    """Add findings that were made elsewhere, behind those of the same severity."""
    if not more:
        return verdicts
    found = (*verdicts.findings, *more)
    findings = tuple(sorted(found, key=lambda finding: _RANK[finding.severity]))
    columns = {name: dict(values) for name, values in verdicts.columns.items()}
    for name, status in _statuses(findings).items():
        if name in columns:
            columns[name]["status"] = int(status)
    return replace(
        verdicts,
        verdict=_verdict(findings),
        summary=summary(findings, rows),
        findings=findings,
        columns=columns,
    )


def summary(findings: Sequence[Finding], rows: int) -> str:
    """One sentence for a list: the first finding, and how many more."""
    if not findings:
        return f"{rows:,} records look like the baseline"
    more = len(findings) - 1
    return findings[0].text + (f", and {more} more" if more else "")


def _nanmean(values: Sequence[float]) -> float:
    known = [float(value) for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _verdict(findings: Sequence[Finding]) -> Verdict:
    return _LOUDEST[findings[0].severity] if findings else Verdict.STABLE


def _statuses(findings: Sequence[Finding]) -> dict[str, Status]:
    """The loudest status per column; findings come loudest first."""
    status: dict[str, Status] = {}
    for finding in findings:
        status.setdefault(finding.column, _STATUS[finding.severity])
    return status


def _also(
    quality: Sequence[QualityFinding], values: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The columns with the status of findings that speak of several of them."""
    for found in quality:
        for name in values.keys() & set(found.columns):
            values[name]["status"] = int(_STATUS[found.severity])
    return values

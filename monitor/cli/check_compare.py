"""One comparison of two sets of rows, as `driftd check` makes it.

There is no history of windows here, so the sequential evidence of the daemon has nothing to stand
on. What is left are two-sample tests on rows, which assume that rows are independent; real rows
often are not, therefore a change must also be large enough to matter, beyond its own noise.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from detectors.profile.fitting import fit_frame
from detectors.profile.profile import Profile
from detectors.quality import FaultHistory, QualityBaseline, count_faults, judge_quality
from detectors.result import QualityFinding, QualityKind
from detectors.univariate.battery import Battery
from monitor.cli.check_effects import distance_noise, function_noise, holm
from monitor.columnar import take
from monitor.engine.columns import Framer, as_numbers, as_texts
from monitor.engine.histograms import distributions
from monitor.engine.sentences import listing, number
from monitor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.result import ColumnStatistics
    from detectors.univariate.comparison import Comparison
    from monitor.record import RecordBatch
    from monitor.schema import ColumnSpec

Status: TypeAlias = Literal["broken", "drift", "warning", "stable", "insufficient"]

LOUDNESS: Final[Mapping[str, int]] = {
    "broken": 0, "drift": 1, "warning": 2, "insufficient": 3, "stable": 4
}  # fmt: skip
GUARANTEE: Final = (
    "a stable pair of files is called drift with probability at most {alpha:.3g} over all columns "
    "together (Holm); assumes independent rows"
)
PARTS: Final = 20
"""Parts of the reference, in its own order, that show how much faults vary by themselves."""
PART_ROWS: Final = 200
CHUNK: Final = 50_000


@dataclass(frozen=True, slots=True)
class Rule:
    """When a difference counts.

    Attributes
    ----------
    alpha
        Probability of calling any column of two equal sets of rows drifted.
    min_effect
        Share of rows that must be distributed differently.
    min_records
        Fewer rows with a value are too few to say anything.
    """

    alpha: float
    min_effect: float
    min_records: int


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """One column of both sides; effects are shares of rows, None where nothing was compared."""

    name: str
    kind: str
    status: Status
    text: str
    p_value: float | None = None
    effect: float | None = None
    effect_low: float | None = None
    statistics: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The whole answer; `columns` loudest first, `pictures` as `engine.histograms` makes them."""

    verdict: Status
    summary: str
    guarantee: str
    reference_rows: int
    current_rows: int
    columns: tuple[ColumnResult, ...]
    findings: tuple[QualityFinding, ...]
    pictures: Mapping[str, Mapping[str, Any]]


def compare(
    reference: Sequence[RecordBatch],
    current: Sequence[RecordBatch],
    columns: Sequence[ColumnSpec],
    rule: Rule,
) -> Checked:
    """Compare two sets of rows, column by column.

    Parameters
    ----------
    columns
        What the columns of the reference are.

    Raises
    ------
    InputError
        There is no column to compare.
    """
    watched = [column for column in columns if column.kind != "ignore"]
    if not watched:
        raise InputError("no column to compare: none of the reference's columns can be measured")
    framer = Framer(_frame(reference, watched))
    parts = _profiles(reference, framer, _part_rows(reference))
    before, now = (
        _merged(parts, framer.frame),
        _merged(_profiles(current, framer, CHUNK), framer.frame),
    )
    findings = (*_appeared(columns, current), *_findings(parts, before, now))
    results = _Results(watched, before, now, findings, rule).all()
    verdict = _verdict(results, findings, before, now, rule)
    return Checked(
        verdict=verdict,
        summary=_summary(verdict, results, findings, min(before.rows, now.rows), rule),
        guarantee=GUARANTEE.format(alpha=rule.alpha),
        reference_rows=before.rows,
        current_rows=now.rows,
        columns=results,
        findings=findings,
        pictures=distributions(before, now),
    )


def _frame(rows: Sequence[RecordBatch], columns: Sequence[ColumnSpec]) -> Frame:
    numeric: dict[str, NDArray[np.float64]] = {}
    categorical: dict[str, Counter[str]] = {}
    for column in columns:
        values = [batch.columns.get(column.name) for batch in rows]
        if column.kind == "numeric":
            pairs = zip(values, map(len, rows), strict=True)
            numeric[column.name] = np.concatenate([as_numbers(v, n)[0] for v, n in pairs])
        elif column.kind in {"categorical", "boolean"}:
            categorical[column.name] = Counter()
            for texts in (as_texts(value) for value in values if value is not None):
                found = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.vocabulary))
                categorical[column.name].update(
                    dict(zip(texts.vocabulary, found.tolist(), strict=True))
                )
    presence = [c.name for c in columns if c.name not in numeric and c.name not in categorical]
    ranges = {c.name: c.range for c in columns if c.range is not None and c.name in numeric}
    return fit_frame(numeric, categorical, presence, ranges)


def _part_rows(rows: Sequence[RecordBatch]) -> int:
    return min(max(sum(map(len, rows)) // PARTS, PART_ROWS), CHUNK)


def _profiles(rows: Sequence[RecordBatch], framer: Framer, size: int) -> list[Profile]:
    """Profiles of consecutive runs of `size` rows; the last of a batch may be shorter."""
    profiles = []
    for batch in rows:
        for start in range(0, len(batch), size):
            part = take(batch, np.arange(start, min(start + size, len(batch))))
            profile = Profile(framer.frame)
            profile.add(framer.block(part))
            profiles.append(profile)
    return profiles


def _merged(profiles: Sequence[Profile], frame: Frame) -> Profile:
    whole = Profile(frame)
    for profile in profiles:
        whole.merge(profile)
    return whole


def _findings(
    parts: Sequence[Profile], before: Profile, now: Profile
) -> tuple[QualityFinding, ...]:
    """What is wrong with the current data; the reference's parts say how much is usual."""
    long = [profile for profile in parts if profile.rows >= PART_ROWS]
    history = FaultHistory(
        np.array([profile.rows for profile in long], dtype=np.int64),
        np.array([count_faults(profile) for profile in long]),
    ) if long else None  # fmt: skip
    return judge_quality(QualityBaseline.of(before, history), now)


def _appeared(
    columns: Sequence[ColumnSpec], current: Sequence[RecordBatch]
) -> tuple[QualityFinding, ...]:
    known = {column.name for column in columns}
    names = dict.fromkeys(name for batch in current for name in batch.columns)
    return tuple(
        QualityFinding(name, QualityKind.SCHEMA, "warning", 0.0, 1.0,
                       f"{name}: appeared, the reference has no such column")
        for name in names
        if name not in known
    )  # fmt: skip


class _Results:
    """Turns statistics and findings into one result per column."""

    def __init__(
        self,
        columns: Sequence[ColumnSpec],
        before: Profile,
        now: Profile,
        findings: Sequence[QualityFinding],
        rule: Rule,
    ) -> None:
        self._columns = columns
        self._before, self._now = before, now
        self._severity = {f.column: f.severity for f in reversed(findings)}
        self._texts = {f.column: f.text for f in reversed(findings)}
        self._rule = rule
        battery = Battery.fit(before)
        window = battery.reference.compare(now)
        self._names = battery.reference.columns
        self._rows = np.minimum(window.rows, battery.reference.rows)
        self._measured = {s.detector: s for s in (each.judge(window) for each in battery.fitted)}
        numeric = len(battery.reference.numeric)
        p_value = self._joined("ks", "chi2", numeric, _p)
        self._p = holm(np.where(self._rows < rule.min_records, np.nan, p_value))
        self._effect = self._joined("ks", "total_variation", numeric, lambda found: found.effect)
        self._low = np.maximum(self._effect - _noise(window, numeric), 0.0)

    def _joined(
        self,
        numbers: str,
        categories: str,
        numeric: int,
        field: Callable[[ColumnStatistics], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """One detector's field on numeric columns, another's on categorical ones."""
        parts = field(self._measured[numbers]), field(self._measured[categories])[numeric:]
        return np.concatenate(parts)

    def all(self) -> tuple[ColumnResult, ...]:
        """Results, loudest and largest first."""
        results = [self._one(column) for column in self._columns]
        return tuple(sorted(results, key=lambda r: (LOUDNESS[r.status], -(r.effect or 0), r.name)))

    def _one(self, column: ColumnSpec) -> ColumnResult:
        quality = self._severity.get(column.name)
        if column.name not in self._names:
            status: Status = quality or "stable"
            text = self._texts.get(column.name, "only presence is compared")
            return ColumnResult(column.name, column.kind, status, text)
        j = self._names.index(column.name)
        status = quality if quality == "broken" else self._status(j, quality)
        return ColumnResult(
            column.name,
            column.kind,
            status,
            self._texts[column.name] if status == "broken" else self._change(column, j),
            _plain(self._p[j]),
            _plain(self._effect[j]),
            _plain(self._low[j]),
            self._statistics(column.name),
        )

    def _status(self, j: int, quality: Status | None) -> Status:
        if self._rows[j] < self._rule.min_records:
            return quality or "insufficient"
        significant = self._p[j] <= self._rule.alpha
        if significant and self._low[j] >= self._rule.min_effect:
            return "drift"
        if significant and self._effect[j] >= self._rule.min_effect:
            return "warning"
        return quality or "stable"

    def _change(self, column: ColumnSpec, j: int) -> str:
        """What moved most, in the column's own unit."""
        if column.kind == "numeric":
            unit = f" {column.unit}" if column.unit else ""
            sides = (self._before, self._now)
            mean = [number(float(side.mean()[j])) for side in sides]
            spread = [number(float(side.std()[j])) for side in sides]
            return f"mean {mean[0]} to {mean[1]}{unit}, sd {spread[0]} to {spread[1]}"
        k = j - len(self._before.frame.numeric.names)
        return _largest_move(self._before, self._now, k)

    def _statistics(self, name: str) -> dict[str, float]:
        found = {}
        for detector, measured in self._measured.items():
            if name in measured.columns:
                value = _plain(measured.statistic[measured.columns.index(name)])
                if value is not None:
                    found[detector] = value
        return found


def _noise(window: Comparison, numeric: int) -> NDArray[np.float64]:
    """By how much noise may have raised each effect."""
    noise = function_noise(window.precision)
    now, before = window.shares
    rows, base = window.rows, window.reference.rows
    for j in range(numeric, len(noise)):
        if rows[j] and base[j]:
            noise[j] = distance_noise(now[j], before[j], float(rows[j]), float(base[j]))
    return noise


def _largest_move(before: Profile, now: Profile, column: int) -> str:
    """The value whose share changed most; values outside the vocabulary count together."""
    tallies = (before.categorical, now.categorical)
    valid = [max(int(tally.valid()[column]), 1) for tally in tallies]
    counts = [np.append(tally.codes[column], tally.outside[column]) for tally in tallies]
    shares = [count / total for count, total in zip(counts, valid, strict=True)]
    most = int(np.argmax(np.abs(shares[1] - shares[0])))
    vocabulary = before.frame.categorical.vocabularies[column]
    name = repr(vocabulary[most]) if most < len(vocabulary) else "new values"
    return f"share of {name} {100 * shares[0][most]:.3g} % to {100 * shares[1][most]:.3g} %"


def _p(statistics: ColumnStatistics) -> NDArray[np.float64]:
    if statistics.p_value is None:
        raise InputError(f"{statistics.detector} has no p-values")
    return statistics.p_value


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _verdict(
    results: Sequence[ColumnResult],
    findings: Sequence[QualityFinding],
    before: Profile,
    now: Profile,
    rule: Rule,
) -> Status:
    if min(before.rows, now.rows) < rule.min_records:
        return "insufficient"
    severities: list[Status] = [result.status for result in results]
    severities += [finding.severity for finding in findings]
    loudest = min(severities, key=LOUDNESS.__getitem__)
    return "stable" if loudest == "insufficient" else loudest


def _summary(
    verdict: Status,
    results: Sequence[ColumnResult],
    findings: Sequence[QualityFinding],
    rows: int,
    rule: Rule,
) -> str:
    if verdict == "insufficient":
        return f"{rows:,} rows on one side are too few to compare; {rule.min_records:,} are needed"
    if verdict == "stable":
        return f"none of {len(results)} columns changed by {100 * rule.min_effect:.3g} % of rows"
    named = [result.name for result in results if result.status == verdict]
    named += [f.column or "rows" for f in findings if f.severity == verdict]
    names = list(dict.fromkeys(named))
    verb = {"broken": "broken", "drift": "drifted"}.get(verdict, "worth a look")
    return f"{len(names)} of {len(results)} columns {verb}: {listing(names)}"

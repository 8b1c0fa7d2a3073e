"""A world to break: windows of rows whose columns are as awkward as real ones.

Every window has its profile and its sample, as the engine makes them. Rows come at random times of
an hour; `sensor` wanders from row to row, `temperature` has a daily season.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from detectors.inputs import MISSING, OUTSIDE
from detectors.profile import Profile, fit_frame
from detectors.profile.sample import Reservoir, Sample, capacity_for
from detectors.quality import FaultHistory, QualityBaseline, count_faults, judge_quality
from detectors.quality.rates import RateRule
from detectors.quality.replay import RecentRows
from detectors.quality.traits import Traits
from tests.strategies import block_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detectors.profile import Frame
    from detectors.quality.rules import Rules
    from detectors.result import QualityFinding

HOUR = 3_600_000_000
ROWS = 1_500
WINDOWS = 48
NUMERIC = (
    "amount", "weight", "temperature", "heavy", "stock", "clicks", "age", "rare", "sensor", "score",
)  # fmt: skip
CATEGORIES = {
    "city": ("Berlin", "São Paulo", "Zürich", "Lima", "Oslo"),
    "carrier": ("UA", "DL", "AA", "HA"),
    "client": tuple(f"client {i}" for i in range(20)),
    "product": tuple(f"p{i:04d}" for i in range(800)),
    "prediction": ("no", "yes"),
}
SHARES = {
    "city": (0.3, 0.25, 0.2, 0.15, 0.1),
    "carrier": (0.5, 0.3, 0.15, 0.05),
    "client": tuple(np.full(20, 0.05)),
    "product": tuple((w := 1 / np.arange(1.0, 801)) / w.sum()),
}


@dataclass
class Rows:
    """The rows of window `index`; `numeric` and `categorical` may be changed before use."""

    seed: int
    index: int = 0
    rows: int = ROWS
    numeric: dict[str, np.ndarray] = field(default_factory=dict)
    categorical: dict[str, np.ndarray] = field(default_factory=dict)
    unseen: dict[str, dict[str, int]] = field(default_factory=dict)
    times: np.ndarray = field(init=False)
    keys: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, self.index])
        n = self.rows
        start = self.index * HOUR
        self.times = np.sort(rng.integers(start, start + HOUR, n))
        self.keys = rng.integers(0, 2**64, n, dtype=np.uint64)
        score = rng.beta(1.2, 3, n)
        steps = 0.3 * rng.normal(size=n)
        level = 20 + 5 * np.sin(2 * np.pi * self.index / 24)
        rare = np.where(rng.random(n) < 0.03, rng.gamma(2, 10, n), np.nan)
        self.numeric = {
            "amount": np.round(np.exp(rng.normal(3, 1, n)), 2),
            "weight": rng.normal(80, 12, n),
            "temperature": rng.normal(level, 3, n),
            "heavy": rng.standard_t(1.5, n) * 100,
            "stock": np.where(rng.random(n) < 0.6, 0, rng.exponential(30, n)),
            "clicks": rng.poisson(3, n).astype(float),
            "age": rng.integers(18, 90, n).astype(float),
            "rare": rare,
            "sensor": 100 + _wandering(steps),
            "score": score,
        } | self.numeric
        codes = {
            name: rng.choice(len(shares), n, p=shares).astype(np.int32)
            for name, shares in SHARES.items()
        }
        self.categorical = codes | {"prediction": (score > 0.4).astype(np.int32)}

    def mislabelled(self, column: str, mapping: dict[str, str]) -> None:
        """Write other values in place of known ones."""
        codes = self.categorical[column]
        vocabulary = FRAME.categorical.vocabularies[FRAME.categorical.names.index(column)]
        for old, new in mapping.items():
            hit = codes == vocabulary.index(old)
            self.unseen.setdefault(column, {})[new] = int(hit.sum())
            codes[hit] = OUTSIDE

    def measured(self) -> tuple[Profile, Sample]:
        """What the engine has of the window."""
        block = block_of(
            [self.numeric[name] for name in NUMERIC],
            [self.categorical[name] for name in CATEGORIES],
            [self.unseen.get(name, {}) for name in CATEGORIES],
        )
        profile = Profile(FRAME)
        profile.add(block)
        reservoir = Reservoir(Sample.empty(FRAME), capacity_for(FRAME))
        reservoir.add(block, self.keys, self.times)
        return profile, reservoir.sample()


def _wandering(steps: np.ndarray) -> np.ndarray:
    level = np.empty(len(steps))
    last = 0.0
    for i, step in enumerate(steps.tolist()):
        last = 0.98 * last + step
        level[i] = last
    return level


def _frame() -> Frame:
    rows = [Rows(1, index) for index in range(4)]
    numeric = {name: np.concatenate([r.numeric[name] for r in rows]) for name in NUMERIC}
    counts = {name: dict.fromkeys(values, 1) for name, values in CATEGORIES.items()}
    ordered = {
        name: {value: len(counts[name]) - i for i, value in enumerate(values)}
        for name, values in CATEGORIES.items()
    }
    return fit_frame(numeric, ordered, [], {"age": (0.0, 120.0)})


FRAME = _frame()


@dataclass
class World:
    """A baseline learned from windows, which may themselves be changed, and a monitored stream."""

    change: Callable[[Rows], None] = lambda _: None
    seed: int = 1
    windows: int = WINDOWS
    rules: Rules | None = None
    alpha: float = 1e-6
    rows: int = ROWS
    baseline: QualityBaseline = field(init=False)
    recent: RecentRows = field(init=False)
    rows_of_baseline: list[Rows] = field(init=False)

    def __post_init__(self) -> None:
        self.rows_of_baseline = [self.window(index, self.seed) for index in range(self.windows)]
        measured = [rows.measured() for rows in self.rows_of_baseline]
        pooled = Profile(FRAME)
        kept = Reservoir(Sample.empty(FRAME), capacity_for(FRAME))
        for profile, sample in measured:
            pooled.merge(profile)
            kept.merge(Reservoir(sample, capacity_for(FRAME)))
        traits, self.recent = Traits.of(FRAME, kept.sample()), RecentRows()
        faults = []
        for rows, (profile, sample) in zip(self.rows_of_baseline, measured, strict=True):
            span = (rows.index * HOUR, (rows.index + 1) * HOUR)
            again = self.recent.compare(profile.row_hashes)
            counts = traits.beside(sample).count(sample, span=span, recurring=again)
            faults.append(count_faults(profile, counts))
            self.recent.add(span[0], profile.row_hashes)
        history = FaultHistory(np.full(self.windows, self.rows), np.array(faults))
        self.baseline = QualityBaseline.of(
            pooled, history, RateRule(alpha=self.alpha), sample=kept.sample(), rules=self.rules
        )

    def window(self, index: int, seed: int) -> Rows:
        rows = Rows(seed, index, self.rows)
        self.change(rows)
        return rows

    def judge(self, rows: Rows, *, remember: bool = False) -> tuple[QualityFinding, ...]:
        """What is said of a window."""
        profile, sample = rows.measured()
        span = (rows.index * HOUR, (rows.index + 1) * HOUR)
        again = self.recent.compare(profile.row_hashes)
        if remember:
            self.recent.add(span[0], profile.row_hashes)
        return judge_quality(self.baseline, profile, sample, span=span, recurring=again)

    def broken(self, seed: int, fault: Callable[[Rows], None]) -> tuple[QualityFinding, ...]:
        """What is said of an ordinary window with a fault."""
        rows = self.window(WINDOWS + seed, self.seed)
        fault(rows)
        return self.judge(rows)


def told(findings: Sequence[QualityFinding]) -> list[tuple[str, str, str]]:
    """Kind, column and severity of each finding."""
    return [(str(f.kind), f.column, f.severity) for f in findings]


__all__ = ["FRAME", "HOUR", "MISSING", "Rows", "World", "told"]

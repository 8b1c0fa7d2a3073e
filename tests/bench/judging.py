"""Windows judged from kept profiles, and arrays to evidence beside a loop over scipy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.profile.profile import Profile
from detectors.profile.sample import Sample
from detectors.quality import judge_quality
from detectors.sequential.monitor import step
from detectors.univariate.battery import Battery
from monitor.drivers.learn import build_baseline
from monitor.engine.columns import Framer
from monitor.engine.judge import Judge, Part
from monitor.engine.memory import StreamMemory
from monitor.engine.windows import ClosedWindow, Stream
from monitor.model import WHOLE, ModelSpec, WindowSpec
from monitor.record import Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec
from tests.bench.outcome import Outcome
from tests.bench.speed.bench_detectors import ROWS, Table, best, folded, scipy_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from monitor.baseline import Baseline
    from monitor.record import Column

HOUR = 3_600_000_000
WINDOWS = 24
SEGMENTS = 20
LETTERS = tuple("abcdefghij")


class _Lines:
    """Lines of some budget; where they lie does not change how long judging takes."""

    def __init__(self, columns: int) -> None:
        self._evidence = np.full(columns, 30.0 * columns)

    def evidence(self, segment: str, versions: int) -> NDArray[np.float64]:  # noqa: ARG002
        return self._evidence

    def quality_alpha(self, segment: str) -> float:  # noqa: ARG002
        return 1e-4

    def volume_alpha(self, segment: str) -> float:  # noqa: ARG002
        return 1e-4


class _Kept:
    """A baseline, and the kept profile of one window."""

    def __init__(self, numeric: int, categorical: int, rows: int = 6_000) -> None:
        rng = np.random.default_rng(3)
        columns: dict[str, Column] = {
            f"n{j}": Numbers(rng.normal(size=rows)) for j in range(numeric)
        }
        for j in range(categorical):
            codes = rng.integers(0, len(LETTERS), rows).astype(np.int32)
            columns[f"c{j}"] = Texts(codes, LETTERS)
        batch = RecordBatch(
            model="m",
            version="1",
            ids=tuple(map(str, range(rows))),
            times=np.arange(rows) * (WINDOWS * HOUR // rows),
            columns=columns,
        )
        kinds = {"n": "numeric", "c": "categorical"}
        specs = tuple(ColumnSpec(name, kinds[name[0]]) for name in columns)  # type: ignore[arg-type]
        self.spec = ModelSpec("m", specs, WindowSpec(every=HOUR), min_records=50)
        self.baseline: Baseline = build_baseline([batch], self.spec)
        self.lines = _Lines(numeric + categorical)
        self.part = Part.of(self.baseline.segments[WHOLE], self.spec, self.lines, WHOLE)
        self._judge = Judge(self.spec, self.baseline, "c", self.lines)
        self.profile = Profile(self.baseline.frame)
        self.profile.add(Framer(self.baseline.frame).block(batch))
        self._memory = StreamMemory.start(self.part.baseline).columns.sequential

    def judge(self) -> None:
        """All statistics, data quality and sequential evidence of every column."""
        whole = self.part.baseline
        self.part.statistics.pooled.battery.judge(self.profile)
        judge_quality(self.part.quality, self.profile)
        columns = len(self.profile.frame.columns)
        step(
            whole.calibration,
            self.lines.evidence(WHOLE, 1),
            self._memory,
            whole.bank.measure(self.profile),
            whole.season.design(np.array([HOUR // 2]))[0],
            rows=float(self.profile.rows),
            consecutive=True,
            frozen=np.zeros(columns, dtype=np.bool_),
        )

    def decide(self) -> None:
        """All of the above, and the decision as canonical bytes."""
        self._judge.judge(self._window(WHOLE))

    def segmented(self, segments: int) -> Callable[[], None]:
        """All of the above for the whole stream and for segments of it."""
        names = [WHOLE, *(f"place={i}" for i in range(segments - 1))]
        whole = self.baseline.segments[WHOLE]
        part = replace(whole, sample=Sample.empty(self.baseline.frame), panel=None)
        parts = {name: part if name else whole for name in names}
        judge = Judge(self.spec, replace(self.baseline, segments=parts), "c", self.lines)
        windows = [self._window(name) for name in names]

        def run() -> None:
            for window in windows:
                judge.judge(window)

        return run

    def _window(self, segment: str) -> ClosedWindow:
        return ClosedWindow(
            stream=Stream("1", segment),
            index=0,
            start=0,
            end=HOUR,
            profile=self.profile,
            sample=Sample.empty(self.profile.frame),
            first=1,
            last=1,
        )


def kept(*, quick: bool) -> list[Outcome]:
    """Judging one window of 60 and of 1,000 columns."""
    found = []
    for columns, target in ((60, 2.0), (1_000, 20.0)):
        case = _Kept(columns * 5 // 6, columns - columns * 5 // 6)
        seconds = best(case.judge, 5 if quick else 20)
        note = f"with the decision's document {1000 * best(case.decide, 3):.0f} ms"
        name = f"judge a window of {columns:,} columns from its profile"
        found.append(Outcome(name, 1000 * seconds, "ms", "less", target, note=note))
    case = _Kept(833, 167)
    seconds = best(case.segmented(SEGMENTS), 3 if quick else 8)
    name = f"judge 1,000 columns x {SEGMENTS} segments, decisions included"
    found.append(Outcome(name, 1000 * seconds, "ms", "less", 500.0))
    return found


def arrays(*, quick: bool) -> list[Outcome]:
    """Arrays in, evidence out, 100,000 rows of 50 numeric and 10 categorical columns."""
    baseline, window = Table(1), Table(2, moved=10)
    frame = baseline.frame()
    battery = Battery.fit(folded(frame, baseline))
    ours = best(lambda: battery.judge(folded(frame, window)), 2 if quick else 5)
    loop = best(lambda: scipy_loop(baseline, window), 1 if quick else 2)
    name = f"arrays in, evidence out, {ROWS:,} x (50 + 10), speed-up"
    note = f"{1000 * ours:.0f} ms, scipy {1000 * loop:.0f} ms"
    peer = "scipy ks_2samp + chi2_contingency"
    return [Outcome(name, loop / ours, "x", "more", 10.0, peer, 1.0, note)]

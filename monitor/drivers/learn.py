"""Learning what normal looks like: rows become a baseline, cut by the same code as live windows.

Two passes. The first fits the frame and pools all rows; the second runs the rows through the
engine's windows, as if they came in live, and keeps the score of each window. Where the rows do
not give enough windows (no times, or too short a period), they are dealt at random into
pseudo-windows and the calibration says so: it then rests on rows being exchangeable.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.profile.profile import Profile
from detectors.profile.sample import FINER, Reservoir, Sample
from detectors.quality.counters import count_faults
from detectors.quality.freshness import UsualGaps
from detectors.quality.replay import RecentRows
from detectors.quality.traits import Traits
from detectors.sequential.calendar import Season
from detectors.sequential.calibrate import calibrate
from detectors.sequential.series import SeriesBank
from detectors.univariate.battery import Battery
from monitor.baseline import Baseline, History, PanelBaseline, SegmentBaseline
from monitor.clock import MICROS
from monitor.columnar import take
from monitor.engine.columns import Framer
from monitor.engine.cutting import windows_for
from monitor.engine.panel import fit_panel
from monitor.engine.performance_learning import LabelledHistory, Truths
from monitor.engine.pieces import CHUNK, dealt_like, in_order
from monitor.engine.seasonal import PhaseLearner
from monitor.engine.segments import Segments, split
from monitor.engine.survey import dimensions_of, frame_of, segments_of
from monitor.engine.texts import derive, encoded_dimensions, encoders_of
from monitor.engine.univariate import history_of, narrowed
from monitor.engine.windows import middle, span_of
from monitor.errors import InputError
from monitor.model import WHOLE
from monitor.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.protocols import Window
    from detectors.sequential.calibration import Calibration, Components
    from monitor.engine.windows import ClosedWindow, Windows
    from monitor.model import ModelSpec
    from monitor.progress import Progress
    from monitor.record import LabelBatch, RecordBatch

MIN_WINDOWS = 8
"""Below this many real windows the history says nothing; rows are dealt at random instead."""

PIECES = 8 * 86_400 * MICROS
KEPT_STATISTICS = 1024
"""Windows of whose statistics the baseline keeps how far they were from the rest: the last ones."""

PSEUDO_WINDOWS = 64
FEWEST_ROWS = 2 * MIN_WINDOWS
_SEED = 20_130_101


def build_baseline(
    batches: Sequence[RecordBatch],
    spec: ModelSpec,
    progress: Progress = unheard,
    labels: Sequence[LabelBatch] = (),
) -> Baseline:
    """Learn a baseline from all rows of `batches`, whatever their version.

    Parameters
    ----------
    batches : the rows; they are sorted by time here.
    progress : called with rows done and rows in all, both passes counted.
    labels : what turned out to be true of them, as far as that is known.

    Raises
    ------
    InputError
        There are fewer rows than `spec.min_records`, or in every value of a segment.
    """
    pieces = in_order(batches, spec.window.records or CHUNK)
    rows = [batch for piece in pieces for batch in piece]
    total = sum(map(len, rows))
    least = max(spec.min_records, FEWEST_ROWS)
    if total < least:
        raise InputError(
            f"model {spec.name!r}: the baseline has {total} rows, at least {least} are needed"
        )
    texts, rows, columns = derive(rows, spec.columns)
    spec, pieces = replace(spec, columns=columns), dealt_like(pieces, rows)
    encoders = encoders_of(spec.columns)
    dimensions = dimensions_of(rows, spec) | encoded_dimensions(rows, encoders)
    framer = Framer(frame_of(rows, spec), None, dimensions, encoders)
    known = segments_of(rows, spec)
    pooled = _pool(rows, spec, framer, known, lambda done: progress(done, 2 * total))
    truths = _truths(rows, spec, framer.frame, labels, pooled[WHOLE])
    learners = {
        name: _Learner(spec, part, truths if name == WHOLE else None)
        for name, part in pooled.items()
    }
    windows = windows_for(replace(spec.window, lateness=0), framer, known)
    for closed in _closed(windows, pieces, lambda done: progress(total + done, 2 * total)):
        learners[closed.stream.segment].see(middle(closed), closed, span_of(closed, spec.window))
    times = np.concatenate([batch.times for batch in rows])
    segments: dict[str, SegmentBaseline] = {}
    for name, learner in learners.items():
        if len(learner.windows) >= MIN_WINDOWS:
            segments[name] = learner.learned(exchangeable=False)
        else:
            known_of = truths if name == WHOLE else None
            segments[name] = _dealt(rows, name, known, spec, pooled[name], framer, known_of)
    return Baseline(
        model=spec.name,
        columns=spec.columns,
        window=spec.window,
        frame=framer.frame,
        segments=segments,
        start=int(times.min()),
        end=int(times.max()) + 1,
        gaps=UsualGaps.of(times),
        known=tuple(sorted({name for batch in rows for name in batch.columns})),
        scorers=tuple(map(repr, spec.scorers)),
        versions=tuple(sorted({batch.version for batch in batches if len(batch)})),
        season=spec.renewal.season,
        vocabularies=texts.vocabularies,
    ).named()


def _closed(
    windows: Windows, pieces: Sequence[Sequence[RecordBatch]], progress: Callable[[int], None]
) -> Iterator[ClosedWindow]:
    """Every window that the pieces make, the last ones too."""
    done = 0
    for piece in pieces:
        yield from windows.feed(piece, 0)
        done += sum(map(len, piece))
        progress(done)
    yield from windows.flush()


@dataclass(frozen=True, slots=True)
class _Window:
    """What is kept of one window of the history."""

    mid: int
    rows: int
    series: NDArray[np.float64]
    panel: NDArray[np.float64]
    faults: NDArray[np.int64]
    statistics: Mapping[str, NDArray[np.float32]]


@dataclass(slots=True)
class _Pool:
    """All rows of one segment, and how many rows its windows usually have."""

    profile: Profile
    reservoir: Reservoir | None
    usual: float = 0.0

    @property
    def sample(self) -> Sample:
        """Some of the rows; none of a segment that is not the whole stream."""
        kept = self.reservoir
        return Sample.empty(self.profile.frame) if kept is None else kept.sample()


class _Learner:
    """Collects one segment's windows and calibrates on them."""

    def __init__(self, spec: ModelSpec, pool: _Pool, truths: Truths | None) -> None:
        self.windows: list[_Window] = []
        self._spec = spec
        self._labelled = None if truths is None else LabelledHistory(spec, truths)
        self._profile = pool.profile
        self._sample = pool.sample if truths is None else truths.sample
        self._bank = SeriesBank.fit(pool.profile.frame, pool.profile, pool.usual)
        self._whole = pool.reservoir is not None
        self._traits = Traits.of(pool.profile.frame, self._sample)
        self._recent = RecentRows()
        self._volumes: dict[int, int] = {}
        matched = spec.renewal.season and pool.reservoir is not None
        self._phases = PhaseLearner() if matched else None
        self._battery = Battery.fit(pool.profile)
        scorers = () if pool.reservoir is None else spec.scorers
        self._scorers, self._panel = fit_panel(scorers, self._profile, self._sample)

    def see(
        self, mid: int, window: Window, span: tuple[int, int] | None, *, ordered: bool = True
    ) -> None:
        """Score a window that has enough rows to be judged.

        `span` is its time, if it is a whole window of time; rows that were dealt are not `ordered`.
        """
        profile = window.profile
        if span is not None:
            self._volumes[mid] = profile.rows
        if profile.rows >= self._spec.min_records:
            series, panel = self._bank.measure(profile), self._panel.measure(window)
            faults = self._faults(mid, window, span, ordered=ordered)
            statistics = self._statistics(profile) if ordered else {}
            self.windows.append(_Window(mid, profile.rows, series, panel, faults, statistics))
            if self._labelled is not None:
                self._labelled.see(mid, window.sample)
            if self._phases is not None:
                self._phases.see(mid, profile)

    def _statistics(self, profile: Profile) -> dict[str, NDArray[np.float32]]:
        """How far this window is from the rest, by every univariate detector."""
        found = self._battery.judge_part(profile)
        return {one.detector: narrowed(one.statistic) for one in found}

    def _faults(
        self, mid: int, window: Window, span: tuple[int, int] | None, *, ordered: bool
    ) -> NDArray[np.int64]:
        """What is counted of a window's data; of a segment's, in its profile only."""
        profile, sample = window.profile, window.sample
        if not len(sample):
            return count_faults(profile)
        again = self._recent.compare(profile.row_hashes)
        self._recent.add(mid, profile.row_hashes)
        traits = self._traits.beside(sample)
        sampled = traits.count(sample, span=span, recurring=again, ordered=ordered)
        return count_faults(profile, sampled)

    def _all_windows(self) -> dict[str, NDArray[np.int64]]:
        """Middles and records of whole windows of time; of the whole stream, empty ones too.

        A longer gap than `PIECES` parts two pieces of history: nobody says that it was silent.
        """
        mid = np.array(sorted(self._volumes), dtype=np.int64)
        every = self._spec.window.every
        if every is not None and self._whole:
            gaps = zip(mid[:-1].tolist(), mid[1:].tolist(), strict=True)
            empty = [np.arange(a + every, b, every) for a, b in gaps if every < b - a <= PIECES]
            mid = np.sort(np.concatenate([mid, *empty]))
        rows = np.array([self._volumes.get(each, 0) for each in mid.tolist()], dtype=np.int64)
        return {"all_mid": mid, "all_rows": rows}

    def learned(self, *, exchangeable: bool) -> SegmentBaseline:
        """Calibrate on the windows seen."""
        mid = np.array([window.mid for window in self.windows], dtype=np.int64)
        series = np.array([window.series for window in self.windows])
        every = None if exchangeable else self._spec.window.every
        holidays = self._spec.holidays
        season = Season.choose(every and every / MICROS, len(mid), mid, holidays=holidays)
        x = season.design(mid)
        return SegmentBaseline(
            profile=self._profile,
            bank=self._bank,
            season=season,
            calibration=self._calibrated(series, x, self._bank, exchangeable=exchangeable),
            history=History(
                mid=mid,
                rows=np.array([window.rows for window in self.windows], dtype=np.int64),
                series=series,
                faults=np.array([window.faults for window in self.windows]),
                statistics=history_of([w.statistics for w in self.windows[-KEPT_STATISTICS:]]),
                **self._all_windows(),
            ),
            sample=self._sample,
            panel=self._panel_baseline(x, exchangeable=exchangeable),
            phases=None if self._phases is None or every is None else self._phases.learned(every),
            performance=None
            if self._labelled is None
            else self._labelled.learned(season, exchangeable=exchangeable),
        )

    def _calibrated(
        self,
        series: NDArray[np.float64],
        x: NDArray[np.float64],
        components: Components,
        *,
        exchangeable: bool,
    ) -> Calibration:
        """Calibrate with what is known of the windows' sizes and of gaps between them."""
        mid = np.array([window.mid for window in self.windows], dtype=np.int64)
        every = self._spec.window.every
        follows = None
        if every is not None and not exchangeable:
            follows = np.diff(mid, prepend=mid[0] - every) == every
        return calibrate(
            series,
            x,
            components,
            rows=np.array([window.rows for window in self.windows], dtype=np.float64),
            consecutive=follows,
            exchangeable=exchangeable,
        )

    def _panel_baseline(
        self, x: NDArray[np.float64], *, exchangeable: bool
    ) -> PanelBaseline | None:
        if not self._scorers:
            return None
        series = np.array([window.panel for window in self.windows])
        calibration = self._calibrated(series, x, self._panel, exchangeable=exchangeable)
        shares = tuple(scorer.share.value for scorer in self._panel.scorers)
        return PanelBaseline(self._scorers, shares, calibration, series)


def _pool(
    rows: Sequence[RecordBatch],
    spec: ModelSpec,
    framer: Framer,
    known: Segments,
    progress: Callable[[int], None],
) -> dict[str, _Pool]:
    """All rows of each segment in one profile."""
    pooled: dict[str, _Pool] = {}
    sizes: dict[str, Counter[int]] = {}
    done = 0
    for batch in rows:
        for segment, part in split(batch, known):
            if segment not in pooled:
                reservoir = framer.reservoir(FINER) if segment == WHOLE else None
                pooled[segment] = _Pool(Profile(framer.frame), reservoir)
            framer.fold(part, pooled[segment].profile, pooled[segment].reservoir)
            if spec.window.every is not None:
                indexes = (part.times // spec.window.every).tolist()
                sizes.setdefault(segment, Counter()).update(indexes)
        done += len(batch)
        progress(done)
    for name, pool in pooled.items():
        fixed = float(spec.window.records or 0)
        pool.usual = float(np.median(list(sizes[name].values()))) if name in sizes else fixed
    return pooled


def _truths(
    rows: Sequence[RecordBatch],
    spec: ModelSpec,
    frame: Frame,
    labels: Sequence[LabelBatch],
    pool: _Pool,
) -> Truths:
    """The labels, ready to join the windows of the whole stream."""
    first = min(int(batch.times.min()) for batch in rows)
    last = max(int(batch.times.max()) for batch in rows)
    rate = pool.profile.rows / (last - first + 1)
    return Truths(spec, frame, labels, pool.sample, rate)


def _dealt(
    rows: Sequence[RecordBatch],
    segment: str,
    known: Segments,
    spec: ModelSpec,
    pool: _Pool,
    framer: Framer,
    truths: Truths | None,
) -> SegmentBaseline:
    """Deal a segment's rows at random into pseudo-windows of equal size and learn from those."""
    rng, total = np.random.default_rng(_SEED), pool.profile.rows
    hands = max(MIN_WINDOWS, min(PSEUDO_WINDOWS, total // max(spec.min_records, 1)))
    sampled = pool.reservoir is not None
    dealt_to = [
        _Pool(Profile(framer.frame), framer.reservoir() if sampled else None) for _ in range(hands)
    ]
    dealt = np.arange(total) % hands
    rng.shuffle(dealt)
    done = 0
    for part in (part for batch in rows for name, part in split(batch, known) if name == segment):
        share = dealt[done : done + len(part)]
        done += len(part)
        for hand in np.unique(share).tolist():
            cards = dealt_to[hand]
            framer.fold(take(part, share == hand), cards.profile, cards.reservoir)
    learner = _Learner(replace(spec, min_records=1), replace(pool, usual=total / hands), truths)
    for cards in dealt_to:
        learner.see(0, cards, None, ordered=False)
    return learner.learned(exchangeable=True)

"""What normal looks like for one model: immutable, named by the SHA-256 of its content.

A baseline holds the frame on which profiles are measured, and for the whole stream and each
watched segment a pooled profile, the history of its windows and the calibration that was fitted
on that history. Building one from rows is `monitor.drivers.learn`; this module keeps, stores and
restores it.

File format: `DRIFTDB2`, then one zstd frame of `monitor.packing` data.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.multivariate.text import Vocabulary
from detectors.profile.frame import Frame
from detectors.profile.profile import Profile
from detectors.profile.sample import Sample
from detectors.quality.freshness import UsualGaps
from detectors.sequential.calendar import Season
from detectors.sequential.calibration import Calibration
from detectors.sequential.series import SeriesBank
from monitor.errors import InputError, StorageError
from monitor.model import WHOLE, WindowSpec
from monitor.packing import compress, decompress, pack, unpack
from monitor.performance_baseline import PerformanceBaseline
from monitor.phase_profiles import PhaseProfiles
from monitor.schema import ColumnSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FAMILY = b"DRIFTDB"
MAGIC = FAMILY + b"2"
SUFFIX = ".baseline"


class Stage(StrEnum):
    """What a baseline's history allows, in rising order."""

    COLD = "cold"
    """No windows of its own: rows were dealt at random, and rows are taken to be exchangeable."""
    LEARNING = "learning"
    """Some windows, too few to test anything on: wide settings."""
    ARMED = "armed"
    """Enough windows for a back-test, which chose the settings."""


@dataclass(frozen=True, slots=True)
class History:
    """The baseline's own windows, oldest first: R of them.

    `mid` window middles and `rows` record counts, int64 `(R,)`; `series` float64 `(R, S)` the
    scores that were calibrated on; `faults` int64 `(R, k)` what `count_faults` says of each.
    `all_mid` and `all_rows`, int64 `(V,)`, are of all whole windows of time, those too that have
    too few records to be judged, or none. `statistics` float32 `(<= R, c)` per univariate detector:
    how far each of the last windows was from all others, in the detector's order of columns; empty
    where windows are not real ones.
    """

    mid: NDArray[np.int64]
    rows: NDArray[np.int64]
    series: NDArray[np.float64]
    faults: NDArray[np.int64]
    all_mid: NDArray[np.int64]
    all_rows: NDArray[np.int64]
    statistics: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class PanelBaseline:
    """What is normal for scores of no single column.

    `scorers` says which they are, in order, and `shares` what each spends of the budget; `series`
    float64 `(R, S)` are their scores of the history's windows.
    """

    scorers: tuple[str, ...]
    shares: tuple[str, ...]
    calibration: Calibration
    series: NDArray[np.float64]

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        calibration = self.calibration.state()
        names = {"scorers": self.scorers, "shares": self.shares}
        return {**names, "calibration": calibration, "series": self.series}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> PanelBaseline:
        """Inverse of `state`."""
        calibration = Calibration.restore(state["calibration"])
        names = tuple(state["scorers"]), tuple(state["shares"])
        return cls(*names, calibration, state["series"])


@dataclass(frozen=True, slots=True)
class SegmentBaseline:
    """Normal for one segment (or the whole stream, which alone has a sample and what needs one)."""

    profile: Profile
    bank: SeriesBank
    season: Season
    calibration: Calibration
    history: History
    sample: Sample
    panel: PanelBaseline | None = None
    performance: PerformanceBaseline | None = None
    phases: PhaseProfiles | None = None

    @property
    def stage(self) -> Stage:
        """What the history allows."""
        if self.calibration.alarms >= 0:
            return Stage.ARMED
        return Stage.LEARNING if len(np.unique(self.history.mid)) > 1 else Stage.COLD

    @property
    def dimensions(self) -> dict[str, int]:
        """Length of the vectors of embedding columns, by name."""
        return {name: values.shape[1] for name, values in self.sample.vectors.items()}

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        return {
            "profile": self.profile.state(),
            "bank": self.bank.state(),
            "season": self.season.state(),
            "calibration": self.calibration.state(),
            "history": self.history.state(),
            "sample": self.sample.state(),
            "panel": self.panel and self.panel.state(),
            "phases": self.phases and self.phases.state(),
            "performance": self.performance and self.performance.state(),
        }

    @classmethod
    def restore(cls, frame: Frame, state: Mapping[str, Any]) -> SegmentBaseline:
        """Inverse of `state`."""
        return cls(
            profile=Profile.restore(frame, state["profile"]),
            bank=SeriesBank.restore(state["bank"]),
            season=Season.restore(state["season"]),
            calibration=Calibration.restore(state["calibration"]),
            history=History(**state["history"]),
            sample=Sample.restore(state["sample"]),
            panel=state["panel"] and PanelBaseline.restore(state["panel"]),
            phases=state["phases"] and PhaseProfiles.restore(frame, state["phases"]),
            performance=state["performance"] and PerformanceBaseline.restore(state["performance"]),
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """Everything the engine compares with. `start` and `end` are microseconds, `[start, end)`.

    `known` names every column that the rows had, watched or not: another one has appeared.
    `scorers` says what the panel was asked for, whether or not it found something to watch,
    `versions` of which versions of the model the rows were; `vocabularies` are those of the text
    columns that have derived ones; `season` whether windows were to be kept by phase too, which a
    short history does not allow.
    """

    model: str
    columns: tuple[ColumnSpec, ...]
    window: WindowSpec
    frame: Frame
    segments: Mapping[str, SegmentBaseline]
    start: int
    end: int
    gaps: UsualGaps
    known: tuple[str, ...]
    scorers: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    season: bool = False
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)
    id: str = ""

    @property
    def whole(self) -> SegmentBaseline:
        """Normal for the whole stream."""
        return self.segments[WHOLE]

    @property
    def rows(self) -> int:
        """Records that the baseline was made from."""
        return self.whole.profile.rows

    def without_rows(self) -> Baseline:
        """The same without its row sample, for logs whose rows must not be kept.

        Columns and data quality are watched as before. What needs rows goes with them: scores of
        several columns together, performance, and rules that look at single rows.
        """
        whole = self.whole
        bare = Sample.empty(self.frame, whole.dimensions)
        kept = replace(whole, sample=bare, panel=None, performance=None)
        return replace(self, segments={**self.segments, WHOLE: kept}).named()

    def to_bytes(self) -> bytes:
        """The file; equal content gives equal bytes."""
        return MAGIC + compress(self._content())

    def named(self) -> Baseline:
        """The same baseline with its `id` filled in."""
        return replace(self, id=hashlib.sha256(self._content()).hexdigest())

    def _content(self) -> bytes:
        return pack(
            {
                "model": self.model,
                "columns": [asdict(column) for column in self.columns],
                "window": asdict(self.window),
                "frame": self.frame.state(),
                "segments": {name: part.state() for name, part in self.segments.items()},
                "start": self.start,
                "end": self.end,
                "gaps": asdict(self.gaps),
                "known": self.known,
                "scorers": self.scorers,
                "versions": self.versions,
                "season": self.season,
                "vocabularies": {name: v.state() for name, v in self.vocabularies.items()},
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Baseline:
        """Inverse of `to_bytes`.

        Raises
        ------
        StorageError
            The bytes are not a baseline, or one of another format version.
        """
        if not data.startswith(MAGIC):
            msg = "not a driftd baseline (or one of another version): build it anew"
            raise StorageError(msg)
        content = decompress(data[len(MAGIC) :])
        state = unpack(content)
        try:
            frame = Frame.restore(state["frame"])
            baseline = cls(
                model=state["model"],
                columns=tuple(_column(column) for column in state["columns"]),
                window=WindowSpec(**state["window"]),
                frame=frame,
                segments={
                    name: SegmentBaseline.restore(frame, part)
                    for name, part in state["segments"].items()
                },
                start=state["start"],
                end=state["end"],
                gaps=UsualGaps(**state["gaps"]),
                known=tuple(state["known"]),
                scorers=tuple(state["scorers"]),
                versions=tuple(state["versions"]),
                season=state["season"],
                vocabularies={
                    name: Vocabulary.restore(v) for name, v in state["vocabularies"].items()
                },
                id=hashlib.sha256(content).hexdigest(),
            )
            _ = baseline.whole  # what has no normal for the whole stream is no baseline
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            msg = f"the baseline is damaged: {error}"
            raise StorageError(msg) from error
        return baseline


def is_baseline(path: Path) -> bool:
    """Whether the file holds a built baseline, of any version; all else is taken for rows."""
    try:
        with path.open("rb") as file:
            return file.read(len(FAMILY)) == FAMILY
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise InputError(msg) from error


def _column(state: Mapping[str, Any]) -> ColumnSpec:
    return ColumnSpec(**{**state, "range": tuple(state["range"]) if state.get("range") else None})

"""Detectors that read a model's records one by one, and what their alarms become.

Records of one journal entry have no order that means anything: they are taken by time, then by key.
An alarm waits, as the first of its kind, until the window that it falls in is judged (the next one,
if that was judged already or had too few records) and becomes a finding there. Every version of a
model has detectors of its own.

Beside the record's own columns a detector can read `error` and `label` of the sampled predictions
of a window, in order of their time, as soon as enough labels of it have come to judge it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.online.reference import Reference
from monitor.engine.columns import as_numbers
from monitor.engine.decision import Finding, rfc3339
from monitor.engine.keys import row_keys
from monitor.engine.labelled import usual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.protocols import RunningOnline
    from monitor.baseline import Baseline
    from monitor.engine.labelled import Labelled
    from monitor.engine.windows import ClosedWindow
    from monitor.model import OnlineSpec, WindowSpec
    from monitor.record import RecordBatch

ERROR: Final = "error"
LABEL: Final = "label"
OF_LABELS: Final = (ERROR, LABEL)
"""Streams that come with the labels, not with the records."""

KIND: Final = "online"


@dataclass(frozen=True, slots=True)
class Watcher:
    """One detector on one set of streams, as fitted; `key` names it in saved states."""

    spec: OnlineSpec
    key: str
    fitted: RunningOnline

    @property
    def columns(self) -> tuple[str, ...]:
        """What it reads."""
        return self.fitted.columns

    def text(self, column: int, first: int, count: int) -> str:
        """An alarm in words."""
        name = self.columns[column]
        subject = {ERROR: "errors", LABEL: "labels"}.get(name, name)
        times = "" if count == 1 else f"{count} times, first "
        promise = self.fitted.guarantee(column).text
        said = f"{subject}: {self.spec.name} alarmed {times}at the record of {rfc3339(first)}"
        return f"{said} ({promise}{self.spec.derivation})"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an alarm waits: its version, watcher and column, and the window of time it is in."""

    version: str
    watcher: int
    column: int
    bucket: int


class OnlineWatch:
    """All online detectors of one model.

    Parameters
    ----------
    references
        Baseline of every stream that some detector reads; a stream without one is not read.
    """

    def __init__(
        self,
        specs: Sequence[OnlineSpec],
        references: Mapping[str, Reference],
        window: WindowSpec,
    ) -> None:
        self._every = window.every
        self._watchers: list[Watcher] = []
        for spec in specs:
            for labels in (False, True):
                names = [n for n in spec.columns if (n in OF_LABELS) == labels and n in references]
                if names:
                    fitted = spec.detector.fit(joined([references[name] for name in names]))
                    self._watchers.append(Watcher(spec, f"{spec.key}/{','.join(names)}", fitted))
        self._running: dict[tuple[str, int], RunningOnline] = {}
        self._waiting: dict[_Place, list[int]] = {}

    def feed(self, batches: Sequence[RecordBatch]) -> None:
        """Take in the records of one journal entry."""
        if not self._watchers:
            return
        for version in sorted({batch.version for batch in batches}):
            parts = [batch for batch in batches if batch.version == version and len(batch)]
            if parts:
                self._records(version, parts)

    def hear(self, labelled: Sequence[Labelled]) -> None:
        """Take in what has become known of predictions, cohort by cohort."""
        for part in labelled:
            streams = {ERROR: part.error, LABEL: part.label}
            self._read(part.version, part.times, part.keys, streams, of_labels=True)

    def take(self, window: ClosedWindow) -> tuple[Finding, ...]:
        """Alarms up to the end of a window of the whole stream, as findings; they wait no more."""
        stream = window.stream
        due = [
            place
            for place, (first, _) in self._waiting.items()
            if not stream.segment and place.version == stream.version and first < window.end
        ]
        merged: dict[tuple[int, int], list[int]] = {}
        for place in due:
            first, count = self._waiting.pop(place)
            known = merged.setdefault((place.watcher, place.column), [first, 0])
            known[0], known[1] = min(known[0], first), known[1] + count
        return tuple(self._finding(*key, *merged[key]) for key in sorted(merged))

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        running = [
            [version, self._watchers[number].key, detector.state()]
            for (version, number), detector in sorted(self._running.items(), key=_by_name)
        ]
        waiting = [
            [place.version, self._watchers[place.watcher].key, place.column, place.bucket, *alarms]
            for place, alarms in self._waiting.items()
        ]
        return {"running": running, "waiting": waiting}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` was taken; a detector that was not there begins anew."""
        numbers = {watcher.key: number for number, watcher in enumerate(self._watchers)}
        self._running, self._waiting = {}, {}
        for version, key, saved in state["running"]:
            if key in numbers:
                self._detector(version, numbers[key]).restore(saved)
        for version, key, column, bucket, first, count in state["waiting"]:
            if key in numbers:
                self._waiting[_Place(version, numbers[key], column, bucket)] = [first, count]

    def _records(self, version: str, parts: Sequence[RecordBatch]) -> None:
        names = {name for watcher in self._watchers for name in watcher.columns}
        streams = {
            name: np.concatenate([as_numbers(p.columns.get(name), len(p))[0] for p in parts])
            for name in sorted(names.difference(OF_LABELS))
        }
        times = np.concatenate([part.times for part in parts])
        keys = np.concatenate([row_keys(part.ids) for part in parts])
        self._read(version, times, keys, streams, of_labels=False)

    def _read(
        self,
        version: str,
        times: NDArray[np.int64],
        keys: NDArray[np.uint64],
        streams: Mapping[str, NDArray[np.float64]],
        *,
        of_labels: bool,
    ) -> None:
        # Two records of one key and time are told apart by what they hold.
        order = np.lexsort((*streams.values(), keys, times))
        times = times[order]
        for number, watcher in enumerate(self._watchers):
            if (watcher.columns[0] in OF_LABELS) != of_labels:
                continue
            missing = np.full(len(times), np.nan)
            values = np.stack([streams.get(name, missing)[order] for name in watcher.columns])
            alarms = self._detector(version, number).update(values.T)
            for row, column in zip(alarms.rows.tolist(), alarms.columns.tolist(), strict=True):
                self._wait(version, number, column, int(times[row]))

    def _detector(self, version: str, number: int) -> RunningOnline:
        place = version, number
        if place not in self._running:
            self._running[place] = self._watchers[number].fitted.fresh()
        return self._running[place]

    def _wait(self, version: str, number: int, column: int, time: int) -> None:
        bucket = 0 if self._every is None else time // self._every
        alarms = self._waiting.setdefault(_Place(version, number, column, bucket), [time, 0])
        alarms[0], alarms[1] = min(alarms[0], time), alarms[1] + 1

    def _finding(self, number: int, column: int, first: int, count: int) -> Finding:
        watcher = self._watchers[number]
        name, since = watcher.columns[column], rfc3339(first)
        return Finding(
            kind=KIND,
            column="" if name in OF_LABELS else name,
            severity=watcher.spec.severity,
            measure=f"{watcher.spec.name} {name}" if name in OF_LABELS else watcher.spec.name,
            text=watcher.text(column, first, count),
            since=since,
            since_low=since,
            since_high=since,
        )


def references_of(specs: Sequence[OnlineSpec], baseline: Baseline) -> dict[str, Reference]:
    """What the baseline knows of the streams that are to be read, by name."""
    names = {name for spec in specs for name in spec.columns}
    profile = baseline.whole.profile
    known = [name for name in baseline.frame.numeric.names if name in names]
    references = {name: Reference.of_profile(profile, [name]) for name in known}
    if names.intersection(OF_LABELS):
        for name, values in usual(baseline).items():
            references[name] = Reference.of_rows([name], values[:, None])
    return references


def joined(references: Sequence[Reference]) -> Reference:
    """One reference of the columns of several."""
    return Reference(
        columns=tuple(name for part in references for name in part.columns),
        edges=tuple(edges for part in references for edges in part.edges),
        counts=tuple(counts for part in references for counts in part.counts),
        rates=tuple(rate for part in references for rate in part.rates),
    )


def _by_name(item: tuple[tuple[str, int], RunningOnline]) -> tuple[str, int]:
    return item[0]

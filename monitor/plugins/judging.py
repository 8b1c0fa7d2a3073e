"""Handing closed windows to workers, and writing what they say into the journal.

One thread per daemon. Windows wait in a short queue: a worker that is slower than the stream loses
the oldest, and says so. What was waiting when the daemon stops is not judged.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from monitor.engine.engine import control
from monitor.errors import DriftdError
from monitor.model import WHOLE
from monitor.plugins.host import Reason, WorkerError
from monitor.plugins.matrix import Encoder, in_time, to_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from detectors.profile.sample import Sample
    from monitor.baseline import Baseline
    from monitor.engine.windows import ClosedWindow
    from monitor.model import ExternalSpec
    from monitor.plugins.host import Worker

MAX_WAITING: Final = 32
LEAST_ROWS: Final = 50
TOO_SLOW: Final = "windows come faster than they are judged, and this one was left out"
NUMBERS: Final = ("statistic", "p_value", "threshold")

logger = structlog.get_logger("driftd.plugins")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A window without its profile, which is larger than its sample and not needed."""

    model: str
    specs: tuple[ExternalSpec, ...]
    baseline: Baseline
    version: str
    start: int
    end: int
    sample: Sample


class PluginThread:
    """Judges windows elsewhere until it is stopped.

    Parameters
    ----------
    workers
        By name of the plug-in.
    append
        Writes a control entry into the journal.
    """

    def __init__(self, workers: Mapping[str, Worker], append: Callable[[bytes], object]) -> None:
        self._workers = workers
        self._append = append
        self._jobs: deque[_Job] = deque()
        self._lost: deque[_Job] = deque(maxlen=MAX_WAITING)
        self._changed = threading.Condition()
        self._stopping = False
        self._busy = False
        self._encoders: dict[str, Encoder] = {}
        self._fitted: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="plugins", daemon=True)

    def start(self) -> None:
        """Begin to judge."""
        self._thread.start()

    def stop(self) -> None:
        """End the workers and the thread; what waits is left."""
        with self._changed:
            self._stopping = True
            self._jobs.clear()
            self._changed.notify_all()
        for worker in self._workers.values():
            worker.interrupt()
        if self._thread.is_alive():
            self._thread.join()
        for worker in self._workers.values():
            worker.close()

    def offer(
        self, model: str, specs: Sequence[ExternalSpec], baseline: Baseline, window: ClosedWindow
    ) -> None:
        """Let a closed window of the whole stream be judged; returns at once."""
        if not specs or window.stream.segment != WHOLE or len(window.sample) < LEAST_ROWS:
            return
        place = (window.stream.version, window.start, window.end)
        with self._changed:
            if self._stopping:
                return
            if len(self._jobs) >= MAX_WAITING:
                self._lost.append(self._jobs.popleft())
            self._jobs.append(_Job(model, tuple(specs), baseline, *place, window.sample))
            self._changed.notify_all()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing waits to be judged."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._jobs and not self._busy, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._jobs or self._stopping)
                if self._stopping:
                    return
                job, self._busy = self._jobs.popleft(), True
                lost = list(self._lost)
                self._lost.clear()
            for left in lost:
                for spec in left.specs:
                    self._tell(left, spec, {"error": TOO_SLOW})
            for spec in job.specs:
                self._judge(job, spec)

    def _judge(self, job: _Job, spec: ExternalSpec) -> None:
        try:
            said = self._answer(job, spec)
        except WorkerError as error:
            said = {"error": str(error)}
        except ImportError as error:
            said = {"error": f"driftd lacks a package: {error}"}
        except Exception as error:  # noqa: BLE001 - a plug-in must not end what watches it
            said = {"error": f"{type(error).__name__}: {error}"}
        if not self._stopping:
            self._tell(job, spec, said)

    def _tell(self, job: _Job, spec: ExternalSpec, said: dict[str, Any]) -> None:
        """Write an answer into the journal."""
        if "error" in said:
            logger.warning("plugin_failed", detector=spec.name, model=job.model, **said)
        place = {"model": job.model, "version": job.version, "detector": spec.name}
        times = {"start": job.start, "end": job.end}
        try:
            self._append(control("external", **place, **times, severity=spec.severity, **said))
        except DriftdError as error:
            logger.warning("plugin_answer_lost", detector=spec.name, error=str(error))

    def _answer(self, job: _Job, spec: ExternalSpec) -> dict[str, Any]:
        worker = self._workers.get(spec.order.plugin)
        if worker is None:
            text = f"the plug-in {spec.order.plugin} is not configured"
            raise WorkerError(Reason.START, text)
        key = f"{job.model}/{job.baseline.id}/{spec.key}"
        worker.ready()
        encoder = self._encoder(key, job.baseline, spec)
        if self._fitted.get(key) != worker.generation:
            self._fit(worker, key, job.baseline, spec, encoder)
        rows = in_time(job.sample, spec.order.rows)
        answer = worker.call({"op": "judge", "key": key}, _body(encoder, rows))
        return _said(answer, encoder, rows)

    def _encoder(self, key: str, baseline: Baseline, spec: ExternalSpec) -> Encoder:
        if key not in self._encoders:
            frame, sample = baseline.frame, baseline.whole.sample
            self._encoders[key] = Encoder(frame, sample, spec.columns)
        return self._encoders[key]

    def _fit(
        self, worker: Worker, key: str, baseline: Baseline, spec: ExternalSpec, encoder: Encoder
    ) -> None:
        rows = in_time(baseline.whole.sample, spec.order.rows)
        params, order = dict(spec.order.params), spec.order
        seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4])
        header = {"op": "fit", "key": key, "detector": order.detector, "params": params}
        worker.call({**header, "seed": seed}, _body(encoder, rows), fitting=True)
        self._fitted[key] = worker.generation


def _body(encoder: Encoder, rows: Sample) -> bytes:
    return to_arrow(encoder.names, encoder.matrix(rows))


def _said(answer: Mapping[str, Any], encoder: Encoder, rows: Sample) -> dict[str, Any]:
    """The answer as it goes into the journal: plain, finite, by column of the model."""
    row = answer.get("row")
    shares: dict[str, float] = {}
    for name, owner in zip(encoder.names, encoder.owners, strict=True):
        part = _finite((answer.get("shares") or {}).get(name))
        if part is not None:
            shares[owner] = shares.get(owner, 0.0) + part
    return {
        "alarm": bool(answer.get("alarm")),
        **{name: _finite(answer.get(name)) for name in NUMBERS},
        "time": int(rows.times[row]) if isinstance(row, int) and 0 <= row < len(rows) else None,
        "shares": shares,
    }


def _finite(value: object) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]

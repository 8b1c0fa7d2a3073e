"""From a source to the journal: read, decode, admit, and only then read on.

One thread per source. A delivery's position is committed with its records, so a pump that starts
again, after a crash or an error, goes on exactly behind what is in the journal.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.archive import positions
from monitor.errors import DriftdError, OverloadedError

if TYPE_CHECKING:
    from monitor.archive.reader import Reader
    from monitor.clock import Clock
    from monitor.decoders.base import Decoder
    from monitor.intake.intake import Intake
    from monitor.sources.base import Source

READ_BYTES = 1 << 20
IDLE_SECONDS = 0.2
ERROR_SECONDS = 5.0

logger = structlog.get_logger("driftd.source")


@dataclass(slots=True)
class PumpState:
    """How a source is doing, for status and metrics; `failing` is "" when it is well."""

    deliveries: int = 0
    failing: str = ""


class Pump:
    """Moves deliveries of one source into the journal until it is stopped."""

    def __init__(
        self,
        source: Source,
        decoder: Decoder,
        intake: Intake,
        reader: Reader,
        clock: Clock,
    ) -> None:
        self.name = source.name
        self.state = PumpState()
        self._source = source
        self._decoder = decoder
        self._intake = intake
        self._reader = reader
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source-{source.name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the delivery under way and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def run_once(self) -> bool:
        """Move one delivery; False when the source has none now."""
        delivery = self._source.read(READ_BYTES)
        if delivery is None:
            return False
        decoded = self._decoder.decode(delivery.payload, self._clock.now())
        while not self._stop.is_set():
            try:
                self._intake.submit(decoded, self.name, delivery.position).result()
            except OverloadedError as full:
                self._stop.wait(full.retry_after)
            else:
                self.state.deliveries += 1
                return True
        return False

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._open()
                while not self._stop.is_set():
                    self.state.failing = ""
                    if not self.run_once():
                        self._stop.wait(IDLE_SECONDS)
            except DriftdError as error:
                self._complain(error)
            except Exception as error:  # noqa: BLE001 - a source must not die for good
                self._complain(error)
            finally:
                self._source.close()

    def _open(self) -> None:
        self._source.open(self._reader.run(lambda link: positions.load(link, self.name)))

    def _complain(self, error: Exception) -> None:
        self.state.failing = f"{type(error).__name__}: {error}"
        logger.error("source_failed", source=self.name, error=self.state.failing)
        self._stop.wait(ERROR_SECONDS)

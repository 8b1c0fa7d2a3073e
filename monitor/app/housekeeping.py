"""What has to be done now and then, and is never a reason for a decision: retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.background import (  # type: ignore[import-untyped]
    BackgroundScheduler,
)

from monitor.archive import retention
from monitor.clock import MICROS

if TYPE_CHECKING:
    from monitor.archive.archive import Archive
    from monitor.clock import Clock

DAY_SECONDS = 86_400
SWEEP_MINUTES = 10

logger = structlog.get_logger("driftd.housekeeping")


class Housekeeping:
    """Runs the jobs on a thread of its own between `start` and `stop`."""

    def __init__(self, archive: Archive, retention_days: int, clock: Clock) -> None:
        self._archive = archive
        self._days = retention_days
        self._clock = clock
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._scheduler.add_job(
            self.sweep, "interval", minutes=SWEEP_MINUTES, max_instances=1, coalesce=True
        )

    def start(self) -> None:
        """Begin to work."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; a sweep under way finishes its unit."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def sweep(self) -> None:
        """Remove what is older than the retention, a little per transaction."""
        cutoff = self._clock.now() - self._days * DAY_SECONDS * MICROS
        removed = 0
        while True:
            step = self._archive.writer.submit(lambda link: retention.sweep(link, cutoff)).result()
            removed += step.rows
            if step.done:
                break
        if removed:
            logger.info("retention", removed=removed, days=self._days)

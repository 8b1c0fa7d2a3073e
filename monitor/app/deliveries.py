"""Counting attempts to deliver, for `driftd_deliveries_total`."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alerts.channels.base import Outcome, Reason


class DeliveryCounts:
    """Attempts of this process by (channel, outcome); see `alerts.worker.DeliveryObserver`."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def on_attempt(self, channel: str, outcome: Outcome, reason: Reason, seconds: float) -> None:
        """One attempt ended."""
        del reason, seconds
        with self._lock:
            self._counts[channel, outcome.value] += 1

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """A copy of the counts so far."""
        with self._lock:
            return Counter(self._counts)

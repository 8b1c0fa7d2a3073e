"""What the HTTP side needs from the rest of the daemon, as protocols; `monitor.app` has the rest.

Methods that are not `async` may block (database, files); they are called in worker threads, never
on the event loop. They raise the errors of `monitor.errors`; `problems` turns those into answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.clock import Clock
    from monitor.record import Receipt
    from monitor.web.views import (
        AlertSummary,
        BaselineSummary,
        DecisionSummary,
        ModelDetail,
        ModelSeries,
        ModelSummary,
        Page,
        PerformanceFigure,
        QuarantineEntry,
        Status,
        WindowSummary,
    )

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names under which a daemon on the loopback interface may be asked for."""


class Ingest(Protocol):
    """The way in."""

    @property
    def formats(self) -> frozenset[str]:
        """Media types that `submit` can decode."""
        ...

    async def submit(self, payload: bytes, content_type: str) -> Receipt:
        """Decode, filter and journal one payload; returns once it is on disk (P1).

        Raises
        ------
        OverloadedError
            A bound is reached; nothing of the payload was accepted.
        """
        ...


class Queries(Protocol):
    """Reading. Names that do not exist raise `NotFoundError`."""

    def models(self) -> Sequence[ModelSummary]:
        """All configured models, in the order of the configuration."""
        ...

    def model(self, name: str) -> ModelDetail:
        """One model."""
        ...

    def windows(
        self, model: str, *, version: str | None, segment: str, limit: int
    ) -> Sequence[WindowSummary]:
        """The last `limit` closed windows, oldest first; `version` None means every version."""
        ...

    def series(self, model: str, *, version: str | None, segment: str, limit: int) -> ModelSeries:
        """The same windows with every column's status and evidence."""
        ...

    def performance(
        self,
        model: str,
        *,
        version: str | None = None,
        segment: str | None = None,
        metric: str | None = None,
        kind: str | None = None,
        from_: int | None = None,
        to: int | None = None,
        limit: int = 1000,
    ) -> Sequence[PerformanceFigure]:
        """The newest figures of a model's performance, oldest window first; None means all."""
        ...

    def decisions(
        self,
        *,
        model: str | None,
        verdict: str | None,
        from_: int | None,
        to: int | None,
        limit: int,
        cursor: str | None,
    ) -> Page[DecisionSummary]:
        """Decisions on windows that end in `(from_, to]`, newest window first.

        Raises
        ------
        UsageError
            The cursor was not made by this method.
        """
        ...

    def decision(self, decision_id: str) -> bytes:
        """The canonical JSON, byte for byte as stored."""
        ...

    def evidence(self, decision_id: str) -> bytes:
        """Distributions and statistics per column, as JSON."""
        ...

    def alerts(self, *, state: str | None, limit: int) -> Sequence[AlertSummary]:
        """Alerts in `state` (None: all that are not resolved), most severe and newest first."""
        ...

    def baselines(self) -> Sequence[BaselineSummary]:
        """All baselines, newest first."""
        ...

    def status(self) -> Status:
        """Counters of P4, lag and bounds."""
        ...

    def quarantine(self, *, limit: int, cursor: str | None) -> Page[QuarantineEntry]:
        """Rejected lines that were kept, newest first."""
        ...


class Commands(Protocol):
    """Acting."""

    async def check(self, model: str) -> Sequence[DecisionSummary]:
        """Close and judge the open windows of `model` now; the decisions made."""
        ...

    async def reload(self) -> None:
        """Swap the configuration atomically, or raise `ConfigError` and keep the old one."""
        ...

    async def reingest(self, ids: Sequence[int]) -> Receipt:
        """Send quarantined lines through intake again; accepted ones leave the quarantine."""
        ...


class Health(Protocol):
    """How the process is."""

    def live(self) -> bool:
        """False asks for a restart."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether records can be taken now, and if not, why in a few words."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the HTTP side calls. `render_metrics` maps an Accept header to body and type."""

    ingest: Ingest
    queries: Queries
    commands: Commands
    health: Health
    render_metrics: Callable[[str], tuple[bytes, str]]
    clock: Clock


def no_tokens() -> tuple[str, ...]:
    """Answer for a daemon without a token file: nobody has to show one."""
    return ()


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Bounds and policies of the HTTP side; sizes in bytes, times in seconds.

    `tokens` is asked at every request, so a reloaded token file counts at once; an empty answer
    means that no token is needed. `allowed_hosts` are names without port that the Host header may
    hold; None allows every name (for addresses that demand a token anyway).
    """

    max_body_bytes: int = 8 * 2**20
    max_decompressed_bytes: int = 64 * 2**20
    max_inflight_bytes: int = 192 * 2**20
    body_gap_seconds: float = 10.0
    body_seconds: float = 60.0
    retry_after_seconds: float = 2.0
    query_threads: int = 4
    refresh_seconds: int = 20
    allowed_hosts: frozenset[str] | None = LOOPBACK_NAMES
    tokens: Callable[[], tuple[str, ...]] = no_tokens

"""The web side's ways in: ingest, commands, health; built over intake, journal and driver."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from monitor.app.queries import decision_summary
from monitor.archive import decisions, quarantine
from monitor.decoders.registry import MEDIA_TYPES, decoder_class
from monitor.engine.engine import control
from monitor.errors import NotFoundError, OverloadedError, TooLargeError
from monitor.record import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from monitor.archive.archive import Archive
    from monitor.clock import Clock
    from monitor.decoders.base import Decoder
    from monitor.drivers.live import LiveDriver
    from monitor.intake.intake import Intake
    from monitor.record import Limits
    from monitor.web.views import DecisionSummary

DECODE_THREADS = 2
CHECK_SECONDS = 60.0
HTTP = "http"
REINGEST = "quarantine"
NDJSON = "application/x-ndjson"


class HttpIngest:
    """Implements `monitor.web.services.Ingest`: decode in a thread, journal, answer after fsync."""

    def __init__(self, intake: Intake, limits: Limits, batch: int, clock: Clock) -> None:
        self._intake = intake
        self._limits = limits
        self._batch = batch
        self._clock = clock
        self._pool = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        self._decoders: dict[str, Decoder] = {}

    @property
    def formats(self) -> frozenset[str]:
        """See `Ingest`."""
        return frozenset(MEDIA_TYPES)

    async def submit(self, payload: bytes, content_type: str) -> Receipt:
        """See `Ingest`."""
        loop = asyncio.get_running_loop()
        future = await loop.run_in_executor(self._pool, self._admit, payload, content_type)
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """End the decoding threads."""
        self._pool.shutdown()

    def _admit(self, payload: bytes, content_type: str) -> Future[Receipt]:
        if content_type == NDJSON:
            # Counted before decoding: a body of nothing but line feeds must not become a list.
            self._bound(payload.count(b"\n"))
        decoded = self._decoder(content_type).decode(payload, self._clock.now())
        self._bound(decoded.received)
        return self._intake.submit(decoded, HTTP)

    def _decoder(self, content_type: str) -> Decoder:
        """Made when first asked for: an idle daemon does not carry the 50 MB of pyarrow."""
        made = self._decoders.get(content_type)
        if made is None:
            made = decoder_class(MEDIA_TYPES[content_type])(self._limits)
            self._decoders[content_type] = made
        return made

    def _bound(self, records: int) -> None:
        if records > self._batch:
            raise TooLargeError(f"more than {self._batch} records (or lines) in one request")


class DaemonCommands:
    """Implements `monitor.web.services.Commands`."""

    def __init__(
        self,
        archive: Archive,
        driver: LiveDriver,
        intake: Intake,
        limits: Limits,
        clock: Clock,
        reload: Callable[[], None],
    ) -> None:
        self._archive = archive
        self._driver = driver
        self._intake = intake
        self._decoder: Decoder = decoder_class("native")(limits)
        self._clock = clock
        self._reload = reload

    async def check(self, model: str) -> Sequence[DecisionSummary]:
        """See `Commands`."""
        return await asyncio.to_thread(self._check, model)

    async def reload(self) -> None:
        """See `Commands`."""
        await asyncio.to_thread(self._reload)

    async def reingest(self, ids: Sequence[int]) -> Receipt:
        """See `Commands`."""
        return await asyncio.to_thread(self._reingest, ids)

    def _check(self, model: str) -> Sequence[DecisionSummary]:
        if model not in self._driver.engine.models:
            raise NotFoundError(f"there is no model {model!r} in the configuration")
        before = self._newest_decision()
        seq = self._driver.append_control(control("check", model=model))
        if not self._driver.wait_for(seq, CHECK_SECONDS):
            raise OverloadedError("the engine is behind; the check will be made later", 5.0)
        query = decisions.Query(model=model)
        rows = self._archive.reader.run(
            lambda link: decisions.following(link, query, before, decisions.MAX_PAGE)
        )
        return [decision_summary(row) for row in rows]

    def _newest_decision(self) -> int:
        page = self._archive.reader.run(lambda link: decisions.page(link, decisions.Query(), 1))
        return page.decisions[0].seq if page.decisions else 0

    def _reingest(self, ids: Sequence[int]) -> Receipt:
        """Each line goes through intake as a delivery of its own; see `driftd quarantine`."""
        total = Receipt()
        for line_id in ids:
            total = _added(total, self._again(line_id))
        return total

    def _again(self, line_id: int) -> Receipt:
        line = self._archive.reader.run(lambda link: quarantine.get(link, line_id))
        now = self._clock.now()
        decoded = self._decoder.decode(line.payload, now)
        found = self._intake.submit(decoded, REINGEST, keep_rejected=False).result()
        if found.accepted or found.duplicate:
            self._archive.writer.submit(
                lambda link: quarantine.mark_reingested(link, line_id, now)
            ).result()
        return found


class DaemonHealth:
    """Implements `monitor.web.services.Health`."""

    def __init__(self, archive: Archive, driver: LiveDriver) -> None:
        self._archive = archive
        self._driver = driver

    def live(self) -> bool:
        """See `Health`."""
        return self._driver.alive

    def ready(self) -> tuple[bool, str]:
        """See `Health`."""
        if self._archive.writer.last_failure:
            return False, f"the archive cannot be written: {self._archive.writer.last_failure}"
        if self._driver.failing:
            return False, f"the engine stands still: {self._driver.failing}"
        return True, "ready"


def _added(a: Receipt, b: Receipt) -> Receipt:
    sums = {
        name: getattr(a, name) + getattr(b, name)
        for name in Receipt.__dataclass_fields__
        if name != "problems"
    }
    return Receipt(**sums, problems=(*a.problems, *b.problems))

"""The outbox in the archive: rows are born with their decision, attempts are their own commits.

`add` is for the unit that stores a decision (promise P5). `SqlOutbox` is what the delivery worker
holds: it reads through the reader and writes through the writer, one transaction per call.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import delete, func, insert, select, update

from alerts.store import Backlog, OutboxRow, OutboxState
from monitor.archive.tables import disabled_channels, outbox
from monitor.archive.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Row

    from alerts.store import AttemptRecord
    from monitor.archive.reader import Reader
    from monitor.archive.writer import Writer

T = TypeVar("T")

_PENDING: Final = outbox.c.state == OutboxState.PENDING.value
_DEAD: Final = outbox.c.state == OutboxState.DEAD.value


def add(connection: Connection, rows: Iterable[OutboxRow]) -> None:
    """Store new notifications in the transaction of what they tell about.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        One of them is in the outbox already.
    """
    values = [asdict(row) | {"state": row.state.value} for row in rows]
    if values:
        connection.execute(insert(outbox), values)


def dead_letters(connection: Connection, limit: int) -> tuple[OutboxRow, ...]:
    """Return dead rows, the latest attempt first; for readers without a writer."""
    newest = (outbox.c.last_attempt_at.desc(), outbox.c.id.desc(), outbox.c.channel.desc())
    statement = select(outbox).where(_DEAD).order_by(*newest).limit(limit)
    return tuple(_row(row) for row in connection.execute(statement))


class SqlOutbox:
    """`alerts.store.OutboxStore` on the archive; the contract of each method is written there.

    Methods that write return when the change is on disk.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def due(self, channel: str, now: int, limit: int) -> tuple[OutboxRow, ...]:
        """Return pending rows of `channel` whose time has come, the longest waiting first."""
        statement = (
            select(outbox)
            .where(_PENDING, outbox.c.channel == channel, outbox.c.next_attempt_at <= now)
            .order_by(outbox.c.next_attempt_at, outbox.c.created_at, outbox.c.id)
            .limit(limit)
        )
        return self._reader.run(lambda c: tuple(_row(row) for row in c.execute(statement)))

    def record_attempt(self, attempt: AttemptRecord) -> None:
        """Store what an attempt changed in its pending row."""
        statement = (
            update(outbox)
            .where(_PENDING, outbox.c.id == attempt.id, outbox.c.channel == attempt.channel)
            .values(
                attempts=attempt.attempts,
                next_attempt_at=attempt.next_attempt_at,
                state=attempt.state.value,
                last_outcome=attempt.outcome,
                last_reason=attempt.reason,
                last_attempt_at=attempt.at,
            )
        )
        self._write(lambda c: c.execute(statement).rowcount)

    def backlog(self) -> dict[str, Backlog]:
        """Return how much is pending per channel, and since when."""
        statement = (
            select(outbox.c.channel, func.count(), func.min(outbox.c.created_at))
            .where(_PENDING)
            .group_by(outbox.c.channel)
            .order_by(outbox.c.channel)
        )
        rows = self._reader.run(lambda c: c.execute(statement).all())
        return {channel: Backlog(pending, oldest) for channel, pending, oldest in rows}

    def dead_letters(self, limit: int) -> tuple[OutboxRow, ...]:
        """Return dead rows, the latest first."""
        return self._reader.run(lambda c: dead_letters(c, limit))

    def replay(self, message_id: str, channel: str, now: int) -> bool:
        """Make a dead row pending again, due at `now`."""
        statement = (
            update(outbox)
            .where(_DEAD, outbox.c.id == message_id, outbox.c.channel == channel)
            .values(state=OutboxState.PENDING.value, attempts=0, next_attempt_at=now)
        )
        return self._write(lambda c: c.execute(statement).rowcount) == 1

    def disable(self, channel: str, target: str, at: int) -> None:
        """Remember that the receiver at `target` is gone; the first time stays."""
        row = {"channel": channel, "target": target, "disabled_at": at}
        self._write(lambda c: upsert(c, disabled_channels, [row], keys=("channel", "target")))

    def is_disabled(self, channel: str, target: str) -> bool:
        """Say whether `disable` was called for this target and not taken back."""
        statement = select(disabled_channels.c.disabled_at).where(
            disabled_channels.c.channel == channel, disabled_channels.c.target == target
        )
        return self._reader.run(lambda c: c.execute(statement).first() is not None)

    def enable(self, channel: str) -> None:
        """Forget that any target of `channel` was gone."""
        statement = delete(disabled_channels).where(disabled_channels.c.channel == channel)
        self._write(lambda c: c.execute(statement).rowcount)

    def _write(self, unit: Callable[[Connection], T]) -> T:
        return self._writer.submit(unit).result()


def _row(row: Row[Any]) -> OutboxRow:
    values = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)
    return OutboxRow(**values | {"state": OutboxState(row.state)})

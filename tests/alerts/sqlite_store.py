"""An outbox store of its own on SQLite, to test the worker without the archive."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from alerts.store import AttemptRecord, Backlog, OutboxRow, OutboxState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAMES = ", ".join(field.name for field in fields(OutboxRow))
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS outbox ({NAMES}, PRIMARY KEY (id, channel));
CREATE TABLE IF NOT EXISTS disabled (channel, target, at, PRIMARY KEY (channel, target));
"""


class SqliteStore:
    """`alerts.store.OutboxStore` on one connection; a file survives `close`."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def add(self, rows: Iterable[OutboxRow]) -> None:
        """Insert as the archive does with a decision."""
        for row in rows:
            marks = ", ".join("?" * len(fields(OutboxRow)))
            self._run(f"INSERT INTO outbox VALUES ({marks})", *astuple(row))  # noqa: S608

    def rows(self) -> dict[tuple[str, str], OutboxRow]:
        """Return everything, by key."""
        return {(row.id, row.channel): row for row in self._select("ORDER BY id, channel")}

    def due(self, channel: str, now: int, limit: int) -> list[OutboxRow]:
        return self._select(
            "WHERE state = 'pending' AND channel = ? AND next_attempt_at <= ? "
            "ORDER BY next_attempt_at, created_at, id LIMIT ?",
            *(channel, now, limit),
        )

    def record_attempt(self, attempt: AttemptRecord) -> None:
        self._run(
            "UPDATE outbox SET attempts = ?, last_attempt_at = ?, last_outcome = ?, "
            "last_reason = ?, state = ?, next_attempt_at = ? "
            "WHERE id = ? AND channel = ? AND state = 'pending'",
            *(attempt.attempts, attempt.at, attempt.outcome, attempt.reason),
            *(attempt.state, attempt.next_attempt_at, attempt.id, attempt.channel),
        )

    def backlog(self) -> dict[str, Backlog]:
        found = self._run(
            "SELECT channel, count(*), min(created_at) FROM outbox "
            "WHERE state = 'pending' GROUP BY channel"
        )
        return {channel: Backlog(count, oldest) for channel, count, oldest in found}

    def dead_letters(self, limit: int) -> list[OutboxRow]:
        return self._select(
            "WHERE state = 'dead' ORDER BY last_attempt_at DESC, id DESC, channel DESC LIMIT ?",
            limit,
        )

    def replay(self, message_id: str, channel: str, now: int) -> bool:
        found = self._run(
            "UPDATE outbox SET state = 'pending', attempts = 0, next_attempt_at = ? "
            "WHERE state = 'dead' AND id = ? AND channel = ? RETURNING id",
            *(now, message_id, channel),
        )
        return bool(found)

    def disable(self, channel: str, target: str, at: int) -> None:
        self._run("INSERT OR IGNORE INTO disabled VALUES (?, ?, ?)", channel, target, at)

    def is_disabled(self, channel: str, target: str) -> bool:
        sql = "SELECT 1 FROM disabled WHERE channel = ? AND target = ?"
        return bool(self._run(sql, channel, target))

    def enable(self, channel: str) -> None:
        self._run("DELETE FROM disabled WHERE channel = ?", channel)

    def _select(self, tail: str, *values: Any) -> list[OutboxRow]:
        found = self._run(f"SELECT {NAMES} FROM outbox {tail}", *values)  # noqa: S608
        made = (dict(zip(NAMES.split(", "), row, strict=True)) for row in found)
        return [OutboxRow(**values | {"state": OutboxState(values["state"])}) for values in made]

    def _run(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

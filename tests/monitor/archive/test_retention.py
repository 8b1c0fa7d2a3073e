"""Retention removes what is old, in small steps, and nothing that is still needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import text

from alerts.store import OutboxRow, OutboxState
from monitor.archive import engine_state, journal, outbox_sql, quarantine, retention
from monitor.archive.engine_state import EngineState
from monitor.archive.journal import Entry
from monitor.archive.quarantine import QuarantineBounds
from monitor.record import Problem, Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from monitor.archive.archive import Archive

Write: TypeAlias = "Callable[[Any], Any]"


def _append(write: Write, times: list[int], size: int = 1) -> None:
    for at in times:
        entry = Entry("records", b"x" * size, 1, 0, at, b"12345678")
        write(lambda c, e=entry: journal.append(c, e))


def _fold(write: Write, cursor: int) -> None:
    write(lambda c: engine_state.save(c, EngineState(cursor, b"", 0)))


def _snapshot(write: Write, seq: int, at: int) -> None:
    write(lambda c: engine_state.keep_snapshot(c, EngineState(seq, b"", at), 100))


def _seqs(archive: Archive, table: str = "journal", key: str = "seq") -> list[int]:
    statement = text(f"SELECT {key} FROM {table} ORDER BY {key}")  # noqa: S608  (own names)
    return archive.reader.run(lambda c: list(c.execute(statement).scalars()))


def test_journal_is_never_cut_past_the_cursor(archive: Archive, write: Write) -> None:
    _append(write, [1, 2, 3, 4, 50])
    assert write(lambda c: retention.sweep(c, 10)).done
    _fold(write, 3)
    assert write(lambda c: retention.sweep(c, 10)).journal == 3
    assert _seqs(archive) == [4, 5]
    assert _seqs(archive, "journal_ids") == [4, 5]
    _fold(write, 5)
    assert write(lambda c: retention.sweep(c, 10)).journal == 1
    assert _seqs(archive) == [5]
    assert write(lambda c: retention.sweep(c, 10)).done


def test_journal_is_cut_at_a_snapshot_so_that_the_rest_replays(
    archive: Archive, write: Write
) -> None:
    _append(write, list(range(1, 11)))
    _fold(write, 10)
    _snapshot(write, 8, 80)
    assert write(lambda c: retention.sweep(c, 7)).done
    _snapshot(write, 2, 2)
    _snapshot(write, 4, 4)
    removed = write(lambda c: retention.sweep(c, 7))
    assert (removed.journal, removed.snapshots) == (4, 1)
    assert _seqs(archive) == [5, 6, 7, 8, 9, 10]
    assert _seqs(archive, "snapshots") == [4, 8]


def test_each_call_is_bounded_by_rows_and_bytes(
    archive: Archive, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_BYTES", 250)
    _append(write, [1] * 3, size=1000)
    _append(write, [1] * 5, size=100)
    _fold(write, 8)
    steps = []
    while not (removed := write(lambda c: retention.sweep(c, 10, max_rows=2))).done:
        steps.append(removed.journal)
    assert steps == [1, 1, 1, 2, 2, 1]


def test_clock_that_was_set_back_keeps_a_whole_journal(archive: Archive, write: Write) -> None:
    _append(write, [1, 50, 2])
    _fold(write, 3)
    write(lambda c: retention.sweep(c, 10))
    assert _seqs(archive) == [2, 3]


def test_old_decisions_and_lines_go(archive: Archive, write: Write) -> None:
    columns = (
        "decision_id, model, version, segment, window_start, window_end, window_index, verdict,"
        "baseline, config, records, journal_from, journal_to, made_at, body, evidence, profile"
    )
    for at in (1, 2, 50):
        values = f"'{at}', 'm', '', '', 0, 1, 0, 'stable', '', '', 1, 1, 1, {at}, '', '', ''"
        insert = text(f"INSERT INTO decisions ({columns}) VALUES ({values})")  # noqa: S608
        write(lambda c, s=insert: c.execute(s))
        problem = Problem(1, Reason.NUL, "why", b"x")
        bounds = QuarantineBounds()
        write(lambda c, p=problem, t=at, b=bounds: quarantine.add(c, "http", [p], t, b))
    removed = write(lambda c: retention.sweep(c, 10))
    assert (removed.decisions, removed.quarantine, removed.rows) == (2, 2, 4)
    assert _seqs(archive, "decisions") == [3]
    assert _seqs(archive, "quarantine", "id") == [3]
    assert archive.reader.run(quarantine.size).rows == 1


def test_pending_notifications_stay_however_old(archive: Archive, write: Write) -> None:
    rows = [OutboxRow(state.value, "ops", "s", b"", "t", 1, 0, 1, state) for state in OutboxState]
    write(lambda c: outbox_sql.add(c, rows))
    assert write(lambda c: retention.sweep(c, 10)).outbox == 2
    assert _seqs(archive, "outbox", "id") == ["pending"]


def test_resolved_alerts_go_and_open_ones_stay(archive: Archive, write: Write) -> None:
    for state in ("pending", "firing", "resolved"):
        values = f"'{state}', 'm', '', '{state}', 'drift', 'warning', '{state}', 1, 1, ''"
        columns = (
            'alert_id, model, segment, "column", kind, severity, state, opened_at, updated_at, body'
        )
        insert = text(f"INSERT INTO alerts ({columns}) VALUES ({values})")  # noqa: S608
        write(lambda c, s=insert: c.execute(s))
    assert write(lambda c: retention.sweep(c, 10)).alerts == 1
    assert _seqs(archive, "alerts", "alert_id") == ["firing", "pending"]


def test_disk_bytes_counts_file_and_log(
    archive: Archive, write: Write, url: str, tmp_path: Path
) -> None:
    _append(write, [1], size=100_000)
    lock = (tmp_path / "driftd.db.lock").stat().st_size
    expected = sum(path.stat().st_size for path in tmp_path.glob("driftd.db*")) - lock
    assert retention.disk_bytes(url) == expected > 100_000
    assert retention.disk_bytes("postgresql://db/driftd") == 0
    assert retention.disk_bytes(f"sqlite:///{tmp_path}/none.db") == 0

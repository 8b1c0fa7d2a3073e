"""The journal gives back what was appended, in order, and notices when it cannot."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from monitor.archive import journal
from monitor.archive.archive import Archive
from monitor.archive.journal import Entry, Span
from monitor.clock import ManualClock
from monitor.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _entry(payload: bytes, at: int = 0, hashes: bytes = b"") -> Entry:
    return Entry("records", payload, len(hashes) // 8, 2, at, hashes)


def _append_all(archive: Archive, entries: list[Entry]) -> list[int]:
    return archive.writer.submit(
        lambda connection: [journal.append(connection, entry) for entry in entries]
    ).result(30)


def test_entries_come_back_in_order(archive: Archive) -> None:
    sent = [_entry(b"one", 5), Entry("control", b"two", 0, 0, 6), _entry(b"", 7)]
    assert _append_all(archive, sent) == [1, 2, 3]
    got = archive.reader.run(lambda c: journal.read(c, 0, 10, 1000))
    assert [entry.seq for entry in got] == [1, 2, 3]
    assert [(e.kind, e.payload, e.records, e.labels, e.appended_at) for e in got] == [
        (e.kind, e.payload, e.records, e.labels, e.appended_at) for e in sent
    ]
    assert got[0].sha256 == hashlib.sha256(b"one").digest()


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.integers(0, 300), max_size=12),
    max_entries=st.integers(1, 5),
    max_bytes=st.integers(1, 400),
)
def test_reading_in_parts_is_reading_at_once(
    archive: Archive, sizes: list[int], max_entries: int, max_bytes: int
) -> None:
    start = archive.reader.run(journal.last_seq)
    payloads = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    _append_all(archive, [_entry(payload) for payload in payloads])
    cursor, got = start, []
    while part := archive.reader.run(
        lambda c, after=cursor: journal.read(c, after, max_entries, max_bytes)
    ):
        assert len(part) <= max_entries
        assert len(part) == 1 or sum(len(entry.payload) for entry in part) <= max_bytes
        got += [entry.payload for entry in part]
        cursor = part[-1].seq
    assert got == payloads


def test_range_includes_both_ends_and_skips_what_is_gone(archive: Archive) -> None:
    _append_all(archive, [_entry(bytes([n])) for n in range(5)])
    archive.writer.submit(lambda c: c.execute(text("DELETE FROM journal WHERE seq = 3"))).result(30)
    got = archive.reader.run(lambda c: journal.read_range(c, 2, 4))
    assert [entry.seq for entry in got] == [2, 4]
    assert archive.reader.run(lambda c: journal.read_range(c, 4, 3)) == ()


def test_numbers_never_come_back(archive: Archive) -> None:
    _append_all(archive, [_entry(b"a"), _entry(b"b")])
    archive.writer.submit(lambda c: c.execute(text("DELETE FROM journal"))).result(30)
    assert _append_all(archive, [_entry(b"c")]) == [3]


def test_failed_append_leaves_no_gap(archive: Archive) -> None:
    def unit(connection: Connection) -> None:
        journal.append(connection, _entry(b"lost"))
        raise ZeroDivisionError

    assert archive.writer.submit(unit).exception(30) is not None
    assert _append_all(archive, [_entry(b"kept")]) == [1]


def test_tail_goes_backwards_through_the_ids(archive: Archive) -> None:
    hashes = [np.arange(n, n + 3, dtype="<u8").tobytes() for n in range(10)]
    sent = [_entry(b"x", at, block) for at, block in enumerate(hashes)]
    sent.insert(4, Entry("control", b"no ids", 0, 0, 99))
    _append_all(archive, sent)

    def newest(connection: Connection, count: int) -> list[Any]:
        return list(itertools.islice(journal.tail_backwards(connection, page=3), count))

    everything = archive.reader.run(lambda c: newest(c, 100))
    assert [block.hashes for block in everything] == hashes[::-1]
    assert [block.seq for block in everything] == [11, 10, 9, 8, 7, 6, 4, 3, 2, 1]
    assert [block.appended_at for block in everything] == list(range(9, -1, -1))
    assert archive.reader.run(lambda c: newest(c, 4)) == everything[:4]


def test_empty_journal(archive: Archive) -> None:
    assert archive.reader.run(journal.last_seq) == 0
    assert archive.reader.run(lambda c: journal.read(c, 0, 10, 10)) == ()
    assert archive.reader.run(lambda c: list(journal.tail_backwards(c))) == []
    assert archive.reader.run(lambda c: journal.span_after(c, 0)) == Span(0, 0, 0, 0)


def test_span_is_the_lag_behind_a_cursor(archive: Archive) -> None:
    _append_all(archive, [_entry(b"x", 0, bytes(8 * n)) for n in (1, 2, 3)])
    assert archive.reader.run(lambda c: journal.span_after(c, 1)) == Span(2, 5, 4, 3)


def test_damage_is_noticed(archive: Archive) -> None:
    _append_all(archive, [_entry(b"honest")])
    damage = text("UPDATE journal SET payload = CAST('forged' AS BLOB)")
    archive.writer.submit(lambda c: c.execute(damage)).result(30)
    with pytest.raises(StorageError, match="journal entry 1 is damaged"):
        archive.reader.run(lambda c: journal.read(c, 0, 1, 100))


def test_survives_reopening(url: str) -> None:
    with Archive(url, ManualClock()) as archive:
        _append_all(archive, [_entry(b"a")])
    with Archive(url, ManualClock()) as archive:
        assert _append_all(archive, [_entry(b"b")]) == [2]
        got = archive.reader.run(lambda c: journal.read(c, 0, 10, 10))
    assert [entry.payload for entry in got] == [b"a", b"b"]

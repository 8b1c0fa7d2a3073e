"""The journal: every accepted record, in order, once; the engine's only input.

An entry is opaque bytes with a number. Numbers grow by one and never come back. Beside each entry
lie the 64-bit hashes of its record ids, so that the state of deduplication can be rebuilt at
start without decoding a payload.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import func, insert, select

from monitor.archive.tables import journal, journal_ids
from monitor.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

Kind: TypeAlias = Literal["records", "control"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal entry.

    Attributes
    ----------
    kind
        `records`: a block of records and labels. `control`: an instruction to the engine.
    payload
        The bytes; the journal does not look into them.
    records, labels
        How many of each the payload holds.
    appended_at
        Microseconds since the epoch.
    hashes
        Little-endian uint64 per record id, in record order; empty in entries that were read.
    seq
        1, 2, 3, ...; 0 in an entry that is not appended yet.
    sha256
        Of the payload. Computed here when not given, so on the thread that makes the entry.
    """

    kind: Kind
    payload: bytes
    records: int
    labels: int
    appended_at: int
    hashes: bytes = b""
    seq: int = 0
    sha256: bytes = b""

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(self.payload).digest())

    @property
    def size(self) -> int:
        """Bytes that appending this entry writes, for `Writer.submit`."""
        return len(self.payload) + len(self.hashes)


@dataclass(frozen=True, slots=True)
class IdBlock:
    """The id hashes of one entry: little-endian uint64 each, in record order."""

    seq: int
    appended_at: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """How much a part of the journal holds; `last` is its newest number, 0 when it is empty."""

    entries: int
    records: int
    labels: int
    last: int


def append(connection: Connection, entry: Entry) -> int:
    """Store `entry` and return its number; durable when the transaction commits."""
    values = {
        "kind": entry.kind,
        "records": entry.records,
        "labels": entry.labels,
        "appended_at": entry.appended_at,
        "sha256": entry.sha256,
        "payload": entry.payload,
    }
    statement = insert(journal).returning(journal.c.seq)
    seq: int = connection.execute(statement, values).scalar_one()
    if entry.hashes:
        ids = {"seq": seq, "appended_at": entry.appended_at, "hashes": entry.hashes}
        connection.execute(insert(journal_ids), ids)
    return seq


def read(
    connection: Connection,
    after_seq: int,
    max_entries: int,
    max_bytes: int,
    *,
    verify: bool = True,
) -> tuple[Entry, ...]:
    """Return the entries that follow number `after_seq`, in order.

    At most `max_entries` of together at most `max_bytes` of payload; but the first one always, so
    that a reader gets past an entry of any size. Empty at the end of the journal. Without `verify`
    payloads are not compared with their SHA-256: for a reader whose block format has a checksum.

    Raises
    ------
    StorageError
        A payload is not what was appended.
    """
    sizes = connection.execute(
        select(journal.c.seq, func.length(journal.c.payload))
        .where(journal.c.seq > after_seq)
        .order_by(journal.c.seq)
        .limit(max_entries)
    )
    last, total = after_seq, 0
    for seq, size in sizes:
        total += size
        if total > max_bytes and last > after_seq:
            break
        last = seq
    return read_range(connection, after_seq + 1, last, verify=verify)


def read_range(
    connection: Connection, first: int, last: int, *, verify: bool = True
) -> tuple[Entry, ...]:
    """Return the entries numbered `first` to `last`, both included, as far as they still exist.

    Raises
    ------
    StorageError
        A payload is not what was appended.
    """
    if last < first:
        return ()
    statement = select(journal).where(journal.c.seq.between(first, last)).order_by(journal.c.seq)
    return tuple(_entry(row, verify=verify) for row in connection.execute(statement))


def controls(connection: Connection, after_seq: int) -> tuple[Entry, ...]:
    """Return the control entries that follow number `after_seq`, in order."""
    statement = select(journal).where(journal.c.seq > after_seq, journal.c.kind == "control")
    rows = connection.execute(statement.order_by(journal.c.seq))
    return tuple(_entry(row, verify=True) for row in rows)


def tail_backwards(connection: Connection, page: int = 64) -> Iterator[IdBlock]:
    """Yield the id hashes of all entries, newest first; stop iterating when you have enough.

    Parameters
    ----------
    page : int
        How many blocks are in memory at once.
    """
    before = last_seq(connection) + 1
    while True:
        statement = (
            select(journal_ids)
            .where(journal_ids.c.seq < before)
            .order_by(journal_ids.c.seq.desc())
            .limit(page)
        )
        rows = connection.execute(statement).all()
        yield from (IdBlock(row.seq, row.appended_at, row.hashes) for row in rows)
        if len(rows) < page:
            return
        before = rows[-1].seq


def last_seq(connection: Connection) -> int:
    """Return the number of the newest entry that exists, 0 when there is none."""
    return connection.execute(select(func.max(journal.c.seq))).scalar_one() or 0


def span_after(connection: Connection, seq: int) -> Span:
    """Measure what follows number `seq`: the engine's lag when `seq` is its cursor."""
    statement = select(
        func.count(),
        func.coalesce(func.sum(journal.c.records), 0),
        func.coalesce(func.sum(journal.c.labels), 0),
        func.coalesce(func.max(journal.c.seq), 0),
    ).where(journal.c.seq > seq)
    entries, records, labels, last = connection.execute(statement).one()
    return Span(entries, int(records), int(labels), last)


def _entry(row: Row[Any], *, verify: bool) -> Entry:
    if verify and hashlib.sha256(row.payload).digest() != row.sha256:
        raise StorageError(
            f"journal entry {row.seq} is damaged: its content does not match its SHA-256"
        )
    return Entry(
        kind=row.kind,
        payload=row.payload,
        records=row.records,
        labels=row.labels,
        appended_at=row.appended_at,
        seq=row.seq,
        sha256=row.sha256,
    )

"""A source continues where its last committed position says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.archive import positions
from monitor.record import Position

if TYPE_CHECKING:
    from monitor.archive.archive import Archive


def _save(archive: Archive, position: Position) -> None:
    archive.writer.submit(lambda c: positions.save(c, position, 1)).result(30)


def test_unknown_source_has_none(archive: Archive) -> None:
    assert archive.reader.run(lambda c: positions.load(c, "files")) is None


def test_last_position_wins(archive: Archive) -> None:
    first = Position("files", {"path": "a\u00e9.ndjson", "offset": 10, "inode": 2**63})
    last = Position("files", {"path": "b.ndjson", "offset": 0, "seen": [1, {"x": None}]})
    other = Position("kafka", {})
    for position in (first, other, last):
        _save(archive, position)
    assert archive.reader.run(lambda c: positions.load(c, "files")) == last
    assert archive.reader.run(positions.load_all) == (last, other)


def test_forgotten_source_starts_again(archive: Archive) -> None:
    _save(archive, Position("files", {"offset": 1}))
    archive.writer.submit(lambda c: positions.forget(c, "files")).result(30)
    assert archive.reader.run(positions.load_all) == ()

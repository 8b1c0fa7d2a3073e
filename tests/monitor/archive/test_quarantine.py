"""The quarantine keeps its bounds, counts what it dropped, and loses nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from monitor.archive import quarantine
from monitor.archive.quarantine import QuarantineBounds, QuarantineSize, Rejected
from monitor.errors import NotFoundError, UsageError
from monitor.record import Problem, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.archive.archive import Archive

WIDE = QuarantineBounds()


def _problem(line: int, payload: bytes = b"{", reason: Reason = Reason.NOT_JSON) -> Problem:
    return Problem(line, reason, "why", payload, "flights")


def _lines(archive: Archive) -> list[Rejected]:
    return list(archive.reader.run(lambda c: quarantine.page(c, 1000)).lines)


def test_keeps_the_line_as_it_came(archive: Archive, write: Callable[[Any], Any]) -> None:
    payload = b'{"a": \xff\x00 NaN}'
    assert write(lambda c: quarantine.add(c, "http", [_problem(3, payload)], 50, WIDE)) == 0
    expected = Rejected(1, 50, "http", "flights", 3, "not_json", "why", None, payload)
    assert _lines(archive) == [expected]
    assert archive.reader.run(lambda c: quarantine.get(c, 1)) == expected
    assert archive.reader.run(quarantine.size) == QuarantineSize(1, len(payload) + 203, 0)


def test_text_that_no_database_takes_is_replaced(
    archive: Archive, write: Callable[[Any], Any]
) -> None:
    hostile = Problem(1, Reason.LONE_SURROGATE, "found \ud800 and \0", b"x", "m\0\udfff")
    write(lambda c: quarantine.add(c, "http", [hostile, _problem(2)], 0, WIDE))
    second, first = _lines(archive)
    assert (first.detail, first.model) == ("found ? and \ufffd", "m\ufffd?")
    assert second.line == 2


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(st.lists(st.integers(0, 1200), max_size=6), max_size=6),
    rows=st.integers(1, 8),
    size=st.integers(300, 3000),
)
def test_bounds_hold_and_the_newest_stay(
    archive: Archive,
    write: Callable[[Any], Any],
    batches: list[list[int]],
    rows: int,
    size: int,
) -> None:
    write(lambda c: c.execute(text("DELETE FROM quarantine")))
    write(lambda c: c.execute(text("DELETE FROM quarantine_size")))
    bounds = QuarantineBounds(rows, size)
    dropped, sent = 0, []
    for batch in batches:
        problems = [_problem(len(sent) + n, b"x" * length) for n, length in enumerate(batch)]
        dropped += write(lambda c, p=problems: quarantine.add(c, "http", p, 0, bounds))
        sent += problems
    kept = _lines(archive)[::-1]
    fitting = [problem for problem in sent if len(problem.payload) + 203 <= size]
    assert [line.line for line in kept] == [p.line for p in fitting][len(fitting) - len(kept) :]
    held = archive.reader.run(quarantine.size)
    assert held == QuarantineSize(len(kept), sum(len(line.payload) + 203 for line in kept), dropped)
    assert held.rows <= rows
    assert held.bytes <= size
    assert held.rows + held.dropped == len(sent)


def test_one_huge_line_does_not_displace_the_others(
    archive: Archive, write: Callable[[Any], Any]
) -> None:
    bounds = QuarantineBounds(10, 1000)
    write(lambda c: quarantine.add(c, "http", [_problem(1)], 0, bounds))
    assert write(lambda c: quarantine.add(c, "http", [_problem(2, b"x" * 2000)], 0, bounds)) == 1
    assert [line.line for line in _lines(archive)] == [1]


def test_pages(archive: Archive, write: Callable[[Any], Any]) -> None:
    problems = [_problem(n, reason=Reason.NUL if n % 2 else Reason.NOT_JSON) for n in range(7)]
    write(lambda c: quarantine.add(c, "http", problems, 0, WIDE))
    run = archive.reader.run
    first = run(lambda c: quarantine.page(c, 4))
    rest = run(lambda c: quarantine.page(c, 4, first.cursor))
    assert [line.line for line in first.lines + rest.lines] == [6, 5, 4, 3, 2, 1, 0]
    assert rest.cursor is None
    odd = run(lambda c: quarantine.page(c, 10, reason="nul_character"))
    assert [line.line for line in odd.lines] == [5, 3, 1]
    with pytest.raises(UsageError, match="limit must be"):
        run(lambda c: quarantine.page(c, 0))
    with pytest.raises(UsageError, match="gave out"):
        run(lambda c: quarantine.page(c, 1, "next"))


def test_marking_and_removing(archive: Archive, write: Callable[[Any], Any]) -> None:
    write(lambda c: quarantine.add(c, "http", [_problem(n) for n in range(3)], 0, WIDE))
    assert write(lambda c: quarantine.mark_reingested(c, 1, 99))
    assert not write(lambda c: quarantine.mark_reingested(c, 1, 100))
    assert not write(lambda c: quarantine.mark_reingested(c, 77, 100))
    assert archive.reader.run(lambda c: quarantine.get(c, 1)).reingested_at == 99
    assert write(lambda c: quarantine.remove(c, [1, 2, 77])) == 2
    assert write(lambda c: quarantine.remove(c, [])) == 0
    assert archive.reader.run(quarantine.size) == QuarantineSize(1, 204, 0)
    with pytest.raises(NotFoundError, match="no line 1 in the quarantine"):
        archive.reader.run(lambda c: quarantine.get(c, 1))

"""A decision is stored once and found by id, series, page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from monitor.archive import decisions, engine_state
from monitor.archive.decisions import DecisionRow, DuplicateDecisionError, Page, Query, Tally
from monitor.archive.engine_state import EngineState
from monitor.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.archive.archive import Archive


def _decision(number: int, **changes: Any) -> DecisionRow:
    made = DecisionRow(
        decision_id=f"{number:016x}" + "0" * 48,
        model="flights",
        version="7",
        segment="",
        window_start=number * 100,
        window_end=(number + 1) * 100,
        window_index=number,
        verdict="stable",
        baseline="b" * 64,
        config="c" * 64,
        records=1000,
        journal_from=number,
        journal_to=number + 1,
        made_at=number * 1000,
        body=b'{"n":%d}' % number,
    )
    return replace(made, **changes)


def _add(archive: Archive, *rows: DecisionRow) -> list[int]:
    def unit(connection: Connection) -> list[int]:
        return [decisions.add(connection, row, b"evidence", b"profile") for row in rows]

    return archive.writer.submit(unit).result(30)


def test_comes_back_as_it_was_stored(archive: Archive) -> None:
    row = _decision(5, segment="origin=EWR")
    assert _add(archive, row) == [1]
    got = archive.reader.run(lambda c: decisions.get(c, row.decision_id))
    assert got == replace(row, seq=1)
    assert archive.reader.run(lambda c: decisions.evidence(c, row.decision_id)) == b"evidence"
    assert archive.reader.run(lambda c: decisions.profile(c, row.decision_id)) == b"profile"


def test_second_making_undoes_its_whole_transaction(archive: Archive) -> None:
    _add(archive, _decision(1))

    def again(connection: Connection) -> None:
        engine_state.save(connection, EngineState(9, b"state", 0))
        decisions.add(connection, _decision(2), b"", b"")
        decisions.add(connection, _decision(1), b"", b"")

    with pytest.raises(DuplicateDecisionError, match="already been made") as refused:
        archive.writer.submit(again).result(30)
    assert refused.value.decision_id == _decision(1).decision_id
    assert archive.reader.run(engine_state.load) is None
    page = archive.reader.run(lambda c: decisions.page(c, Query()))
    assert [row.window_index for row in page.decisions] == [1]


def test_short_ids_find_one_or_say_why_not(archive: Archive) -> None:
    twins = [_decision(1, decision_id="abcdef01" + end * 56) for end in "0f"]
    _add(archive, *twins)
    find = archive.reader.run
    assert find(lambda c: decisions.get(c, "abcdef01f")).seq == 2
    with pytest.raises(UsageError, match="several begin like this"):
        find(lambda c: decisions.get(c, "abcdef01"))
    with pytest.raises(UsageError, match="at least 8 digits"):
        find(lambda c: decisions.get(c, "abc"))
    with pytest.raises(NotFoundError, match="no decision 0000000000"):
        find(lambda c: decisions.get(c, "0000000000"))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    verdicts=st.lists(st.sampled_from(["stable", "drift", "broken"]), max_size=15),
    limit=st.integers(1, 6),
    verdict=st.none() | st.sampled_from(["stable", "drift"]),
    intruders=st.integers(0, 3),
)
def test_pages_show_each_decision_once_whatever_is_made_meanwhile(
    archive: Archive, verdicts: list[str], limit: int, verdict: str | None, intruders: int
) -> None:
    archive.writer.submit(lambda c: c.execute(text("DELETE FROM decisions"))).result(30)
    _add(archive, *(_decision(n, verdict=v) for n, v in enumerate(verdicts)))
    query = Query(model="flights", verdict=verdict)
    seen: list[int] = []
    cursor: str | None = None
    for turn in range(100):
        page: Page = archive.reader.run(
            lambda c, at=cursor: decisions.page(c, query, limit=limit, cursor=at)
        )
        assert len(page.decisions) <= limit
        seen += [row.window_index for row in page.decisions]
        cursor = page.cursor
        if cursor is None:
            break
        if turn < intruders:
            _add(archive, _decision(1000 + turn))
    expected = [n for n, v in enumerate(verdicts) if verdict in (None, v)]
    assert seen == expected[::-1]


def test_filters_by_model_and_by_windows_that_touch(archive: Archive) -> None:
    _add(archive, *(_decision(n) for n in range(5)), _decision(9, model="prices"))
    for query, expected in [
        (Query(model="prices"), [9]),
        (Query(model="nobody"), []),
        (Query(start=200), [9, 4, 3, 2]),
        (Query(end=200), [1, 0]),
        (Query(start=150, end=250), [2, 1]),
        (Query(model="flights", start=150, end=301, verdict="stable"), [3, 2, 1]),
    ]:
        page = archive.reader.run(lambda c, q=query: decisions.page(c, q))
        assert [row.window_index for row in page.decisions] == expected
        assert page.cursor is None


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_refuses_unusable_limits(archive: Archive, limit: int) -> None:
    with pytest.raises(UsageError, match=f"between 1 and 1000, got {limit}"):
        archive.reader.run(lambda c: decisions.page(c, Query(), limit=limit))


def test_refuses_made_up_cursors(archive: Archive) -> None:
    with pytest.raises(UsageError, match="'x' is not one that driftd gave out"):
        archive.reader.run(lambda c: decisions.page(c, Query(), cursor="x"))


def test_following_walks_in_the_order_of_making(archive: Archive) -> None:
    _add(archive, *(_decision(n) for n in (3, 1, 2)))
    first = archive.reader.run(lambda c: decisions.following(c, Query(), 0, 2))
    rest = archive.reader.run(lambda c: decisions.following(c, Query(), first[-1].seq, 2))
    assert [row.window_index for row in first + rest] == [3, 1, 2]


def test_series_heads_and_tallies(archive: Archive) -> None:
    _add(
        archive,
        *(_decision(n) for n in range(4)),
        *(_decision(10 + n, segment="origin=EWR", verdict="drift") for n in range(2)),
        _decision(20, version="8"),
        _decision(30, model="prices", verdict="broken"),
    )
    run = archive.reader.run
    last = run(lambda c: decisions.latest(c, "flights", "7", "", 3))
    assert [row.window_index for row in last] == [1, 2, 3]
    assert [row.window_index for row in run(decisions.heads)] == [3, 11, 20, 30]
    assert [r.window_index for r in run(lambda c: decisions.heads(c, "prices"))] == [30]
    assert run(decisions.tallies) == (
        Tally("flights", "drift", 2),
        Tally("flights", "stable", 5),
        Tally("prices", "broken", 1),
    )


def test_lists_do_not_sort_or_scan_the_table(archive: Archive) -> None:
    plans = [
        (Query(model="m"), "SEARCH decisions USING INDEX decisions_by_model"),
        (Query(verdict="drift"), "SEARCH decisions USING INDEX decisions_by_verdict"),
        (Query(), "SCAN decisions"),
    ]
    for query, expected in plans:
        statement = decisions._filtered(query).order_by(text("seq DESC"))
        compiled = statement.compile(compile_kwargs={"literal_binds": True})
        plan = archive.reader.run(
            lambda c, sql=str(compiled): c.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all()
        )
        assert [row.detail.split(" (")[0] for row in plan] == [expected]

"""The live state is replaced, snapshots thin out but keep covering the journal."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from monitor.archive import engine_state
from monitor.archive.engine_state import EngineState

if TYPE_CHECKING:
    from monitor.archive.archive import Archive


def test_starts_with_nothing(archive: Archive) -> None:
    assert archive.reader.run(engine_state.load) is None
    assert archive.reader.run(engine_state.cursor) == 0
    assert archive.reader.run(lambda c: engine_state.nearest_snapshot(c, 10)) is None


def test_last_state_wins(archive: Archive) -> None:
    for cursor in (3, 9):
        state = EngineState(cursor, b"state %d" % cursor, cursor * 10)
        archive.writer.submit(lambda c, s=state: engine_state.save(c, s)).result(30)
    assert archive.reader.run(engine_state.load) == EngineState(9, b"state 9", 90)
    assert archive.reader.run(engine_state.cursor) == 9


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seqs=st.sets(st.integers(1, 500), min_size=1, max_size=25), most=st.integers(2, 6))
def test_snapshots_keep_both_ends_and_their_bound(
    archive: Archive, seqs: set[int], most: int
) -> None:
    archive.writer.submit(lambda c: c.execute(text("DELETE FROM snapshots"))).result(30)
    for seq in sorted(seqs):
        state = EngineState(seq, b"%d" % seq, seq)
        archive.writer.submit(lambda c, s=state: engine_state.keep_snapshot(c, s, most)).result(30)
    kept = archive.reader.run(lambda c: set(c.execute(text("SELECT seq FROM snapshots")).scalars()))
    assert len(kept) == min(most, len(seqs))
    assert {min(seqs), max(seqs)} <= kept <= seqs
    for seq in (0, 250, 1000):
        nearest = archive.reader.run(lambda c, at=seq: engine_state.nearest_snapshot(c, at))
        expected = max((k for k in kept if k <= seq), default=None)
        assert (nearest and nearest.cursor) == expected
        assert nearest is None or nearest.state == b"%d" % nearest.cursor


def test_regular_snapshots_stay_spread(archive: Archive) -> None:
    for seq in range(1, 101):
        state = EngineState(seq, b"", seq)
        archive.writer.submit(lambda c, s=state: engine_state.keep_snapshot(c, s, 11)).result(30)
    kept = archive.reader.run(
        lambda c: list(c.execute(text("SELECT seq FROM snapshots ORDER BY seq")).scalars())
    )
    gaps = [after - before for before, after in pairwise(kept)]
    # 10 gaps over 99 entries: even would be 10, and an entry is at most twice that from its start.
    assert max(gaps) <= 20

"""Windows close on event time, lose no row, and do not care how a batch was cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.profile.fitting import fit_frame
from monitor.engine.columns import Framer
from monitor.engine.cutting import windows_for
from monitor.engine.time_windows import GAP_LIMIT
from monitor.engine.windows import ClosedWindow, Stream, Windows
from monitor.model import WindowSpec
from monitor.packing import pack, unpack
from monitor.record import Numbers, RecordBatch, Texts

HOUR = 3_600_000_000
FRAME = fit_frame({"x": np.arange(100.0)}, {"city": {"rome": 2, "oslo": 1}}, (), {})
KNOWN = (("city", ("rome",)),)


def hours(every: float = 1.0, lateness: float = 0.0) -> Windows:
    spec = WindowSpec(every=int(every * HOUR), lateness=int(lateness * HOUR))
    return windows_for(spec, Framer(FRAME), ())


def batch(times: list[float], version: str = "1", cities: list[int] | None = None) -> RecordBatch:
    n = len(times)
    columns = {"x": Numbers(np.arange(n, dtype=np.float64))}
    if cities is not None:
        columns["city"] = Texts(np.array(cities, dtype=np.int32), ("rome", "oslo"))
    micros = (np.array(times) * HOUR).astype(np.int64)
    return RecordBatch("m", version, tuple(f"{version}-{i}" for i in range(n)), micros, columns)


def feed(windows: Windows, times: list[float], seq: int = 1) -> list[ClosedWindow]:
    return list(windows.feed([batch(times)], seq))


def test_a_window_closes_when_a_later_event_passes_its_end() -> None:
    windows = hours()
    assert feed(windows, [0.1, 0.9]) == []
    (closed,) = feed(windows, [1.0])
    assert (closed.index, closed.start, closed.end) == (0, 0, HOUR)
    assert closed.profile.rows == 2


def test_lateness_keeps_it_open() -> None:
    windows = hours(lateness=0.5)
    assert feed(windows, [0.1, 1.4]) == []
    assert feed(windows, [0.2]) == []
    (closed,) = feed(windows, [1.5])
    assert closed.profile.rows == 2
    assert windows.late == 0


def test_late_rows_are_counted_and_reopen_nothing() -> None:
    windows = hours()
    feed(windows, [0.1, 2.0])
    assert feed(windows, [0.5, 1.5, 2.5]) == []
    assert windows.late == 2


def test_the_order_inside_one_entry_does_not_matter() -> None:
    forward = feed(hours(), [0.1, 0.2, 1.1, 2.1])
    backward = feed(hours(), [2.1, 1.1, 0.2, 0.1])
    assert [(w.index, w.profile.rows) for w in forward] == [(0, 2), (1, 1)]
    assert [(w.index, w.profile.rows) for w in backward] == [(0, 2), (1, 1)]


def test_an_empty_window_is_of_the_newest_records_version_whatever_the_order() -> None:
    for order in (1, -1):
        windows = hours()
        both = [batch([0.2, 0.9], version="1"), batch([0.5], version="2")]
        list(windows.feed(both[::order], 1))
        closed = list(windows.advance(2 * HOUR))
        assert [window.stream.version for window in closed] == ["1", "2", "1"]


def test_a_gap_gives_a_few_empty_windows_and_no_flood() -> None:
    windows = hours()
    feed(windows, [0.5])
    closed = feed(windows, [1000.5])
    assert [w.profile.rows for w in closed] == [1, *[0] * GAP_LIMIT]
    closed = feed(windows, [1001.5])
    assert [w.profile.rows for w in closed] == [1]
    assert closed[-1].index == 1000


def test_an_idle_stream_is_closed_by_advance_with_its_empty_windows() -> None:
    windows = hours()
    feed(windows, [0.5])
    assert [w.index for w in windows.advance(HOUR)] == [0]
    assert [(w.index, w.profile.rows) for w in windows.advance(3 * HOUR)] == [(1, 0), (2, 0)]
    feed(windows, [1.5])
    assert windows.late == 1


def test_versions_and_segments_have_windows_of_their_own() -> None:
    windows = windows_for(WindowSpec(every=HOUR), Framer(FRAME), KNOWN)
    old, new = batch([0.1, 0.2, 0.3], "1", [0, 1, 0]), batch([0.4], "2", [1])
    closed = list(windows.feed([old, new, batch([1.1], "2")], 1))
    found = {w.stream: w.profile.rows for w in closed}
    assert found == {Stream("1", ""): 3, Stream("1", "city=rome"): 2, Stream("2", ""): 1}


def test_count_windows_cut_after_n_rows_of_a_stream() -> None:
    windows = windows_for(WindowSpec(records=3), Framer(FRAME), ())
    closed = list(windows.feed([batch([0.1] * 7)], 1)) + list(windows.feed([batch([5.0] * 2)], 2))
    assert [(w.index, w.profile.rows, w.first, w.last) for w in closed] == [
        (0, 3, 1, 1),
        (1, 3, 1, 1),
        (2, 3, 1, 2),
    ]
    assert closed[2].start == HOUR // 10
    assert closed[2].end == 5 * HOUR + 1


@pytest.mark.parametrize(
    "spec", [WindowSpec(every=HOUR, lateness=HOUR // 2), WindowSpec(records=4)]
)
@settings(max_examples=40, deadline=None)
@given(
    entries=st.lists(
        st.lists(st.floats(0, 12, allow_nan=False), min_size=1, max_size=6), max_size=12
    ),
    cut=st.integers(0, 12),
)
def test_a_restart_continues_identically_and_no_row_is_lost(
    spec: WindowSpec, entries: list[list[float]], cut: int
) -> None:
    def run(restart_at: int | None) -> tuple[list[tuple[object, ...]], int]:
        windows = windows_for(spec, Framer(FRAME), ())
        closed: list[ClosedWindow] = []
        for seq, times in enumerate(entries):
            if seq == restart_at:
                state = unpack(pack(windows.state()))
                windows = windows_for(spec, Framer(FRAME), ())
                windows.restore(state)
            closed += windows.feed([batch(times)], seq)
        closed += windows.flush()
        return [(w.index, w.start, w.end, pack(w.profile.state())) for w in closed], sum(
            w.profile.rows for w in closed
        ) + windows.late

    straight, total = run(None)
    assert run(cut)[0] == straight
    assert total == sum(map(len, entries))


def test_open_rows_count_the_newest_window_of_all_records() -> None:
    windows = windows_for(WindowSpec(every=HOUR, lateness=HOUR), Framer(FRAME), KNOWN)
    assert windows.open_rows() == 0
    list(windows.feed([batch([0.1, 0.2, 1.1], "1", [0, 1, 0]), batch([1.2], "2", [0])], 1))
    assert windows.open_rows() == 2

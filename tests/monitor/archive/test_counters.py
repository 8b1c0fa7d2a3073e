"""Counts add up, whatever the units they came in."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from monitor.archive import counters
from monitor.archive.archive import Archive
from monitor.archive.counters import Count
from monitor.clock import ManualClock

COUNTS = st.builds(
    Count,
    model=st.sampled_from(["flights", "prices"]),
    source=st.sampled_from(["http", "files:0"]),
    outcome=st.sampled_from(["received", "accepted", "rejected"]),
    count=st.integers(0, 2**40),
    reason=st.sampled_from(["", "not_json"]),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(units=st.lists(st.lists(COUNTS, max_size=6), max_size=6))
def test_totals_are_the_sum_of_all_units(archive: Archive, units: list[list[Count]]) -> None:
    archive.writer.submit(lambda c: c.execute(text("DELETE FROM intake_counts"))).result(30)
    futures = [archive.writer.submit(lambda c, u=unit: counters.add(c, u)) for unit in units]
    for future in futures:
        future.result(30)
    expected: Counter[tuple[str, str, str, str]] = Counter()
    for count in (count for unit in units for count in unit):
        expected[count.model, count.source, count.outcome, count.reason] += count.count
    got = archive.reader.run(counters.totals)
    assert {(c.model, c.source, c.outcome, c.reason): c.count for c in got} == +expected
    assert list(got) == sorted(got, key=lambda c: (c.model, c.source, c.outcome, c.reason))


def test_totals_survive_a_restart(url: str) -> None:
    for _ in range(3):
        with Archive(url, ManualClock()) as archive:
            one = [Count("m", "http", "accepted", 5)]
            archive.writer.submit(lambda c, o=one: counters.add(c, o)).result(30)
    with Archive(url, ManualClock()) as archive:
        assert archive.reader.run(counters.totals) == (Count("m", "http", "accepted", 15),)


def test_counts_never_fall(archive: Archive) -> None:
    falling = [Count("m", "http", "accepted", 5), Count("m", "http", "rejected", -1)]
    with pytest.raises(ValueError, match="counts only grow"):
        archive.writer.submit(lambda c: counters.add(c, falling)).result(30)
    assert archive.reader.run(counters.totals) == ()

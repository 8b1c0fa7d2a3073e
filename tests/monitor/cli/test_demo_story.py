"""Episodes and months out of decisions, as the demo tells them at its end."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.cli.demo_story import by_month, episodes, months


def finding(column: str = "a", kind: str = "drift", **more: Any) -> dict[str, Any]:
    usual = {"kind": kind, "column": column, "severity": "drift", "measure": "location"}
    return {**usual, "since": "2013-06-01", "text": f"{column} moved", **more}


def day(number: int, *findings: dict[str, Any], mean: float | None = 1.0) -> dict[str, Any]:
    column = {"mean": mean, "missing_ratio": 0.5 if number % 2 else 0.0}
    window = {"start": f"2013-06-{number:02d}T00:00:00Z", "end": f"2013-06-{number + 1:02d}T00:00Z"}
    return {
        "window": {**window, "records": 100},
        "findings": findings,
        "verdict": "drift" if findings else "stable",
        "columns": {"dep_delay": column},
    }


def told(*days: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(e.start[-2:], e.end[-2:], e.windows) for e in episodes(days)]


def test_windows_in_a_row_are_one_episode() -> None:
    assert told(day(1), day(2, finding()), day(3, finding()), day(4)) == [("02", "04", 2)]


def test_a_short_pause_is_inside_and_a_long_one_ends_it() -> None:
    assert told(day(1, finding()), day(2), day(3), day(4, finding())) == [("01", "05", 2)]
    long = told(day(1, finding()), day(2), day(3), day(4), day(5, finding()))
    assert long == [("01", "02", 1), ("05", "06", 1)]


def test_columns_kinds_and_characters_are_apart() -> None:
    three = day(1, finding(), finding("b"), finding(kind="missing"))
    other = day(2, finding(measure="scale"), finding(since="2013-06-02"))
    assert len(told(three, other)) == 5


def test_what_does_not_ring_is_no_episode() -> None:
    assert told(day(1, finding(severity="warning"))) == []
    assert told(day(1, finding(kind="schema", severity="warning"))) == [("01", "02", 1)]


def test_months_weigh_windows_by_their_records() -> None:
    (june,) = months([day(1, mean=4.0), day(2, finding(), mean=1.0), day(3, mean=None)])
    assert (june.name, june.records, june.days) == ("2013-06", 200, {"stable": 1, "drift": 1})
    assert june.mean == pytest.approx((50 * 4 + 100 * 1) / 150)
    assert june.missing == 0.25
    assert months([]) == []


def test_performance_by_month_weighs_days_by_their_labels() -> None:
    def figure(start: str, kind: str, value: float | None, labelled: int) -> dict[str, object]:
        return {
            "start": f"{start}T00:00:00Z",
            "kind": kind,
            "value": value,
            "labelled": labelled,
            "rows": 10,
        }

    figures = [
        figure("2013-01-01", "measured", 0.9, 30),
        figure("2013-01-02", "measured", 0.8, 10),
        figure("2013-01-03", "measured", None, 10),
        figure("2013-01-03", "estimated", 0.7, 0),
        figure("2013-02-01", "measured", 0.6, 5),
    ]
    assert by_month(figures) == {
        "2013-01": {"measured": pytest.approx(0.875), "estimated": pytest.approx(0.7)},
        "2013-02": {"measured": pytest.approx(0.6)},
    }

"""Performance figures replace each other, are found by metric, and are forgotten by age."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.archive import performance_sql
from monitor.archive.performance_sql import Query
from monitor.performance import ESTIMATED, MEASURED, PerformanceRow

if TYPE_CHECKING:
    from monitor.archive.archive import Archive

ROW = PerformanceRow(
    model="shop",
    version="1",
    segment="",
    window_start=100,
    window_end=200,
    window_index=1,
    metric="roc_auc",
    kind=MEASURED,
    value=0.8,
    lower=0.7,
    upper=0.9,
    rows=50,
    labelled=20,
    as_of=250,
)


def save(archive: Archive, *rows: PerformanceRow, now: int = 1_000) -> None:
    archive.writer.submit(lambda link: performance_sql.save(link, rows, now)).result(10)


def found(archive: Archive, limit: int = 100, **query: str | int) -> list[PerformanceRow]:
    asked = Query("shop", **query)  # type: ignore[arg-type]
    return archive.reader.run(lambda link: performance_sql.figures(link, asked, limit))


def later(windows: int, **changes: object) -> PerformanceRow:
    start = 100 + 100 * windows
    place = {"window_start": start, "window_end": start + 100, "window_index": 1 + windows}
    return replace(ROW, **place, **changes)  # type: ignore[arg-type]


def test_a_figure_is_restated_in_place(archive: Archive) -> None:
    save(archive, ROW)
    again = replace(ROW, value=0.81, labelled=30)
    save(archive, replace(ROW, value=0.5), again)
    assert found(archive) == [again]
    assert again.coverage == pytest.approx(0.6)


def test_figures_are_found_by_what_is_asked(archive: Archive) -> None:
    estimated = replace(ROW, kind=ESTIMATED)
    group = replace(ROW, segment="sex=F", value=None, lower=None, upper=None)
    save(archive, ROW, estimated, group, later(1), later(2), replace(ROW, model="other"))
    assert found(archive, kind=ESTIMATED) == [estimated]
    assert found(archive, segment="sex=F") == [group]
    assert found(archive, segment="", kind=MEASURED) == [ROW, later(1), later(2)]
    assert found(archive, segment="", kind=MEASURED, limit=2) == [later(1), later(2)]
    assert found(archive, start=300) == [later(2)]
    assert found(archive, end=200, kind=ESTIMATED) == [estimated]


def test_the_newest_figure_of_each_sort(archive: Archive) -> None:
    empty = later(2, value=None)
    save(archive, ROW, later(1), empty, replace(ROW, kind=ESTIMATED), later(1, version="2"))
    newest = archive.reader.run(lambda link: performance_sql.newest(link, "shop"))
    assert newest == [replace(ROW, kind=ESTIMATED), later(1, version="2")]


def test_old_figures_are_forgotten(archive: Archive) -> None:
    save(archive, ROW, now=10)
    save(archive, later(1), now=20)
    remove = lambda: archive.writer.submit(  # noqa: E731
        lambda link: performance_sql.remove(link, 20, 5)
    ).result(10)
    assert (remove(), remove()) == (1, 0)
    assert found(archive) == [later(1)]

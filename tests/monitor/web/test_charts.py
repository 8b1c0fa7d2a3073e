"""Geometry: nothing outside the picture, nothing lost, whatever the data."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webfakes import DAY, FIRST, LINE

from monitor.web.documents import ColumnEvidence
from monitor.web.pages.charts import distribution, heat, performance, scale, strip, trend
from monitor.web.views import (
    ColumnPoint,
    ColumnSeries,
    ModelSeries,
    PerformanceFigure,
    WindowSummary,
)

finite = st.floats(-1e12, 1e12)
maybe = st.none() | finite
points = st.none() | st.builds(
    ColumnPoint, st.integers(0, 4), maybe, st.none() | st.floats(0.1, 50), maybe, maybe
)


def windows(count: int, step: int = DAY) -> tuple[WindowSummary, ...]:
    starts = [FIRST + index * step for index in range(count)]
    return tuple(
        WindowSummary("m", "1", "", start, start + step, i, 10 * i, "stable", f"d{i}")
        for i, start in enumerate(starts)
    )


def numbers(path: str) -> list[float]:
    return [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", path)]


@given(finite, st.floats(1e-6, 1e12), st.integers(1, 8))
def test_round_values_lie_inside(low: float, width: float, count: int) -> None:
    high = low + width
    if high > low:
        values = scale.round_values(low, high, count)
        air = 1e-6 * (high - low) + 1e-9 * max(abs(low), abs(high))
        assert all(low - air <= value <= high + air for value in values)
        assert len(values) <= 2 * count + 2


def test_axis_labels_have_the_decimals_they_need() -> None:
    assert scale.labels([0.2, 0.25, 0.3]) == ["0.20", "0.25", "0.30"]
    assert scale.labels([0, 5, 10]) == ["0", "5", "10"]
    assert scale.labels([-120, 15]) == ["\N{MINUS SIGN}120", "15"]
    assert scale.labels([1e7, 2e7]) == ["1e7", "2e7"]
    assert scale.labels([]) == []


@given(st.lists(points, min_size=1, max_size=30))
def test_trends_stay_in_their_panel(series: list[ColumnPoint | None]) -> None:
    drawn = trend.trend(ColumnSeries("c", "", tuple(series)), windows(len(series)))
    for path in (drawn.mean, drawn.evidence, drawn.area):
        assert all(0 <= number <= trend.WIDTH for number in numbers(path))
    assert all(trend.LEFT <= dot.x <= trend.RIGHT for dot in drawn.dots)
    if drawn.alarm is not None:
        assert trend.EVIDENCE_TOP <= drawn.alarm <= trend.EVIDENCE_BOTTOM


@given(st.lists(points, min_size=1, max_size=20))
def test_a_heat_row_has_every_judged_window_once(series: list[ColumnPoint | None]) -> None:
    shown = ModelSeries(windows(len(series)), (ColumnSeries("c", "", tuple(series)),))
    (row,) = heat.heat(shown, 10).rows
    calm = sum(shade.path.count("M") for shade in row.shades)
    assert calm + len(row.marks) == sum(point is not None for point in series)
    assert len(row.values.split(" ")) == len(series)
    assert all(0 <= shade.level < heat.LEVELS for shade in row.shades)


def test_rank_now_before_ever_before_close() -> None:
    calm, ever = ColumnPoint(0, 1.0, LINE), ColumnPoint(2, 9.0, LINE)
    close = ColumnPoint(0, 4.0, LINE)
    columns = [
        ColumnSeries("calm", "", (calm, calm)),
        ColumnSeries("absent", "", (None, None)),
        ColumnSeries("close", "", (close, calm)),
        ColumnSeries("ever", "", (ever, calm)),
        ColumnSeries("now", "", (calm, ever)),
        ColumnSeries("broken", "", (calm, ColumnPoint(3))),
    ]
    names = [column.column for column in heat.rank(columns)]
    assert names == ["broken", "now", "ever", "close", "calm", "absent"]


@pytest.mark.parametrize("count", [1, 2, 17, 60, 400])
def test_a_strip_of_any_length(count: int) -> None:
    laid = strip.strip(windows(count), 600)
    assert len(laid.cells) == count
    assert laid.width == pytest.approx(count * laid.pitch, abs=0.1)
    assert max(cell.bar for cell in laid.cells) <= strip.BAR_HEIGHT
    gaps = [b.at - a.at for a, b in zip(laid.ticks, laid.ticks[1:], strict=False)]
    assert laid.ticks[0].at == 0
    assert all(gap >= strip.LABEL_WIDTH for gap in gaps)


def test_short_windows_are_labelled_by_the_hour() -> None:
    assert strip.strip(windows(3, DAY // 24), 600).ticks[0].label == "00:00"


def test_no_windows_no_strip() -> None:
    assert strip.strip((), 600).cells == ()


shares = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_histograms_stay_in_their_picture(pairs: list[tuple[float, float]]) -> None:
    before, now = map(list, zip(*pairs, strict=True))
    edges = [float(edge) for edge in range(len(pairs) + 1)]
    drawn = distribution.draw(ColumnEvidence(edges=edges, baseline=before, window=now))
    assert isinstance(drawn, distribution.Histogram)
    for path in (drawn.baseline, drawn.window, drawn.more):
        assert all(0 <= number <= distribution.WIDTH for number in numbers(path))
    assert all(distribution.LEFT <= t.at <= distribution.RIGHT for t in drawn.ticks)
    assert not drawn.uneven


def test_open_ends_shift_the_labels() -> None:
    """Three edges around four bins, the outer two open: written out or left away."""
    given_edges = ([1.0, 2.0, 3.0], [None, 1.0, 2.0, 3.0, None])
    pictures = [
        distribution.draw(ColumnEvidence(edges=list(e), baseline=[0.25] * 4, window=[0.25] * 4))
        for e in given_edges
    ]
    for picture in pictures:
        assert isinstance(picture, distribution.Histogram)
        assert [(t.at, t.label) for t in picture.ticks] == [
            (104.0, "1"), (174.0, "2"), (244.0, "3"),
        ]  # fmt: skip


def test_values_are_ranked_and_the_rare_ones_counted() -> None:
    names = [f"v{i}" for i in range(20)]
    rising = [i / 190 for i in range(20)]
    column = ColumnEvidence("categorical", values=names, baseline=rising, window=rising)
    drawn = distribution.draw(column)
    assert isinstance(drawn, distribution.Dumbbells)
    assert [value.name for value in drawn.values[:2]] == ["v19", "v18"]
    assert (len(drawn.values), drawn.hidden) == (12, 8)


@pytest.mark.parametrize(
    ("baseline", "window"), [([], []), ([0.5, 0.5], [1.0]), ([0.0], [0.0])], ids=str
)
def test_shares_that_say_nothing(baseline: list[float], window: list[float]) -> None:
    drawn = distribution.draw(ColumnEvidence(edges=[0.0, 1.0], baseline=baseline, window=window))
    assert (drawn is None) == (len(baseline) != len(window) or not baseline)


figures = st.lists(
    st.tuples(
        st.sampled_from(["roc_auc", "brier", "cost"]),
        st.sampled_from(["measured", "estimated"]),
        st.integers(0, 5),
        maybe,
        maybe,
        maybe,
    ),
    max_size=30,
    unique_by=lambda row: row[:3],
)


@given(figures)
def test_performance_stays_inside_the_picture(
    rows: list[tuple[str, str, int, float | None, float | None, float | None]],
) -> None:
    given_ = [
        PerformanceFigure(
            version="1",
            segment="",
            start=FIRST + day * DAY,
            end=FIRST + (day + 1) * DAY,
            metric=metric,
            kind=kind,
            value=value,
            lower=low,
            upper=high,
            rows=10,
            labelled=5,
            coverage=0.5,
            as_of=None,
        )
        for metric, kind, day, value, low, high in sorted(rows, key=lambda row: row[2])
    ]
    panels = performance.performance_panels(given_)
    assert {panel.metric for panel in panels} == {f.metric for f in given_ if f.value is not None}
    for panel in panels:
        for path in (panel.measured, panel.band, panel.estimated, panel.estimated_band):
            spots = numbers(path)
            assert all(performance.LEFT <= x <= performance.RIGHT for x in spots[::2])
            assert all(performance.TOP <= y <= performance.BOTTOM for y in spots[1::2])

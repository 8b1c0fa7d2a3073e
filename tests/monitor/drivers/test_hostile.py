"""Accepted input cannot stop the engine (P10): a column's failure is that column's finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor.clock import MICROS
from monitor.decoders.native import NativeLines
from monitor.record import Booleans, Limits, Mixed, Numbers, Texts
from tests.monitor.drivers.setting import (
    LIVE,
    MODEL,
    PER_WINDOW,
    Setting,
    config_text,
    learned,
    rows,
    setting,
    window,
    window_times,
)

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.record import Column

N = PER_WINDOW
INF = np.inf
BIG = 1.7976931348623157e308
FIRST = -62_135_596_800 * MICROS
LAST = 253_402_300_799 * MICROS + 999_999


def numbers(*values: float) -> Numbers:
    return Numbers(np.resize(np.array(values, dtype=np.float64), N))


def texts(*values: str) -> Texts:
    return Texts(np.resize(np.arange(len(values), dtype=np.int32), N), values)


def mixed(*values: object) -> Mixed:
    return Mixed(tuple(values[i % len(values)] for i in range(N)))


ANYTHING = mixed(1, "a", None, True, [1, 2], 2**63 - 1, -(2**63), BIG, [[1]], -0.0, "")
COLUMNS: dict[str, Column] = {
    "huge": numbers(BIG, -BIG),
    "the same huge number": numbers(BIG),
    "tiny": numbers(5e-324),
    "infinite": numbers(INF, -INF),
    "all null": numbers(np.nan),
    "text": texts("x"),
    "long text": texts("x" * 8192),
    "many long texts": texts(*(f"{i}" + "x" * 8180 for i in range(N))),
    "control characters": texts('\u2028\x7f\x1b[31m"\\</script>', "\ud7ff", "\U0010ffff"),
    "empty text": texts(""),
    "booleans": Booleans(np.ones(N, dtype=np.int8)),
    "anything": ANYTHING,
    "arrays": mixed([1.0, 2.0]),
}


@pytest.mark.parametrize("name", ["age", "country", "note"])
@pytest.mark.parametrize("column", COLUMNS.values(), ids=list(COLUMNS))
def test_a_strange_column_harms_no_other(shop: Setting, name: str, column: Column) -> None:
    for index in range(2):
        shop.append(window(index, more={name: column}))
    shop.append(window(2))
    shop.append(window(3))
    shop.step()
    whole = [body for body in shop.bodies() if not body["segment"]]
    assert [body["window"]["records"] for body in whole] == [N] * 3
    for body in whole:
        strange = {finding["column"] for finding in body["findings"]}
        assert strange <= {name}
        assert body["columns"].keys() == {"amount", "age", "country", "note"}
    shop.restarted()
    shop.append(window(4))
    shop.step()
    assert len([row for row in shop.decisions() if not row.segment]) == 4


@pytest.mark.parametrize("name", ["infinite", "all null", "long text", "booleans", "anything"])
def test_strange_segments_are_no_segments(shop: Setting, name: str) -> None:
    column = COLUMNS[name]
    for index in range(2):
        shop.append(replace(window(index), segments={"region": column, "=": column, "": column}))
    shop.append(replace(window(2), segments={"region": texts("north=", "=north", "north=a")}))
    shop.append(window(3))
    shop.step()
    assert [row.segment for row in shop.decisions()] == [""] * 3


def test_two_thousand_unknown_columns(shop: Setting) -> None:
    more: dict[str, Column] = {f"k{i}": numbers(i) for i in range(2_000)}
    shop.append(window(0, more=more))
    shop.append(window(1))
    shop.step()
    whole = shop.bodies()[0]
    assert whole["columns"].keys() == {"amount", "age", "country", "note"}
    assert len(shop.decisions()[0].body) < 50_000


@pytest.mark.parametrize("time", [FIRST, FIRST + 1, -1, 0, LAST])
@pytest.mark.parametrize("every", ["7d", "60s"])
def test_the_ends_of_time(tmp_path: Path, time: int, every: str) -> None:
    seconds = {"7d": 604_800, "60s": 60}[every]
    text = config_text(window=f"{{every: {every}, lateness: 10s}}")
    with setting(tmp_path, text, baseline=learned(every=seconds * MICROS)) as shop:
        shop.append(rows(1, [time] * 50))
        shop.append(rows(2, [LIVE] * 50))
        shop.append(rows(3, [LIVE + 2 * seconds * MICROS] * 50))
        shop.step()
        shop.driver.close_idle()
        shop.step()
        assert shop.driver.engine.cursor >= 4
        for row in shop.decisions():
            assert FIRST <= row.window_start < row.window_end <= LAST


@pytest.mark.parametrize("time", [FIRST, -1, 0, LAST])
def test_the_ends_of_time_in_windows_of_records(tmp_path: Path, time: int) -> None:
    text = config_text(window="{records: 50}")
    with setting(tmp_path, text, baseline=learned(every=None, records=50)) as shop:
        shop.append(rows(1, [time] * 50))
        shop.append(rows(2, [LIVE] * 50))
        shop.step()
        assert [row.records for row in shop.decisions() if not row.segment] == [50, 50]


def test_a_version_per_record(shop: Setting) -> None:
    times = window_times(0, 300)
    shop.append(*(rows(i, [time], version=f"v{i}") for i, time in enumerate(times)))
    shop.append(window(1, version="v0"))
    shop.append(window(2, version=""))
    shop.append(window(3, version="x" * 8192))
    shop.step()
    found = [row for row in shop.decisions() if not row.segment]
    assert sum(row.records for row in found if row.window_start == LIVE) == 300
    assert len(shop.driver.engine.state()["models"][MODEL]["windows"]["open"]) < 100


def test_a_window_per_record(shop: Setting) -> None:
    """Sparse history in one delivery: every window is decided, none twice."""
    times = [LIVE + i * 120 * MICROS for i in range(300)]
    shop.append(rows(1, times))
    shop.step()
    whole = [row for row in shop.decisions() if not row.segment]
    assert len({row.decision_id for row in shop.decisions()}) == len(shop.decisions())
    assert sum(row.records for row in whole) == 299


LINES = [
    b'{"model":"shop","id":"","features":{"amount":1e308,"age":-1e308}}',
    b'{"model":"shop","id":"1","features":{"amount":[],"age":[[1]],"country":[null]}}',
    b'{"model":"shop","id":"2","version":"","features":{"":1,"prediction":2,"score":3,"label":4}}',
    b'{"model":"shop","id":"3","segments":{"region":"a=b","=":"="},"prediction":{"a":1,"b":"c"}}',
    b'{"model":"shop","id":"4","time":"0001-01-01T00:00:00Z"}',
    b'{"model":"shop","id":"5","time":"0001-01-01T00:00:00+23:59"}',
    b'{"model":"shop","id":"6","time":"9999-12-31T23:59:59.999999-23:59"}',
    b'{"model":"shop","id":"7","version":1e400}',
    b'{"model":"shop","id":"8","features":{"amount":123456789012345678901234567890}}',
    b'{"model":"shop","id":"9","features":{"amount":null,"age":null,"country":null},"scores":{}}',
    b'{"model":"shop","id":"10","scores":{"":1,"0":-0.0}}',
    b'{"model":"shop","id":"11","version":true,"features":{"amount":true}}',
]


def test_what_the_decoder_lets_through_the_engine_takes(shop: Setting) -> None:
    decoded = NativeLines(Limits(max_future_seconds=1e12)).decode(b"\n".join(LINES), LIVE)
    assert decoded.received == len(LINES)
    assert sum(map(len, decoded.records)) >= 8
    for batch in decoded.records:
        shop.append(batch)
    shop.step()
    shop.driver.save()
    shop.restarted()
    shop.append(window(1))
    shop.step()
    assert shop.driver.engine.cursor == 1 + len(decoded.records) + 1

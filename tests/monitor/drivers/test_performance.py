"""What labels said is stored with the state that says so, and replay says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.archive import journal, performance_sql
from monitor.archive.journal import Entry
from monitor.archive.performance_sql import Query
from monitor.columnar import encode_block
from monitor.drivers.learn import build_baseline
from monitor.drivers.replay import replay
from monitor.model import ModelSpec, WindowSpec
from monitor.performance import ESTIMATED, MEASURED
from monitor.record import LabelBatch, Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec
from tests.monitor.drivers import setting
from tests.monitor.drivers.setting import EVERY, LIVE, MODEL, PER_WINDOW, START, WINDOWS, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.baseline import Baseline
    from monitor.performance import PerformanceRow

SHOWN = 6
KEPT = 99
"""Of 100 rows: a tenth of the horizon has 2,016 windows of a minute, and room for 200,000 rows."""


def predictions(index: int, start: int) -> tuple[RecordBatch, LabelBatch]:
    """One window of honest scores, and its labels, known half a window later."""
    rng = np.random.default_rng(start // EVERY + index)
    times = np.array(setting.window_times(index, start=start))
    score = np.round(rng.random(PER_WINDOW), 3)
    two = ("0", "1")
    records = RecordBatch(
        model=MODEL,
        version="1",
        ids=tuple(f"p-{start}-{index}-{i}" for i in range(PER_WINDOW)),
        times=times,
        columns={
            "score.1": Numbers(score),
            "prediction": Texts((score >= 0.5).astype(np.int32), two),
        },
    )
    truth = (rng.random(PER_WINDOW) < score).astype(np.int32)
    return records, LabelBatch(MODEL, records.ids, times + EVERY // 2, Texts(truth, two))


@pytest.fixture(scope="module")
def learned() -> Baseline:
    spec = ModelSpec(
        name=MODEL,
        columns=(ColumnSpec("score.1", "numeric"), ColumnSpec("prediction", "categorical")),
        window=WindowSpec(every=EVERY, lateness=setting.LATENESS),
        min_records=20,
        positive="1",
        task="binary",
    )
    parts = [predictions(index, START) for index in range(WINDOWS)]
    return build_baseline([r for r, _ in parts], spec, labels=[known for _, known in parts])


@pytest.fixture
def shop(tmp_path: Path, learned: Baseline) -> Iterator[Setting]:
    text = setting.config_text(segments="[]", model="    task: binary\n    positive: '1'\n")
    with setting.setting(tmp_path, text, baseline=learned) as made:
        yield made


def append(shop: Setting, records: list[RecordBatch], labels: list[LabelBatch]) -> None:
    counts = sum(map(len, records)), sum(map(len, labels))
    entry = Entry("records", encode_block(records, labels), *counts, shop.clock.now())
    shop.write(lambda link: journal.append(link, entry))
    shop.step()


def filled(shop: Setting) -> None:
    """Windows one by one, the labels of each two windows later."""
    parts = [predictions(index, LIVE) for index in range(SHOWN)]
    for index in range(SHOWN + 2):
        labels = [parts[index - 2][1]] if index >= 2 else []
        append(shop, [parts[index][0]] if index < SHOWN else [], labels)
    shop.driver.save()


def stored(shop: Setting, **wanted: Any) -> list[PerformanceRow]:
    query = Query(MODEL, **wanted)
    return shop.archive.reader.run(lambda link: performance_sql.figures(link, query, 1_000))


def test_figures_are_stored_with_the_decisions(shop: Setting) -> None:
    filled(shop)
    measured = stored(shop, kind=MEASURED, metric="roc_auc")
    assert [row.window_start for row in measured] == [LIVE + i * EVERY for i in range(SHOWN - 1)]
    assert {row.labelled for row in measured} == {KEPT}
    assert [row for row in measured if not row.lower < row.value] == []
    assert len(stored(shop, kind=ESTIMATED, metric="roc_auc")) == SHOWN - 1
    assert shop.bodies()[-1]["performance"]["measured"]["labelled"] == KEPT


def test_a_restart_in_between_states_the_same_figures(shop: Setting, tmp_path: Path) -> None:
    parts = [predictions(index, LIVE) for index in range(SHOWN)]
    for index in range(SHOWN + 2):
        labels = [parts[index - 2][1]] if index >= 2 else []
        append(shop, [parts[index][0]] if index < SHOWN else [], labels)
        shop.driver.save()
        shop.restarted()
    again = stored(shop)
    with setting.setting(
        tmp_path / "other",
        setting.config_text(segments="[]", model="    task: binary\n    positive: '1'\n"),
        baseline=shop.baseline,
    ) as other:
        filled(other)
        assert stored(other) == again


def test_replay_states_the_archives_figures(shop: Setting) -> None:
    filled(shop)
    found = replay(shop.archive.reader, shop.resolver, tuple(shop.decisions()), complete=True)
    assert found.identical
    assert found.figures > 30

    def spoil(link: Any) -> None:
        (row,) = performance_sql.figures(link, Query(MODEL, metric="roc_auc", kind=MEASURED), 1000)[
            :1
        ]
        performance_sql.save(link, [type(row)(**{**vars_of(row), "value": 0.123})], 0)

    shop.write(spoil)
    found = replay(shop.archive.reader, shop.resolver, tuple(shop.decisions()), complete=True)
    assert not found.identical
    assert found.wrong[0].startswith("measured roc_auc of shop 1")


def vars_of(row: PerformanceRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}

"""Windows go to workers, answers go into the journal."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors.external.order import Order
from monitor.clock import SystemClock
from monitor.engine.windows import ClosedWindow, Stream
from monitor.model import ExternalSpec
from monitor.plugins.host import Worker, WorkerLimits
from monitor.plugins.judging import MAX_WAITING, PluginThread
from monitor.plugins.matrix import Encoder, in_time
from tests.monitor.engine.streams import HOUR, ROWS, SPEC, START, WINDOWS, Resolver, rows
from tests.monitor.engine.streams import baseline as learn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.baseline import Baseline

pytest.importorskip("pyarrow")
PROGRAM = Path(__file__).with_name("fake_worker.py")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return learn()


def window(learned: Baseline, shift: float = 0.0, hour: int = WINDOWS) -> ClosedWindow:
    """A closed window with its sample, as the engine makes it."""
    engine = Resolver(learned, {"c1": replace(SPEC, segments=())})
    model = next(iter(engine(type("C", (), {"config": "c1"})()).values()))
    batch = rows(hour, np.random.default_rng(hour), shift=shift)
    list(model.windows.feed([batch], 1))
    closed = list(model.windows.flush())
    return next(found for found in closed if not found.stream.segment)


def spec(
    name: str = "alibi_mmd", columns: tuple[str, ...] | None = None, **params: Any
) -> ExternalSpec:
    return ExternalSpec(name, Order("alibi_detect", "echo", params, 200), columns)


class Plugins:
    """A plug-in thread over a fake worker, with the journal as a list."""

    def __init__(self) -> None:
        program = f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); "
        program += f"sys.argv = ['fake', '']; runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
        limits = WorkerLimits(request=5.0, start=20.0)
        self.worker = Worker([sys.executable, "-c", program], limits, SystemClock())
        self.journal: list[bytes] = []
        self.thread = PluginThread({"alibi_detect": self.worker}, self.journal.append)

    @property
    def said(self) -> list[dict[str, Any]]:
        assert self.thread.wait_idle(30.0)
        return [json.loads(entry) for entry in self.journal]


@pytest.fixture
def plugins() -> Iterator[Plugins]:
    made = Plugins()
    made.thread.start()
    yield made
    made.thread.stop()


def test_a_window_is_judged_and_the_answer_journalled(plugins: Plugins, learned: Baseline) -> None:
    moved = window(learned, shift=2.0)
    plugins.thread.offer("shop", [spec(columns=("price",))], learned, moved)
    (entry,) = plugins.said
    assert entry["type"] == "external"
    assert (entry["model"], entry["version"], entry["detector"]) == ("shop", "1", "alibi_mmd")
    assert (entry["start"], entry["end"]) == (moved.start, moved.end)
    assert entry["alarm"] is True
    assert 1.5 < entry["statistic"] < 2.5
    assert entry["shares"] == {"price": 1.0}
    assert moved.start <= entry["time"] < moved.end


def test_a_baseline_is_fitted_once(plugins: Plugins, learned: Baseline) -> None:
    for hour in range(3):
        quiet = window(learned, hour=WINDOWS + hour)
        plugins.thread.offer("shop", [spec()], learned, quiet)
    assert [entry["alarm"] for entry in plugins.said] == [False] * 3
    assert list(plugins.thread._fitted.values()) == [1]


def test_after_a_crash_it_is_fitted_again(plugins: Plugins, learned: Baseline) -> None:
    quiet = window(learned)
    plugins.thread.offer("shop", [spec(), spec("alibi_lsdd", die=9)], learned, quiet)
    first, second = plugins.said
    assert first["alarm"] is False
    assert second["error"].startswith("it ended by signal 9")
    plugins.worker._not_before = 0.0
    plugins.thread.offer("shop", [spec()], learned, quiet)
    assert plugins.said[-1]["alarm"] is False
    assert plugins.worker.generation == 2


def test_a_refusal_is_an_answer_too(plugins: Plugins, learned: Baseline) -> None:
    plugins.thread.offer("shop", [spec(fail="singular matrix")], learned, window(learned))
    assert plugins.said[0]["error"] == "ValueError: singular matrix"


def test_a_plug_in_that_is_not_configured_says_so(learned: Baseline) -> None:
    journal: list[bytes] = []
    thread = PluginThread({}, journal.append)
    thread.start()
    thread.offer("shop", [spec()], learned, window(learned))
    assert thread.wait_idle(30.0)
    thread.stop()
    assert json.loads(journal[0])["error"] == "the plug-in alibi_detect is not configured"


def test_stopping_ends_a_request_under_way(plugins: Plugins, learned: Baseline) -> None:
    plugins.thread.offer("shop", [spec(sleep=600)], learned, window(learned))
    plugins.thread.stop()
    assert plugins.journal == []
    plugins.thread.offer("shop", [spec()], learned, window(learned))


def test_a_slow_worker_loses_the_oldest_windows_and_says_so(learned: Baseline) -> None:
    made = Plugins()
    for hour in range(MAX_WAITING + 2):
        closed = replace(window(learned), start=hour)
        made.thread.offer("shop", [spec()], learned, closed)
    made.thread.start()
    said = made.said
    made.thread.stop()
    lost = [entry for entry in said if "error" in entry]
    assert [entry["start"] for entry in lost] == [0, 1]
    assert lost[0]["error"].startswith("windows come faster than they are judged")
    assert [entry["start"] for entry in said[2:]] == list(range(2, MAX_WAITING + 2))


def test_segments_and_small_windows_are_not_offered(learned: Baseline) -> None:
    thread = PluginThread({}, [].append)
    closed = window(learned)
    thread.offer("shop", [], learned, closed)
    thread.offer("shop", [spec()], learned, replace(closed, stream=Stream("1", "city=rome")))
    few = closed.sample.take(np.arange(10))
    thread.offer("shop", [spec()], learned, replace(closed, sample=few))
    assert not thread._jobs
    thread.stop()


def test_rows_become_numbers(learned: Baseline) -> None:
    encoder = Encoder(learned.frame, learned.whole.sample)
    assert encoder.owners == ["price", "city", "city", "city"]
    matrix = encoder.matrix(learned.whole.sample)
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()
    assert abs(float(np.median(matrix[:, 0]))) < 0.05
    assert float(matrix[:, 0].std()) == pytest.approx(1.0, abs=0.1)
    assert np.allclose(matrix[:, 1:].sum(axis=1), 0.5**0.5)
    moved = encoder.matrix(window(learned, shift=1.0).sample)
    assert float(moved[:, 0].mean()) == pytest.approx(1.0, abs=0.2)


def test_missing_and_infinite_numbers_are_tame(learned: Baseline) -> None:
    sample = learned.whole.sample.take(np.arange(4))
    odd = replace(sample, numeric=np.array([[np.nan], [np.inf], [-np.inf], [20.0]]))
    encoder = Encoder(learned.frame, learned.whole.sample, ["price"])
    assert encoder.matrix(odd)[:3, 0].tolist() == [0.0, 5.0, -5.0]


def test_rows_come_in_order_of_time(learned: Baseline) -> None:
    kept = in_time(window(learned).sample, 50)
    assert len(kept) == 50
    assert (np.diff(kept.times) >= 0).all()
    assert ROWS > 50
    assert kept.times[0] >= (START + WINDOWS) * HOUR

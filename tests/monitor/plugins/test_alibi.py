"""The real alibi-detect 0.11.4, where there is one: `make plugins`, or DRIFTD_ALIBI_PYTHON."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors import registry
from monitor.clock import SystemClock
from monitor.plugins.host import Worker, WorkerLimits
from monitor.plugins.matrix import to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PYTHON = os.environ.get("DRIFTD_ALIBI_PYTHON", "")
PROGRAM = Path(__file__).parents[3] / "monitor" / "plugins" / "worker" / "alibi.py"
NAMES = ["a", "b", "c"]
SMALL: dict[str, dict[str, Any]] = {
    "alibi_mmd": {"rows": 200},
    "alibi_lsdd": {"rows": 200, "permutations": 1_000},
    "alibi_classifier": {"rows": 400},
    "alibi_spot_the_diff": {"rows": 400},
    "alibi_mmd_online": {"run_length": 100.0, "bootstraps": 1_000, "rows": 400, "window": 10},
    "alibi_lsdd_online": {"run_length": 100.0, "bootstraps": 1_000, "rows": 400, "window": 10},
    "alibi_cvm_online": {"run_length": 100.0, "rows": 400},
    "alibi_fet_online": {"run_length": 100.0, "rows": 400},
}

pytest.importorskip("pyarrow")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="no alibi-detect: run `make plugins`"),
]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    limits = WorkerLimits(request=120.0, start=280.0, memory=4 << 30)
    made = Worker([PYTHON, "-s", "-E", str(PROGRAM)], limits, SystemClock())
    yield made
    made.close()


def rows(name: str, seed: int, shift: float = 0.0) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(400, 3))
    values[:, 1] += shift
    if name == "alibi_fet_online":
        values = (values > 0.5).astype(float)
    return values.astype(np.float32)


def ask(worker: Worker, name: str) -> Any:
    """Fit the detector; what then judges rows."""
    order = registry.load(name, [])(**SMALL[name]).fit()
    body = to_arrow(NAMES, rows(name, 1)[: order.rows])
    header = {"op": "fit", "key": name, "detector": order.detector, "params": dict(order.params)}
    worker.call({**header, "seed": 7}, body, fitting=True)
    return partial(judged, worker, name, order.rows)


def judged(worker: Worker, name: str, limit: int, values: NDArray[np.float32]) -> dict[str, Any]:
    return worker.call({"op": "judge", "key": name}, to_arrow(NAMES, values[:limit]))


def test_it_is_the_last_free_release(worker: Worker) -> None:
    worker.ready()
    assert worker.hello["name"] == "alibi-detect"
    assert worker.hello["version"] == "0.11.4"
    assert set(worker.hello["detectors"]) == set(registry.FAMILIES[registry.EXTERNAL]) == set(SMALL)


@pytest.mark.parametrize("name", [n for n in SMALL if not n.endswith("online")])
def test_a_window_is_told_from_the_baseline(worker: Worker, name: str) -> None:
    judge = ask(worker, name)
    quiet, moved = judge(rows(name, 2)), judge(rows(name, 3, shift=1.0))
    assert quiet["alarm"] is False
    assert moved["alarm"] is True
    assert moved["p_value"] < moved["threshold"] < quiet["p_value"]
    assert moved["statistic"] > quiet["statistic"]
    # Fixed seeds: the same rows have the same answer.
    assert judge(rows(name, 2)) == quiet


@pytest.mark.parametrize("name", [n for n in SMALL if n.endswith("online")])
def test_a_record_is_found_at_which_it_changed(worker: Worker, name: str) -> None:
    judge = ask(worker, name)
    found = judge(rows(name, 3, shift=2.0))
    assert found["alarm"] is True
    assert 0 <= found["row"] < 60
    assert found["statistic"] > found["threshold"]


def test_the_difference_is_spotted(worker: Worker) -> None:
    shares = ask(worker, "alibi_spot_the_diff")(rows("", 3, shift=2.0))["shares"]
    assert max(shares, key=shares.get) == "b"
    assert sum(shares.values()) == pytest.approx(1.0)

"""Windows are compared with baseline windows of their own phase, where the config asks for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor.baseline import Baseline
from monitor.drivers.learn import build_baseline
from monitor.engine.phase import DAY, HOUR
from monitor.engine.seasonal import PhaseLearner
from monitor.model import ModelSpec, RenewalSpec, WindowSpec
from monitor.record import Numbers, RecordBatch
from monitor.schema import ColumnSpec
from tests.monitor.engine import streams

if TYPE_CHECKING:
    from monitor.engine.decision import Decision

DAYS = 6
ROWS = 120
SPEC = ModelSpec(
    name="shop",
    columns=(ColumnSpec("price", "numeric"),),
    window=WindowSpec(every=HOUR),
    min_records=50,
    renewal=RenewalSpec(season=True),
)


def hour(index: int, seed: int = 0) -> RecordBatch:
    """An hour whose prices depend on the time of day."""
    rng = np.random.default_rng(index + 10_000 * seed)
    price = 20 + 10 * np.sin(2 * np.pi * (index % 24) / 24) + rng.standard_normal(ROWS)
    times = (19_800 * 24 + index) * HOUR + np.sort(rng.integers(0, HOUR, ROWS))
    ids = tuple(f"{seed}-{index}-{i}" for i in range(ROWS))
    return RecordBatch("shop", "1", ids, times, {"price": Numbers(price)})


def learned(*, season: bool) -> Baseline:
    batches = [hour(index) for index in range(24 * DAYS)]
    return build_baseline(batches, replace(SPEC, renewal=RenewalSpec(season=season)))


@pytest.fixture(scope="module")
def seasonal() -> Baseline:
    return learned(season=True)


def test_one_profile_per_hour_of_the_day(seasonal: Baseline) -> None:
    phases = seasonal.whole.phases
    assert phases is not None
    assert len(phases.profiles) == 24
    assert set(phases.windows.values()) == {DAYS}
    assert sum(profile.rows for profile in phases.profiles.values()) == seasonal.rows
    assert phases.profiles[6].mean()[0] == pytest.approx(30, abs=0.2)


def test_it_is_kept_in_the_file(seasonal: Baseline) -> None:
    again = Baseline.from_bytes(seasonal.to_bytes())
    assert again.id == seasonal.id
    assert again.whole.phases is not None
    assert again.whole.phases.windows == seasonal.whole.phases.windows  # type: ignore[union-attr]


def test_a_baseline_has_none_unless_asked() -> None:
    assert learned(season=False).whole.phases is None


def test_windows_of_one_kind_have_no_phases() -> None:
    learner = PhaseLearner()
    baseline = learned(season=False)
    for index in range(30):
        learner.see(index * HOUR, baseline.whole.profile)
    assert learner.learned(2 * DAY) is None


def test_statistics_compare_like_with_like(seasonal: Baseline) -> None:
    found = {}
    for name, baseline in (("season", seasonal), ("pooled", learned(season=False))):
        engine = streams.model_engine(SPEC, baseline, "c1")
        made: list[Decision] = []
        for index in range(24 * DAYS, 24 * DAYS + 9):
            made += engine.feed([hour(index, seed=1)], index)
        found[name] = json.loads(made[6].body)
    assert found["season"]["reference"] == f"{DAYS} baseline windows of the same hour"
    assert found["pooled"]["reference"] == ""
    assert found["season"]["verdict"] == found["pooled"]["verdict"] == "stable"
    far = found["pooled"]["columns"]["price"]["statistics"]["ks"]["statistic"]
    near = found["season"]["columns"]["price"]["statistics"]["ks"]["statistic"]
    assert far > 0.5
    assert near < 0.15
    assert found["season"]["columns"]["price"]["baseline_mean"] == pytest.approx(30, abs=0.2)

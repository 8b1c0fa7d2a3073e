"""What decisions say of single columns' statistics, and what people's own thresholds make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors.univariate.ks import KolmogorovSmirnov
from detectors.univariate.psi import PopulationStability
from detectors.univariate.wasserstein import Wasserstein
from monitor.columnar import encode_block
from monitor.drivers.signals import rings
from monitor.engine.engine import Engine
from monitor.engine.phase import ALIKE, DAY, alike
from monitor.engine.rounding import rounded
from monitor.model import DetectorSpec
from tests.monitor.engine import streams
from tests.monitor.engine.streams import HOUR, SPEC, WINDOWS, Resolver, configured, rows

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision

ASKED = (
    DetectorSpec(PopulationStability(threshold=0.3), ("price",), "drift"),
    DetectorSpec(KolmogorovSmirnov(alpha=1e-6), None, "warning"),
    DetectorSpec(Wasserstein(normed=True)),
)


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return streams.baseline()


def decisions(
    learned: Baseline, detectors: tuple[DetectorSpec, ...] | None, shift: float
) -> list[Decision]:
    """Three hours, the last two of which are closed; the last one has moved."""
    spec = replace(SPEC, detectors=detectors)
    engine = Engine(Resolver(learned, {"c1": spec}))
    engine.step(1, "control", configured(learned))
    rng = np.random.default_rng(5)
    found: list[Decision] = []
    for seq, moved in enumerate((0.0, shift, 0.0), 2):
        batch = rows(WINDOWS + seq - 2, rng, shift=moved)
        found += engine.step(seq, "records", encode_block([batch]))
    return found


def columns(decision: Decision) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(decision.body)["columns"]
    return value


def test_only_what_is_asked_for_is_measured(learned: Baseline) -> None:
    quiet = columns(decisions(learned, ASKED, 0.0)[0])
    assert quiet["price"]["statistics"].keys() == {"psi", "ks", "wasserstein"}
    assert quiet["city"]["statistics"] == {}, "psi is for the price only"
    assert quiet["price"]["statistics"]["psi"]["threshold"] == 0.3
    every = columns(decisions(learned, None, 0.0)[0])
    assert len(every["price"]["statistics"]) == 13
    assert len(every["city"]["statistics"]) == 8


def test_a_crossed_threshold_is_a_finding_outside_the_budget(learned: Baseline) -> None:
    first, second = (d for d in decisions(learned, ASKED, 1.0) if not d.window.stream.segment)
    assert not first.findings
    crossed = {f.measure: f for f in second.findings if f.kind == "threshold"}
    assert crossed.keys() == {"psi", "ks"}
    assert crossed["psi"].severity == "drift"
    assert rings(crossed["psi"])
    assert crossed["psi"].text.startswith("price: psi is ")
    assert crossed["psi"].text.endswith("over your threshold 0.3 (outside the false-alarm budget)")
    assert crossed["ks"].severity == "warning"
    assert not rings(crossed["ks"])
    assert columns(second)["price"]["status"] == 2


def test_nothing_alarms_by_itself(learned: Baseline) -> None:
    for decision in decisions(learned, None, 1.0):
        assert all(finding.kind != "threshold" for finding in decision.findings)


def test_stable_columns_of_segments_keep_their_evidence_only(learned: Baseline) -> None:
    made = decisions(learned, None, 0.0)
    found = [d for d in made if d.window.stream.segment and d.verdict != "insufficient"]
    assert found
    for decision in found:
        values = columns(decision)
        stable = [v for v in values.values() if v["status"] == 0]
        assert stable
        assert all(v["statistics"] == {} and "evidence_log10" in v for v in stable)
        told = {finding.column for finding in decision.findings}
        assert json.loads(decision.evidence)["columns"].keys() <= told


def test_windows_are_placed_among_the_baselines_own(learned: Baseline) -> None:
    first, second = (d for d in decisions(learned, None, 1.0) if not d.window.stream.segment)
    quiet, moved = (columns(d)["price"]["statistics"]["ks"]["window_p"] for d in (first, second))
    assert moved <= 1 / (1 + ALIKE)
    assert quiet > moved
    history = learned.whole.history.statistics["ks"]
    assert history.shape == (WINDOWS, 1)
    assert history.dtype == np.float32


def test_the_baseline_keeps_its_statistics(learned: Baseline) -> None:
    again = type(learned).from_bytes(learned.to_bytes())
    assert again.id == learned.id
    for name, values in learned.whole.history.statistics.items():
        assert np.array_equal(again.whole.history.statistics[name], values, equal_nan=True)


def test_alike_windows_are_near_in_the_calendar() -> None:
    hours = np.arange(28 * 24) * HOUR + HOUR // 2
    noon = 40 * 24 * HOUR + 12 * HOUR  # a Tuesday
    near = alike(noon, hours, HOUR)
    at = hours[near] // HOUR % 24
    assert ALIKE <= near.sum() < 3 * ALIKE
    assert (np.abs(at - 12) <= 1).all()
    days = np.arange(400) * DAY
    same = alike(400 * DAY, days, DAY)
    assert ALIKE <= same.sum() <= 60
    assert len(set((days[same] // DAY % 7).tolist())) == 1
    assert alike(noon, hours[:20], HOUR).all()
    assert alike(noon, hours, None).all()


def test_rounding_is_that_of_people() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=2000) * 10.0 ** rng.integers(-12, 12, 2000)
    for exact, near in zip(values.tolist(), rounded(values), strict=True):
        assert near == pytest.approx(exact, rel=5.1e-9)
        assert len(repr(abs(near)).replace(".", "").lstrip("0").split("e")[0].rstrip("0")) <= 9
    assert rounded([0.0, 0.1, 1 / 3, -2e300, 1e22])[:3] == [0.0, 0.1, 0.333333333]
    assert np.isnan(rounded([np.nan])[0])
    assert rounded(np.array([[1.0, 2.0]])) == [[1.0, 2.0]]

"""The same alarms as river, value by value, on streams as they are."""

from __future__ import annotations

import numpy as np
import pytest
from river import drift
from river.drift import binary

from detectors import registry

STREAMS = 6


def theirs(detector: object, values: list[float]) -> list[int]:
    alarms = []
    for position, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(position)
    return alarms


def ours(name: str, values: list[float], params: dict) -> list[int]:
    return registry.load(name, [])(**params).start().run(values)


def rates(seed: int) -> list[float]:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(100, 2_000, 6)
    return [
        float(value)
        for length in lengths
        for value in generator.random(length) < generator.uniform(0.02, 0.5)
    ]


def levels(seed: int, longest: int = 2_000) -> list[float]:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(100, longest, 6)
    return [
        float(value)
        for length in lengths
        for value in generator.normal(generator.normal(), generator.uniform(0.1, 1), length)
    ]


@pytest.mark.parametrize("seed", range(STREAMS))
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"delta": 0.2, "clock": 1, "max_buckets": 3, "min_window_length": 2, "grace_period": 5},
        {"delta": 1e-6, "clock": 7, "max_buckets": 2},
    ],
)
def test_adwin(seed: int, params: dict) -> None:
    for values in (rates(seed), levels(seed)):
        expected = theirs(drift.ADWIN(**params), values)
        assert ours("adwin", values, params) == expected


@pytest.mark.parametrize("seed", range(STREAMS))
@pytest.mark.parametrize(
    ("name", "kind", "params"),
    [
        ("page_hinkley", drift.PageHinkley, {}),
        ("page_hinkley", drift.PageHinkley, {"threshold": 5.0, "mode": "up"}),
        ("page_hinkley", drift.PageHinkley, {"threshold": 5.0, "mode": "down", "delta": 0.1}),
        ("ddm", binary.DDM, {}),
        ("eddm", binary.EDDM, {}),
        ("hddm_a", binary.HDDMA, {}),
        ("hddm_a", binary.HDDMA, {"two_sided_test": True}),
        ("hddm_w", binary.HDDMW, {}),
        ("hddm_w", binary.HDDMW, {"two_sided_test": True, "lambda_val": 0.1}),
    ],
)
def test_wrapped_ones(seed: int, name: str, kind: type, params: dict) -> None:
    values = rates(seed)
    expected = theirs(kind(**params), values)
    assert ours(name, values, params) == expected


@pytest.mark.parametrize("seed", range(2))
def test_kswin_with_the_same_seed(seed: int) -> None:
    values = levels(seed, 200)
    expected = theirs(drift.KSWIN(seed=5), values)
    assert expected
    assert ours("kswin", values, {"seed": 5}) == expected


def test_the_streams_do_alarm() -> None:
    for name in ("adwin", "page_hinkley", "ddm", "eddm", "hddm_a", "hddm_w"):
        assert any(ours(name, rates(seed), {}) for seed in range(STREAMS)), name


def test_adwin_knows_its_window() -> None:
    window, river = registry.load("adwin", [])().start(), drift.ADWIN()
    for value in levels(9):
        window.run([value])
        river.update(value)
        if not river.drift_detected:
            assert window.records == river.width
    assert window.total == pytest.approx(river.total)
    assert window.spread / window.records == pytest.approx(river.variance / river.width)

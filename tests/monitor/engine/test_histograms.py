"""What a page draws holds all valid values, over the cells where they are."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.inputs import Block
from detectors.profile.fitting import fit_frame
from detectors.profile.profile import Profile
from monitor.engine.histograms import BARS, distributions


def profile(frame: object, values: np.ndarray, codes: np.ndarray) -> Profile:
    made = Profile(frame)
    n = len(values)
    none = np.zeros(0, np.int64)
    hashes = np.arange(n, dtype=np.uint64)
    made.add(Block(n, [values], np.zeros(1, np.int64), [codes], [{}], none, none, hashes))
    return made


def test_integers_get_a_bar_each_and_shares_add_up() -> None:
    hours = np.tile(np.arange(5.0, 24.0), 50)
    codes = np.zeros(len(hours), np.int32)
    frame = fit_frame({"hour": hours}, {"city": {"rome": 900, "oslo": 100}}, (), {})
    shown = distributions(profile(frame, hours, codes), profile(frame, hours + 3, codes))
    edges = shown["hour"]["edges"]
    assert len(shown["hour"]["baseline"]) == len(edges) - 1 == 19
    assert edges[0] == pytest.approx(4.5, abs=0.1)
    assert sum(shown["hour"]["baseline"]) == pytest.approx(1)
    assert sum(shown["hour"]["window"]) == pytest.approx(1)
    assert shown["hour"]["window"][-1] > 3 * shown["hour"]["baseline"][-1]
    assert shown["city"]["values"] == ["rome", "oslo"]
    assert shown["city"]["window"] == [1.0, 0.0]


def test_long_tails_end_in_the_outer_bars() -> None:
    values = np.exp(np.random.default_rng(1).standard_normal(20_000) * 2)
    codes = np.zeros(len(values), np.int32)
    frame = fit_frame({"x": values}, {"c": {"a": 1}}, (), {})
    shown = distributions(profile(frame, values, codes), profile(frame, values * 1e6, codes))
    assert len(shown["x"]["baseline"]) <= BARS
    assert sum(shown["x"]["baseline"]) == pytest.approx(1)
    assert shown["x"]["window"][-1] > 0.99


def test_nothing_at_all_is_drawn_as_nothing() -> None:
    values = np.full(10, np.nan)
    codes = np.full(10, -1, np.int32)
    frame = fit_frame({"x": values}, {"c": {}}, (), {})
    shown = distributions(profile(frame, values, codes), profile(frame, values, codes))
    assert sum(shown["x"]["window"]) == 0
    assert sum(shown["c"]["window"]) == 0

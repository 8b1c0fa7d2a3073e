"""What holds for all statistics, whatever the columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import registry
from detectors.errors import InputError, ParameterError
from detectors.profile import fit_frame
from detectors.result import ColumnStatistics, GuaranteeKind, no_guarantee
from detectors.univariate.battery import Battery
from detectors.univariate.comparison import Reference
from detectors.univariate.ks import KolmogorovSmirnov
from tests.strategies import (
    block_of,
    blocks,
    categorical_profiles,
    frames,
    numeric_profiles,
    profile_of,
)

RNG_SEED = 15
NAMES = set(registry.FAMILIES[registry.UNIVARIATE])


@given(st.data())
def test_any_profiles_are_judged_without_warning(data: st.DataObject) -> None:
    frame = data.draw(frames())
    baseline, window = (profile_of(frame, data.draw(blocks(frame))) for _ in range(2))
    for result in Battery.fit(baseline).judge(window):
        assert not (result.statistic < 0).any()
        if result.p_value is not None:
            sure = result.p_value[~np.isnan(result.statistic)]
            assert ((sure >= 0) & (sure <= 1)).all()


@given(st.data())
def test_a_profile_beside_itself_shows_nothing(data: st.DataObject) -> None:
    frame = data.draw(frames())
    profile = profile_of(frame, data.draw(blocks(frame)))
    for result in Battery.fit(profile).judge(profile):
        assert np.nan_to_num(result.statistic) == pytest.approx(0, abs=1e-7)


def test_bad_columns_do_not_harm_the_others() -> None:
    good = np.random.default_rng(RNG_SEED).normal(size=500)
    bad = [np.full(250, np.nan), np.full(250, np.inf), np.full(250, 1e300), np.zeros(250)]
    alone = numeric_profiles([good[:250]], [good[250:]])
    among = numeric_profiles([good[:250], *bad], [good[250:], *bad])
    pairs = [Battery.fit(base).judge(window) for base, window in (alone, among)]
    for one, many in zip(*pairs, strict=True):
        assert one.statistic[0] == many.statistic[0]
        assert np.isnan(many.statistic[[1, 2]]).all()
        assert (many.statistic[[3, 4]] == 0).all()


def test_an_empty_window_gives_nan() -> None:
    column = np.arange(100.0)
    baseline, window = numeric_profiles([column], [column[:0]])
    for result in Battery.fit(baseline).judge(window):
        assert np.isnan(result.statistic).all()
        assert result.p_value is None or np.isnan(result.p_value).all()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_columns_are_judged_apart_and_in_order(name: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    columns = [rng.normal(size=400) * scale for scale in (1, 5, 1e6)]
    moved = [columns[0] + 0.5, columns[1], columns[2] * 2]
    detector = registry.load(name, [])()
    forward = judge_one(detector, columns, moved)
    backward = judge_one(detector, columns[::-1], moved[::-1])
    assert forward == pytest.approx(backward[::-1], rel=1e-12)


@pytest.mark.parametrize("name", sorted(NAMES - {"energy", "wasserstein"}))
def test_units_do_not_matter_except_to_distances_in_units(name: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    baseline, window = rng.normal(size=900), rng.normal(0.3, size=300)
    detector = registry.load(name, [])()
    plain = judge_one(detector, [baseline], [window])
    scaled = judge_one(detector, [baseline * 1024 - 512], [window * 1024 - 512])
    assert plain == pytest.approx(scaled, rel=1e-6)


def judge_one(detector: object, baseline: list, window: list) -> np.ndarray:
    base, current = numeric_profiles(baseline, window)
    (result,) = Battery.fit(base, [detector]).judge(current)
    return result.statistic


def test_values_outside_the_vocabulary_count_as_change() -> None:
    frame = fit_frame({}, {"c": {"a": 50, "b": 50}}, [], {})
    known = np.repeat(np.arange(2, dtype=np.int32), 50)
    new = np.where(np.arange(100) < 20, -3, known).astype(np.int32)
    base = profile_of(frame, block_of((), [known]))
    window = profile_of(frame, block_of((), [new], [{"z": 20}]))
    results = {r.detector: r for r in Battery.fit(base).judge(window)}
    assert results["total_variation"].statistic[0] == pytest.approx(0.2)
    assert results["chi2"].p_value[0] < 1e-4


def test_one_new_rare_value_is_no_evidence() -> None:
    rng = np.random.default_rng(RNG_SEED)
    codes = rng.integers(0, 3, 100_000).astype(np.int32)
    window = rng.integers(0, 3, 1000).astype(np.int32)
    window[0] = 3
    baseline, current = categorical_profiles([codes], [window])
    results = {r.detector: r for r in Battery.fit(baseline).judge(current)}
    assert results["chi2"].p_value[0] > 0.01


def test_rare_values_share_one_group() -> None:
    codes = np.repeat(np.arange(200, dtype=np.int32), np.arange(200, 0, -1))
    (baseline,) = categorical_profiles([codes])
    reference = Reference.of(baseline, max_values=50)
    assert reference.groups.shape == (1, 51)
    assert reference.groups.sum() == len(codes)


def test_guarantees_are_stated() -> None:
    column = np.arange(100.0)
    baseline, window = numeric_profiles([column], [column])
    for result in Battery.fit(baseline).judge(window):
        if result.p_value is None:
            assert result.guarantee.kind is GuaranteeKind.NONE
        else:
            assert result.guarantee.kind is GuaranteeKind.FIXED_SAMPLE
            assert result.guarantee.level == 0.05
            assert "assumes independent rows" in result.guarantee.text


@pytest.mark.parametrize("name", ["ks", "psi", "jensen_shannon", "hellinger", "chi2"])
def test_alpha_is_a_probability(name: str) -> None:
    for alpha in (0, 1, 1.5, -0.1, float("nan")):
        with pytest.raises(ParameterError, match=r"alpha must be in \(0, 1\), got"):
            registry.load(name, [])(alpha)


def test_references_are_not_mixed_up() -> None:
    column = np.arange(50.0)
    baseline, window = numeric_profiles([column], [column])
    (other,) = numeric_profiles([column * 2])
    one, two = Reference.of(baseline), Reference.of(baseline)
    with pytest.raises(InputError, match="another reference"):
        KolmogorovSmirnov().fit(one).judge(two.compare(window))
    with pytest.raises(InputError, match="another frame"):
        one.compare(other)
    with pytest.raises(ParameterError, match=r"bins must be in \[2, 100\], got 1"):
        Reference.of(baseline, bins=1)


def test_results_check_their_shapes() -> None:
    two, three = np.zeros(2), np.zeros(3)
    with pytest.raises(InputError, match=r"x: shape \(3,\), expected \(2,\)"):
        ColumnStatistics("x", ("a", "b"), two, None, None, three, "", no_guarantee())

"""What profiles count, against numpy on the values themselves."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import InputError
from detectors.inputs import MISSING, OUTSIDE, WRONG, Block
from detectors.profile import Profile, fit_frame
from detectors.profile.numeric import CHUNK
from tests.strategies import block_of, numeric_profiles, profile_of


def samples(rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [
        rng.normal(10, 3, rows),
        rng.lognormal(sigma=4, size=rows),
        rng.poisson(3, rows).astype(float),
        rng.exponential(size=rows) * 1e-6,
    ]


@pytest.mark.parametrize("rows", [7, 900, 3 * CHUNK + 11])
def test_cells_are_the_histogram_on_the_frame_s_edges(rows: int) -> None:
    columns = samples(rows)
    (profile,) = numeric_profiles(columns)
    for j, (column, edges) in enumerate(zip(columns, profile.frame.numeric.edges, strict=True)):
        bins = np.searchsorted(edges, column, side="right")
        moved = np.abs(profile.cells[j] - np.bincount(bins, minlength=len(edges) + 1)).sum()
        assert moved <= 2, "only a value within rounding of an edge may lie beside it"


def test_missing_infinite_and_out_of_range_values_are_told_apart() -> None:
    nan, inf = np.nan, np.inf
    column = np.array([nan, nan, inf, -inf, inf, -50.0, 0.0, 5.0, 99.0, 100.0])
    clean = np.arange(10.0)
    frame = fit_frame({"x": clean, "y": clean}, {}, [], {"x": (0.0, 98.0)})
    profile = profile_of(frame, block_of([column, clean], wrong=[1, 0]))
    numeric = profile.numeric
    assert profile.missing.tolist() == [1, 0]
    assert profile.wrong.tolist() == [1, 0]
    assert numeric.infinite.tolist() == [3, 0]
    assert numeric.below.tolist() == [1, 0]
    assert numeric.above.tolist() == [2, 0]
    assert numeric.minimum.tolist() == [-50, 0]
    assert numeric.maximum.tolist() == [100, 9]
    assert numeric.valid().tolist() == [5, 10]


def test_mean_and_sd_are_exact_for_integers() -> None:
    column = np.random.default_rng(6).poisson(4, 5000).astype(float)
    (profile,) = numeric_profiles([column])
    assert profile.mean()[0] == pytest.approx(column.mean(), rel=1e-14)
    assert profile.std()[0] == pytest.approx(column.std(), rel=1e-12)


def test_mean_and_sd_are_close_for_others() -> None:
    columns = [column for column in samples(20_000) if column.max() < 1e3]
    (profile,) = numeric_profiles(columns)
    spread = np.std(columns, axis=1)
    assert np.abs(profile.mean() - np.mean(columns, axis=1)).max() < 1e-4 * spread.max()
    assert profile.std() == pytest.approx(spread, rel=1e-3)


def test_one_absurd_value_moves_the_mean_by_a_bounded_amount() -> None:
    column = np.random.default_rng(7).normal(size=1000)
    base, window = numeric_profiles([column], [np.append(column, 1e300)])
    assert abs(window.mean() - base.mean()) < 1


def test_moments_of_nothing_are_nan() -> None:
    (profile,) = numeric_profiles([np.full(4, np.nan)])
    assert np.isnan(profile.mean()).all()
    assert np.isnan(profile.std()).all()
    assert np.isnan(Profile(profile.frame).duplicates())


def test_excess_is_the_area_outside_the_cells() -> None:
    column = np.random.default_rng(8).standard_t(2, 50_000)
    (profile,) = numeric_profiles([column])
    low, high = profile.frame.numeric.edges[0, [0, -1]]
    reach = profile.frame.numeric.center + profile.frame.numeric.unit * 2**18
    under = np.clip(low - np.maximum(column, -reach), 0, None).sum()
    over = np.clip(np.minimum(column, reach) - high, 0, None).sum()
    unit = profile.frame.numeric.unit[0]
    outside = profile.cells[0, [0, -1]] / 2
    measured = (
        np.array([profile.numeric.excess_under[0], profile.numeric.excess_over[0]]) + outside
    ) * unit
    assert measured == pytest.approx([under, over], rel=1e-2)


def test_codes_are_counted_beside_what_is_no_value() -> None:
    frame = fit_frame({}, {"c": {"a": 3, "b": 2}, "d": {}}, ["t"], {})
    codes = np.array([0, 1, 1, MISSING, WRONG, WRONG, OUTSIDE], dtype=np.int32)
    nothing = np.full(7, MISSING, dtype=np.int32)
    profile = profile_of(frame, block_of((), [codes, nothing], [{"z": 1}, {}], [5]))
    assert profile.codes.tolist() == [[1, 2], [0, 0]]
    assert profile.categorical.outside.tolist() == [1, 0]
    assert profile.missing.tolist() == [1, 7, 5]
    assert profile.wrong.tolist() == [2, 0, 0]
    assert profile.unseen_values() == {"c": {"z": 1}}


@pytest.mark.parametrize("code", [2, -4])
def test_undefined_codes_are_refused(code: int) -> None:
    frame = fit_frame({}, {"c": {"a": 3, "b": 2}}, [], {})
    with pytest.raises(InputError, match=f"column c: code {code} is"):
        profile_of(frame, block_of((), [np.array([code], dtype=np.int32)]))


def test_blocks_that_do_not_fit_are_refused() -> None:
    frame = fit_frame({"x": np.arange(3.0)}, {}, [], {})
    with pytest.raises(InputError, match="2 numeric columns, the frame 1"):
        profile_of(frame, block_of([np.zeros(2), np.zeros(2)]))
    counts = np.zeros(1, dtype=np.int64)
    with pytest.raises(InputError, match=r"shape \(3,\), got \(2,\)"):
        Block(3, [np.zeros(2)], counts, [], [], counts, counts, np.zeros(3, np.uint64))


def test_a_profile_of_a_thousand_columns_is_small() -> None:
    frame = fit_frame({f"n{i}": np.arange(9.0) for i in range(1000)}, {}, [], {})
    assert Profile(frame).nbytes < 9_000_000
    assert Profile(frame).state()["numeric"]["cells"].nbytes < 1_100_000

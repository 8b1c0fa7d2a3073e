"""Components against their definitions on raw rows, and their laws."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from detectors.errors import InputError, StateError
from detectors.inputs import Block
from detectors.profile.fitting import fit_frame
from detectors.profile.frame import Frame
from detectors.profile.profile import Profile
from detectors.sequential.series import SeriesBank

ROWS = 1000


def frame_of(numeric: dict[str, NDArray[np.float64]], codes: dict[str, NDArray[np.int32]]) -> Frame:
    counts = {
        k: {f"v{c}": int((v == c).sum()) for c in range(v.max() + 1)} for k, v in codes.items()
    }
    return fit_frame(numeric, counts, ("note",), {})


def profile_of(
    frame: Frame,
    numeric: list[NDArray[np.float64]],
    codes: list[NDArray[np.int32]],
    missing_notes: int = 0,
) -> Profile:
    rows = len(numeric[0])
    profile = Profile(frame)
    profile.add(
        Block(
            rows,
            numeric,
            np.zeros(len(numeric), np.int64),
            codes,
            [{}] * len(codes),
            np.array([missing_notes]),
            np.array([0]),
            np.arange(rows, dtype=np.uint64),
        )
    )
    return profile


@pytest.fixture(name="world")
def _world() -> tuple[Frame, SeriesBank, NDArray[np.float64]]:
    """One smooth column, one constant, three ordered categories (codes most frequent first)."""
    rng = np.random.default_rng(1)
    x = np.exp(rng.standard_normal(50_000))
    codes = rng.choice(3, len(x), p=[0.6, 0.397, 0.003]).astype(np.int32)
    frame = frame_of({"x": x, "constant": np.ones(len(x))}, {"c": codes})
    baseline = profile_of(frame, [x, np.ones(len(x))], [codes], missing_notes=5_000)
    return frame, SeriesBank.fit(frame, baseline, ROWS), x


def window(frame: Frame, x: NDArray[np.float64], seed: int = 2) -> Profile:
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, len(x), p=[0.6, 0.397, 0.003]).astype(np.int32)
    return profile_of(frame, [x, np.ones(len(x))], [codes], missing_notes=len(x) // 10)


def named(bank: SeriesBank, y: NDArray[np.float64], name: str) -> float:
    return float(y[bank.name.index(name)])


def test_components_are_those_that_can_move(world: tuple[Frame, SeriesBank, object]) -> None:
    frame, bank, _ = world
    assert [(frame.columns[c], n) for c, n in zip(bank.column, bank.name, strict=True)] == [
        ("x", "location"),
        ("x", "scale"),
        ("x", "shape 3"),
        ("x", "shape 4"),
        ("x", "upper tail"),
        ("x", "lower tail"),
        ("c", "share of v0"),
        ("c", "share of v1"),
        ("c", "other values"),
        ("note", "missing"),
    ]
    assert np.bincount(bank.column, bank.weight) == pytest.approx([1, 0, 1, 1])
    assert np.abs(bank.pooled).max() < 1e-3


def test_location_is_the_normal_score_test(
    world: tuple[Frame, SeriesBank, NDArray[np.float64]],
) -> None:
    """Score of the van der Waerden test on raw rows, computed from ranks; bins cost under 2 %."""
    frame, bank, x = world
    rng = np.random.default_rng(3)
    ours, exact = [], []
    for _ in range(50):
        sample = np.exp(rng.standard_normal(ROWS) + 0.05)
        ranks = (np.searchsorted(np.sort(x), sample) + 0.5) / (len(x) + 1)
        exact.append(np.sqrt(ROWS) * ndtri(ranks).mean())
        ours.append(named(bank, bank.measure(window(frame, sample)), "location"))
    assert np.corrcoef(ours, exact)[0, 1] > 0.99
    assert np.mean(ours) == pytest.approx(np.mean(exact), rel=0.02)


def test_share_is_cohens_h(world: tuple[Frame, SeriesBank, NDArray[np.float64]]) -> None:
    frame, bank, x = world
    codes = np.repeat(np.array([0, 1], np.int32), [700, 300])
    profile = profile_of(frame, [x[:ROWS], np.ones(ROWS)], [codes], missing_notes=100)
    effect = bank.effect(bank.measure(profile), ROWS)
    h = 2 * np.arcsin(np.sqrt(0.7)) - 2 * np.arcsin(np.sqrt(0.6))
    assert named(bank, effect, "share of v0") == pytest.approx(h, rel=0.03)


def test_independent_rows_give_variance_one_at_any_size(
    world: tuple[Frame, SeriesBank, NDArray[np.float64]],
) -> None:
    """Bounds at 1e-6 for 400 windows; the baseline's own error is at most sqrt(2000 / 50000)."""
    frame, bank, _ = world
    for rows in (200, 2000):
        rng = np.random.default_rng(4)
        y = [bank.measure(window(frame, np.exp(rng.standard_normal(rows)), s)) for s in range(400)]
        spread = np.std(y, axis=0)
        mean = np.mean(y, axis=0)
        assert ((spread > 0.75) & (spread < 1.25))[[0, 1, 2, 3, 6, 7]].all()
        assert (np.abs(mean[[0, 2, 3, 6, 7]]) < 5 * np.sqrt(rows / 50_000 + 1 / 400)).all()


def test_scale_does_not_see_a_shift_of_the_mean(
    world: tuple[Frame, SeriesBank, NDArray[np.float64]],
) -> None:
    frame, bank, _ = world
    rng = np.random.default_rng(5)
    latent = rng.standard_normal(ROWS)
    before = bank.measure(window(frame, np.exp(latent)))
    after = bank.measure(window(frame, np.exp(latent + 0.2)))
    assert named(bank, after, "location") - named(bank, before, "location") > 5
    assert abs(named(bank, after, "scale") - named(bank, before, "scale")) < 0.5


def test_windows_without_values_do_not_observe(
    world: tuple[Frame, SeriesBank, NDArray[np.float64]],
) -> None:
    frame, bank, _ = world
    empty = bank.measure(Profile(frame))
    assert np.isnan(empty).all()
    x = np.full(ROWS, np.nan)
    x[:5] = 1.0
    y = bank.measure(window(frame, x))
    assert np.isnan(y[bank.column == 0]).all()
    assert np.isfinite(y[bank.column > 0]).all()


def test_order_of_columns_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal(5000), rng.exponential(size=5000)
    codes = rng.integers(0, 2, 5000).astype(np.int32)
    results = []
    for columns in ({"a": a, "b": b}, {"b": b, "a": a}):
        frame = frame_of(columns, {"c": codes})
        profile = profile_of(frame, list(columns.values()), [codes])
        bank = SeriesBank.fit(frame, profile, ROWS)
        half = profile_of(frame, [v[:900] + 0.1 for v in columns.values()], [codes[:900]])
        y = bank.measure(half)
        keys = [(frame.columns[c], n) for c, n in zip(bank.column, bank.name, strict=True)]
        results.append(dict(zip(keys, y, strict=True)))
    assert results[0] == pytest.approx(results[1])


def test_state_restores_the_same_bank(
    world: tuple[Frame, SeriesBank, NDArray[np.float64]],
) -> None:
    frame, bank, x = world
    again = SeriesBank.restore(bank.state())
    profile = window(frame, x[:ROWS])
    assert np.array_equal(again.measure(profile), bank.measure(profile), equal_nan=True)
    assert again.name == bank.name
    with pytest.raises(StateError, match="format None"):
        SeriesBank.restore({})
    with pytest.raises(StateError, match="lacks"):
        SeriesBank.restore({"format": 2})


def test_no_baseline_rows_is_an_error(world: tuple[Frame, SeriesBank, object]) -> None:
    frame, _, _ = world
    with pytest.raises(InputError, match="baseline rows"):
        SeriesBank.fit(frame, Profile(frame), ROWS)


def test_columns_that_only_exist_can_have_no_series() -> None:
    frame = fit_frame({}, {}, ("note",), {})
    profile = Profile(frame)
    hashes = np.arange(50, dtype=np.uint64)
    profile.add(Block(50, [], np.zeros(0, np.int64), [], [], np.array([0]), np.array([0]), hashes))
    bank = SeriesBank.fit(frame, profile, 50)
    assert bank.measure(profile).shape == (0,)
    assert bank.kind.shape == (0,)

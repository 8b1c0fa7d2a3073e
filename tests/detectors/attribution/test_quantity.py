"""The mean of a component's rows moves as the component does."""

import numpy as np
import pytest

from detectors.attribution.quantity import quantities
from detectors.inputs import MISSING
from detectors.profile import fit_frame
from detectors.profile.sample import Sample

FRAME = fit_frame({"x": np.arange(1000.0)}, {"c": {"a": 5, "b": 5}}, ["note"], {})


def sample(x: np.ndarray, c: np.ndarray) -> Sample:
    empty = Sample.empty(FRAME)
    return Sample(
        **{
            **{name: getattr(empty, name) for name in empty.state()},
            "rows": len(x),
            "numeric": x[:, None],
            "categorical": c.astype(np.int32)[:, None],
        }
    )


def test_numbers() -> None:
    rng = np.random.default_rng(1)
    before = sample(rng.normal(size=4000), np.zeros(4000))
    now = sample(rng.normal(0.5, 2.0, 4000), np.zeros(4000))

    def means(measure: str) -> tuple[float, float]:
        made = quantities(FRAME, 0, measure, before, now)
        assert made is not None
        return float(np.nanmean(made[0])), float(np.nanmean(made[1]))

    assert means("location")[0] == pytest.approx(0, abs=0.01)
    assert means("location")[1] > 0.25
    assert means("scale")[1] > means("scale")[0] + 0.5
    assert means("upper tail")[0] == pytest.approx(0.015, abs=0.002)
    assert means("upper tail")[1] > 0.1
    assert means("missing") == (0.0, 0.0)
    assert quantities(FRAME, 0, "invalid", before, now) is None


def test_categories_and_missing_values() -> None:
    before = sample(np.zeros(4), np.array([0, 0, 1, MISSING]))
    now = sample(np.full(4, np.nan), np.array([1, 1, 1, MISSING]))
    shares = quantities(FRAME, 1, "share of b", before, now)
    assert shares is not None
    np.testing.assert_array_equal(shares[0], [0, 0, 1, np.nan])
    np.testing.assert_array_equal(shares[1], [1, 1, 1, np.nan])
    missing = quantities(FRAME, 1, "missing", before, now)
    assert missing is not None
    assert missing[0].tolist() == [0, 0, 0, 1]
    assert quantities(FRAME, 1, "share of z", before, now) is None
    assert quantities(FRAME, 2, "missing", before, now) is None

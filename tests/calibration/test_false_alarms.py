"""False alarms over simulated months where nothing changes stay within a budget of one a month.

Seeds are fixed and were not used while settings were chosen. With a true rate of at most one a
month, alarms over k months are Poisson with mean at most k; a count beyond the 1 - 1e-6 quantile
fails. What was counted when this was written stands beside each regime.
"""

import numpy as np
import pytest
from scipy.stats import poisson

from detectors.sequential.backtest import count_alarms
from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import scores_ahead
from tests.calibration.streams import CATEGORIES, MONTH, Stream, make_stream

FEW = CATEGORIES[3:6]


def alarms_of(stream: Stream) -> int:
    """Alarms in the monitored part at a line of one a month over all columns."""
    history = stream.reference
    calibration = calibrate(stream.y[:history], stream.x[:history], stream.bank)
    z = scores_ahead(calibration, stream.y[history:], stream.x[history:])
    return int(count_alarms(calibration, z, MONTH).sum())


def total_alarms(regime: str, months: int, seed: int, **options: object) -> int:
    streams = np.random.SeedSequence(seed).spawn(months)
    return sum(
        alarms_of(make_stream(regime, np.random.default_rng(s), **options))  # type: ignore[arg-type]
        for s in streams
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("regime", "months", "options"),
    [
        ("iid", 8, {}),  # 0
        ("season", 8, {}),  # 1
        ("wander", 8, {}),  # 2
        ("wander", 4, {"persistence": 0.97}),  # 2
        ("shocks", 8, {}),  # 1
        ("rows", 4, {"numeric": 9, "categories": FEW}),  # 0
        ("iid", 4, {"rows": 10_000}),  # 1
        ("season", 4, {"rows": 10_000}),  # 1
    ],
    ids=str,
)
def test_a_month_costs_at_most_its_budget(
    regime: str, months: int, options: dict[str, object]
) -> None:
    total = total_alarms(regime, months, seed=910, **options)
    print(f"{regime} {options}: {total} alarms in {months} months")  # noqa: T201
    assert total <= poisson.ppf(1 - 1e-6, months)


@pytest.mark.slow
def test_short_histories_stay_within_the_budget() -> None:
    """Wide settings of 24 windows, and 48 windows that have not seen a weekend."""
    for windows in (24, 48):
        total = total_alarms("season", 4, seed=911, reference=windows, numeric=24)
        print(f"season after {windows} windows: {total} alarms in 4 months")  # noqa: T201
        assert total <= poisson.ppf(1 - 1e-6, 4)


def test_a_quick_month_of_independent_rows_is_quiet() -> None:
    assert total_alarms("iid", 1, seed=902, numeric=12, categories=FEW) <= 1

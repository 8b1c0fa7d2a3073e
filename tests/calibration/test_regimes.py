"""The permanent regimes of the quality bench: their budget holds, with seeds never tuned on.

With a true rate of at most one a month, alarms over k months are Poisson with mean at most k; a
count beyond the 1 - 1e-6 quantile fails. Regimes that real changes make (holidays nobody told the
calendar) or that the method is known not to bear (volatility that rises for days) are left to the
bench, which shows them.
"""

import numpy as np
import pytest
from scipy.stats import poisson

from tests.bench.quality import ours
from tests.bench.quality.regimes import QUIET
from tests.bench.quality.worlds import observe

KNOWN_LOSSES = {"unknown holidays", "volatility"}
TOGETHER = {"common shocks", "correlated"}
"""Here a score or more of columns alarm as one; windows are counted, since columns cannot."""
DEAR = {"rows", "correlated", "micro", "sparse"}


def crossings(name: str, months: int, seed: int) -> float:
    regime = QUIET[name]
    windows = max(regime.period, 300)
    total = 0
    for month in range(months):
        rng = np.random.default_rng([seed, month])
        seen = observe(regime.make(rng, windows), rng)
        found = ours.crossings(ours.calibrated(seen), seen, regime.period)
        total += int((found.any(axis=1) if name in TOGETHER else found).sum())
    return total * regime.period / windows


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(QUIET) - KNOWN_LOSSES))
def test_a_quiet_regime_stays_within_its_budget(name: str) -> None:
    months = 1 if name in DEAR else 3
    assert crossings(name, months, 920) <= poisson.ppf(1 - 1e-6, months)


def test_storms_of_a_few_windows_do_not_drain_the_budget() -> None:
    """One month of heavy-tailed shocks, which cost the prototype 2.4 a month."""
    assert crossings("t3 shocks", 1, 921) <= 2

"""Rules on data say nothing where nothing changed, however awkward the columns.

Columns are heavy-tailed (t with 1.5 degrees of freedom), zero-inflated, counts, seasonal,
autocorrelated, of 800 categories and filled in 3 % of the rows (see the world of
`tests/detectors/quality`). At a level far above the budget's, findings of rules with a level must
be rare enough for a binomial law; the other rules must be silent.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import binom

from detectors.quality.counters import Layout
from tests.detectors.quality.world import FRAME, WINDOWS, Rows, World

ALPHA = 1e-3
WITHOUT_LEVEL = {"units", "skew", "renamed", "encoding", "schema", "constant"}


def findings_of(world: World, windows: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for index in range(WINDOWS, WINDOWS + windows):
        found.update(
            str(f.kind) for f in world.judge(world.window(index, world.seed), remember=True)
        )
    return found


def hourly_missing(rows: Rows) -> None:
    """Missing values in storms, a placeholder at varying rates, sensors that pause."""
    rng = np.random.default_rng([rows.seed, rows.index, 5])
    share = rng.beta(0.5, 20)
    rows.numeric["amount"][rng.random(rows.rows) < share] = np.nan
    rows.numeric["weight"][rng.random(rows.rows) < rng.gamma(2, 0.01)] = -1
    start = int(rng.integers(0, rows.rows - 60))
    rows.numeric["sensor"][start : start + 60] = rows.numeric["sensor"][start]


def mixed(rows: Rows) -> None:
    """A few kinds of rows that return in every window, and decimals that come and go."""
    rng = np.random.default_rng([rows.seed, rows.index, 6])
    few = np.random.default_rng(77)
    for name in ("amount", "weight", "temperature", "heavy", "age", "sensor", "stock"):
        rows.numeric[name] = few.normal(50, 10, 400).round(2)[rng.integers(0, 400, rows.rows)]
    hit = rng.random(rows.rows) < rng.beta(2, 5)
    rows.numeric["score"] = np.where(hit, rows.numeric["score"].round(2), rows.numeric["score"])


@pytest.mark.parametrize(
    ("name", "seed"), [("plain", 11), ("plain", 12), ("storms", 13), ("mixed", 14)]
)
def test_silence_where_nothing_changes(name: str, seed: int) -> None:
    change = {"plain": lambda _: None, "storms": hourly_missing, "mixed": mixed}[name]
    world = World(change, seed=seed, alpha=ALPHA, rows=800)
    windows = 150
    found = findings_of(world, windows)
    print(name, seed, dict(found))  # noqa: T201
    assert not found.keys() & WITHOUT_LEVEL
    tests = windows * Layout.of(FRAME).tests
    assert found.total() <= binom.ppf(1 - 1e-6, tests, ALPHA)


@pytest.mark.parametrize("seed", [21, 22])
def test_silence_at_the_budget_s_level(seed: int) -> None:
    """One false alarm a month over all rules, hourly windows: none may be expected in a week."""
    level = 0.15 / 720 / Layout.of(FRAME).tests
    world = World(hourly_missing, seed=seed, alpha=level, rows=800)
    assert findings_of(world, 168).total() <= binom.ppf(1 - 1e-6, 168, 0.15 / 720)

"""Regimes with permanent names: ways in which nothing changes, and changes that happen.

Each is a function of a generator and the number of monitored windows; the same name and seed give
the same stream for ever. The first five are those of STATS.md, section 3; no setting of the method
was chosen on the others when they were written (what was improved on them since is said in
docs/quality-bench.md, and their seeds are not those used for it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri

from detectors.sequential.calendar import DAY
from tests.bench.quality.worlds import CELLS, World, quiet_world

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

MONTH = 720
REFERENCE = 336
FIVE = (0.5, 0.25, 0.15, 0.07, 0.03)
FINE = np.linspace(ndtri(0.001), ndtri(0.999), CELLS + 1)


def zipf(values: int) -> tuple[float, ...]:
    """Shares that fall with the rank."""
    weight = 1 / np.arange(1, values + 1) ** 1.1
    return tuple((weight / weight.sum()).tolist())


SHARES = (
    (0.95, 0.05),
    (0.8, 0.2),
    (0.5, 0.5),
    (0.9, 0.1),
    (0.99, 0.01),
    *(FIVE,) * 5,
    *(zipf(20),) * 3,
    *(zipf(100),) * 2,
)
SHAPES = (
    *(FINE,) * 30,
    *(np.log((np.arange(CELLS + 1) + 1) / 3) / 0.7,) * 5,
    *(np.linspace(0.0, ndtri(0.999), CELLS + 1),) * 5,
    *(np.concatenate([[-1.0, 0.0, 0.7, 1.5], np.linspace(8, 9, CELLS - 3)]),) * 5,
)
"""45 numeric columns: continuous, counts, zero-inflated, few values."""


@dataclass(frozen=True)
class Quiet:
    """A regime in which nothing changes.

    Parameters
    ----------
    make
        Makes the world of a number of monitored windows.
    note
        What is special, in words.
    months
        The share of the asked months that is drawn, where drawing is dear.
    period
        Windows in the budget's period of 30 days.
    tuned
        Whether the prototype's settings were chosen on it.
    """

    make: Callable[[np.random.Generator, int], World]
    note: str
    months: float = 1.0
    period: int = MONTH
    tuned: bool = False


def plain(windows: int, *, rows: int = 1000, reference: int = REFERENCE) -> World:
    """60 columns of all shapes, independent rows."""
    return quiet_world(reference + windows, reference, edges=list(SHAPES), shares=SHARES, rows=rows)


def seasonal_means(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """A daily bump of up to .3 and a weekend level of up to .15 standard deviations."""
    t = np.arange(shape[0])
    hours = np.arange(24)
    bump = np.exp(2 * np.cos(2 * np.pi * (hours - 14) / 24))
    bump = (bump - bump.mean()) / bump.std()
    daily = bump[t % 24, None] * rng.uniform(-0.3, 0.3, shape[1])
    return daily + ((t // 24) % 7 >= 5)[:, None] * rng.uniform(-0.15, 0.15, shape[1])


def wandering_means(
    rng: np.random.Generator, shape: tuple[int, int], persistence: float, sd: float = 0.05
) -> NDArray[np.float64]:
    """First-order autoregression from window to window."""
    noise = rng.standard_normal(shape) * np.sqrt(1 - persistence**2)
    noise[0] /= np.sqrt(1 - persistence**2)
    return sd * lfilter([1.0], [1.0, -persistence], noise, axis=0)


def _iid(_rng: np.random.Generator, windows: int) -> World:
    return plain(windows)


def _rows(_rng: np.random.Generator, windows: int) -> World:
    return replace(plain(windows), dependence=0.8)


def _season(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    return replace(world, means=seasonal_means(rng, world.means.shape))


def _wander(persistence: float) -> Callable[[np.random.Generator, int], World]:
    def make(rng: np.random.Generator, windows: int) -> World:
        world = plain(windows)
        return replace(world, means=wandering_means(rng, world.means.shape, persistence))

    return make


def _shocks(degrees: float) -> Callable[[np.random.Generator, int], World]:
    def make(rng: np.random.Generator, windows: int) -> World:
        world = plain(windows)
        shock = 0.05 * rng.standard_t(degrees, world.means.shape) / np.sqrt(3)
        return replace(world, means=shock)

    return make


def _common_shocks(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    shock = 0.05 * rng.standard_t(5, (len(world.means), 1))
    return replace(world, means=shock * rng.uniform(-1, 1, world.columns))


def _volatility(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    calm = lfilter([1.0], [1.0, -0.95], rng.standard_normal(len(world.means)) * 0.25)
    shock = 0.05 * np.exp(calm)[:, None] * rng.standard_normal(world.means.shape)
    return replace(world, means=shock)


def _holidays(*, known: bool) -> Callable[[np.random.Generator, int], World]:
    def make(rng: np.random.Generator, windows: int) -> World:
        world = plain(windows)
        means = seasonal_means(rng, world.means.shape)
        days = np.arange(len(means)) // 24
        # One holiday in the baseline, two a month after it; unlike a weekend, shifts of .4.
        feast = np.flatnonzero((np.arange(days[-1] + 1) % 14 == 9)[:, None].any(axis=1))
        means[np.isin(days, feast)] += rng.uniform(-0.4, 0.4, world.columns)
        return replace(world, means=means, holidays=tuple(feast.tolist()) if known else ())

    return make


def _outages(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    means = wandering_means(rng, world.means.shape, 0.9) + seasonal_means(rng, world.means.shape)
    down = rng.random(len(means)) < 0.03
    for lag in range(1, 6):
        down[lag:] |= rng.random(len(means) - lag) * 6 < down[:-lag] * (6 - lag)
    night = np.arange(len(means)) % 24 < 5
    return replace(world, means=means, present=~(down | night))


def _traffic(rng: np.random.Generator, size: int) -> NDArray[np.int64]:
    """Rows that follow the hour (40 at night, 2,000 by day) with scatter of a factor 1.4."""
    hour = np.arange(size) % 24
    usual = 300 * np.exp(2 * np.cos(2 * np.pi * (hour - 14) / 24))
    return np.maximum(usual * np.exp(0.35 * rng.standard_normal(size)), 20).astype(np.int64)


def _bursts(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    factor = np.where(rng.random(len(world.rows)) < 0.02, rng.uniform(5, 20, len(world.rows)), 1)
    means = seasonal_means(rng, world.means.shape) / 2
    means += wandering_means(rng, means.shape, 0.5, 0.03)
    return replace(world, means=means, rows=(world.rows * factor).astype(np.int64))


def _unequal(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    return replace(world, rows=_traffic(rng, len(world.rows)))


def _unequal_life(rng: np.random.Generator, windows: int) -> World:
    world = _unequal(rng, windows)
    means = seasonal_means(rng, world.means.shape)
    return replace(world, means=means + wandering_means(rng, means.shape, 0.9, 0.03))


def _rarely_filled(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows)
    return replace(world, filled=rng.uniform(0.01, 0.06, world.columns))


def _near_zero(_rng: np.random.Generator, windows: int) -> World:
    """Events of a few per mille: counts that are nearly always 0, and two rare values."""
    edges = np.concatenate([[ndtri(0.997), ndtri(0.9995)], np.linspace(8, 9, CELLS - 1)])
    shares = ((0.996, 0.003, 0.001), (0.99, 0.006, 0.004), (0.9985, 0.0015))
    return quiet_world(
        REFERENCE + windows, REFERENCE, edges=[edges] * 40, shares=shares * 7, rows=1000
    )


def _correlated(rng: np.random.Generator, windows: int) -> World:
    size = REFERENCE + windows
    world = quiet_world(size, REFERENCE, edges=[FINE] * 200, shares=(), rows=500)
    means = np.repeat(wandering_means(rng, (size, 10), 0.5), 20, axis=1)
    return replace(world, common=0.9, means=means)


def _days(rng: np.random.Generator, windows: int) -> World:
    world = plain(windows, reference=90)
    days = np.arange(len(world.means))
    week = rng.uniform(-0.2, 0.2, (7, world.columns))
    means = week[days % 7] + wandering_means(rng, world.means.shape, 0.6)
    return replace(world, means=means, seconds=DAY)


def _micro(_rng: np.random.Generator, windows: int) -> World:
    world = plain(windows, rows=100, reference=1680)
    return replace(world, seconds=DAY // 240)


def _sparse(rng: np.random.Generator, windows: int) -> World:
    """300 segments of 2 columns whose windows have 20 to 60 rows."""
    size = REFERENCE + windows
    world = quiet_world(size, REFERENCE, edges=[FINE] * 300, shares=(FIVE,) * 300, rows=40)
    return replace(world, rows=rng.integers(20, 61, size))


QUIET: Mapping[str, Quiet] = {
    "iid": Quiet(_iid, "independent rows", tuned=True),
    "rows": Quiet(_rows, "AR(1) .8 from row to row", months=1 / 3, tuned=True),
    "season": Quiet(_season, "hour of day and weekend", tuned=True),
    "wander": Quiet(_wander(0.9), "window means AR(1) .9, .05 sd", tuned=True),
    "t3 shocks": Quiet(_shocks(3), "window means t with 3 degrees, .05 sd", tuned=True),
    "slow wander": Quiet(_wander(0.97), "window means AR(1) .97, .05 sd"),
    "common shocks": Quiet(_common_shocks, "t5 shocks that hit all columns at once"),
    "volatility": Quiet(_volatility, "shocks whose size wanders"),
    "holidays": Quiet(_holidays(known=True), "shifts of up to .4 sd; the calendar knows the days"),
    "unknown holidays": Quiet(_holidays(known=False), "the same, and nobody told the calendar"),
    "outages": Quiet(_outages, "no windows at night and in outages; wander and season"),
    "bursts": Quiet(_bursts, "every 50th window has 5 to 20 times the rows"),
    "unequal": Quiet(_unequal, "40 to 2,000 rows by the hour, independent"),
    "unequal life": Quiet(_unequal_life, "40 to 2,000 rows by the hour, season and wander"),
    "rarely filled": Quiet(_rarely_filled, "columns of which 1 to 6 % is there"),
    "near zero": Quiet(_near_zero, "counts of a few per mille"),
    "correlated": Quiet(_correlated, "200 columns, rows correlated .9, wander"),
    "days": Quiet(_days, "windows of a day, 90 of them the baseline", period=30),
    "micro": Quiet(_micro, "windows of 100 rows every 6 minutes", months=1 / 6, period=7200),
    "sparse": Quiet(_sparse, "600 columns of segments with 20 to 60 rows", months=1 / 3),
}


@dataclass(frozen=True)
class Change:
    """What happens to every column alike from the first monitored window on.

    Parameters
    ----------
    shift
        Latent shift by window after the change, or for all of them.
    scale
        Factor on the deviation.
    shares
        New shares of a categorical column; None is a change of numeric columns.
    prototype
        Median delay that STATS.md publishes, in windows.
    """

    prototype: float
    shift: float = 0.0
    ramp: float = 0.0
    scale: float = 1.0
    shares: tuple[float, ...] | None = None


CHANGES: Mapping[str, Change] = {
    "mean +.05 sd": Change(17, shift=0.05),
    "mean +.1 sd": Change(4, shift=0.1),
    "mean +.25 sd": Change(1, shift=0.25),
    "sd x1.1": Change(2, scale=1.1),
    "ramp .5 sd over 200": Change(27, ramp=0.5 / 200),
    "category 3 to 5 %": Change(4, shares=(0.48, 0.25, 0.15, 0.07, 0.05)),
    "category 50 to 55 %": Change(5, shares=(0.55, 0.225, 0.135, 0.063, 0.027)),
}


def changed(
    regime: str,
    change: Change,
    rng: np.random.Generator,
    *,
    copies: int,
    windows: int,
    rows: int = 1000,
) -> World:
    """Independent copies of one column, all of which change after the baseline."""
    size = REFERENCE + windows
    categorical = change.shares is not None
    world = quiet_world(
        size,
        REFERENCE,
        edges=[] if categorical else [FINE] * copies,
        shares=(FIVE,) * copies if categorical else (),
        rows=rows,
    )
    means = {
        "season": lambda: seasonal_means(rng, world.means.shape),
        "wander": lambda: wandering_means(rng, world.means.shape, 0.9),
        "t3 shocks": lambda: 0.05 * rng.standard_t(3, world.means.shape) / np.sqrt(3),
    }.get(regime, lambda: world.means)()
    after = np.arange(windows) + 1
    means[REFERENCE:] += (change.shift + np.minimum(change.ramp * after, 0.5))[:, None]
    scales = np.where(np.arange(size) >= REFERENCE, change.scale, 1.0)[:, None]
    shares = world.shares
    if change.shares is not None:
        moved = np.vstack([np.tile(FIVE, (REFERENCE, 1)), np.tile(change.shares, (windows, 1))])
        shares = [moved] * copies
    dependence = 0.8 if regime == "rows" else 0.0
    return replace(world, means=means, scales=scales, shares=shares, dependence=dependence)

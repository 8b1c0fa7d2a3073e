"""Streams of window profiles whose truth is known, fast: counts are drawn, rows are not.

A column is a monotone picture of a normal latent value, so all that a window's counts depend on is
the latent mean and standard deviation of that window; counts are multinomial given those. Only rows
that depend on each other (`rows`) are drawn one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from detectors.profile.frame import CategoricalFrame, Frame, NumericFrame, PresenceFrame
from detectors.profile.profile import Profile
from detectors.sequential.calendar import DAY, MICROS, Season
from detectors.sequential.series import SeriesBank

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CELLS = 64
CATEGORIES = (
    (0.95, 0.05),
    (0.8, 0.2),
    (0.5, 0.5),
    (0.9, 0.1),
    (0.99, 0.01),
    (0.5, 0.25, 0.15, 0.07, 0.03),
    (0.5, 0.25, 0.15, 0.07, 0.03),
    tuple((1 / np.arange(1, 21) ** 1.1) / (1 / np.arange(1, 21) ** 1.1).sum()),
    tuple((1 / np.arange(1, 101) ** 1.1) / (1 / np.arange(1, 101) ** 1.1).sum()),
)
HOUR = DAY // 24
REFERENCE = 336
MONTH = 720


@dataclass(frozen=True)
class Change:
    """What happens from the first monitored window on, to every column alike."""

    shift: Callable[[NDArray[np.int64]], NDArray[np.float64]] | float = 0.0
    scale: float = 1.0
    shares: tuple[float, ...] | None = None


class Truth(NamedTuple):
    """Latent means `(T, F)` and deviations `(T, 1)`, and where values fall."""

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    edges: list[NDArray[np.float64]]
    cuts: list[list[NDArray[np.float64]]]


@dataclass(frozen=True)
class Stream:
    """Components of consecutive hourly windows, the first `reference` of them the baseline."""

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    bank: SeriesBank
    reference: int
    rows: int
    profiles: list[Profile]


def make_stream(
    regime: str,
    rng: np.random.Generator,
    *,
    numeric: int = 45,
    categories: tuple[tuple[float, ...], ...] = CATEGORIES,
    rows: int = 1000,
    reference: int = REFERENCE,
    months: float = 1.0,
    change: Change | None = None,
    persistence: float = 0.9,
    sd: float = 0.05,
    continuous: bool = False,
) -> Stream:
    """Draw a stream.

    Parameters
    ----------
    regime
        `iid`; `rows` (AR(1) .8 between rows); `season` (a daily bump of up to .3 sd and a weekend
        level of up to .15 sd); `wander` (window means AR(1), sd .05); `shocks` (window means t with
        3 degrees of freedom, sd .05).
    """
    truth = _truth(
        regime,
        rng,
        (numeric, categories),
        (reference, months),
        change,
        persistence=persistence,
        sd=sd,
        continuous=continuous,
    )
    draw = _drawn_rows if regime == "rows" else _drawn_counts
    counts = draw(rng, truth, rows)
    return _measured(counts, [len(p) for p in categories], rows, reference)


def _means(
    regime: str,
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    persistence: float,
    sd: float,
) -> NDArray[np.float64]:
    windows, columns = shape
    t = np.arange(windows)
    if regime == "season":
        hours = np.arange(24)
        bump = np.exp(2 * np.cos(2 * np.pi * (hours - 14) / 24))
        bump = (bump - bump.mean()) / bump.std()
        daily = bump[t % 24, None] * rng.uniform(-0.3, 0.3, columns)
        return daily + ((t // 24) % 7 >= 5)[:, None] * rng.uniform(-0.15, 0.15, columns)
    if regime == "wander":
        noise = rng.standard_normal((windows, columns)) * np.sqrt(1 - persistence**2)
        noise[0] /= np.sqrt(1 - persistence**2)
        return sd * lfilter([1.0], [1.0, -persistence], noise, axis=0)
    if regime == "shocks":
        return sd * rng.standard_t(3, (windows, columns)) / np.sqrt(3)
    return np.zeros((windows, columns))


def _edges(numeric: int) -> list[NDArray[np.float64]]:
    """Latent edges: two thirds continuous, then counts, zero-inflated, few values."""
    fine = np.linspace(ndtri(0.001), ndtri(0.999), CELLS + 1)
    kinds = [
        fine,
        fine,
        np.log((np.arange(CELLS + 1) + 1) / 3) / 0.7,
        np.linspace(0.0, ndtri(0.999), CELLS + 1),
        np.concatenate([[-1.0, 0.0, 0.7, 1.5], np.linspace(8, 9, CELLS - 3)]),
        fine,
    ]
    return [kinds[j % len(kinds)] for j in range(numeric)]


def _drawn_counts(rng: np.random.Generator, truth: Truth, rows: int) -> list[NDArray[np.int64]]:
    means, scales, edges, cuts = truth
    counts = []
    bounds = [np.broadcast_to(e, (len(means), len(e))) for e in edges] + [np.array(c) for c in cuts]
    for j, bound in enumerate(bounds):
        cumulative = ndtr((bound - means[:, j : j + 1]) / scales)
        ends = np.ones((len(means), 1))
        shares = np.diff(np.hstack([0 * ends, cumulative, ends]), axis=1)
        counts.append(rng.multinomial(rows, np.clip(shares, 0, 1)))
    return counts


def _drawn_rows(rng: np.random.Generator, truth: Truth, rows: int) -> list[NDArray[np.int64]]:
    values = [latent_rows(rng, truth, j, rows, 0.8) for j in range(truth.means.shape[1])]
    return _counted(truth, values)


def latent_rows(
    rng: np.random.Generator, truth: Truth, column: int, rows: int, dependence: float
) -> NDArray[np.float64]:
    """Latent values `(T, rows)` of a column, AR(1) from row to row."""
    windows = len(truth.means)
    noise = rng.standard_normal(windows * rows) * np.sqrt(1 - dependence**2)
    latent = lfilter([1.0], [1.0, -dependence], noise).reshape(windows, rows)
    return latent * truth.scales + truth.means[:, column : column + 1]


def _counted(truth: Truth, values: list[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
    counts = []
    for j, latent in enumerate(values):
        bounds = _bounds(truth, j)
        table = [
            np.bincount(np.searchsorted(bound, window), minlength=len(bound) + 1)
            for bound, window in zip(bounds, latent, strict=True)
        ]
        counts.append(np.stack(table))
    return counts


def _bounds(truth: Truth, column: int) -> list[NDArray[np.float64]]:
    """Where the latent values of each window are cut."""
    if column < len(truth.edges):
        return [truth.edges[column]] * len(truth.means)
    return truth.cuts[column - len(truth.edges)]


def _truth(
    regime: str,
    rng: np.random.Generator,
    kinds: tuple[int, tuple[tuple[float, ...], ...]],
    length: tuple[int, float],
    change: Change | None,
    *,
    persistence: float = 0.9,
    sd: float = 0.05,
    continuous: bool = True,
) -> Truth:
    numeric, categories = kinds
    reference, months = length
    windows = reference + round(MONTH * months)
    shape = (windows, numeric + len(categories))
    means = _means(regime, rng, shape, persistence=persistence, sd=sd)
    scales = np.ones((windows, 1))
    cuts = [[ndtri(np.cumsum(p)[:-1])] * windows for p in categories]
    if change is not None:
        after = np.arange(windows - reference)
        moved = change.shift(after) if callable(change.shift) else change.shift
        means[reference:] += np.broadcast_to(moved, after.shape)[:, None]
        scales[reference:] = change.scale
        if change.shares is not None:
            moved_cuts = [ndtri(np.cumsum(change.shares)[:-1])] * len(after)
            cuts = [column[:reference] + moved_cuts for column in cuts]
    edges = _edges(1) * numeric if continuous else _edges(numeric)
    return Truth(means, scales, edges, cuts)


def _measured(
    counts: list[NDArray[np.int64]], sizes: list[int], rows: int, reference: int
) -> Stream:
    numeric = len(counts) - len(sizes)
    frame = _frame(numeric, sizes)
    profiles = [_profile(frame, [c[t] for c in counts], rows) for t in range(len(counts[0]))]
    baseline = Profile(frame)
    for profile in profiles[:reference]:
        baseline.merge(profile)
    bank = SeriesBank.fit(frame, baseline, rows)
    middles = (np.arange(len(profiles), dtype=np.int64) * HOUR + HOUR // 2) * MICROS
    middles += 4 * DAY * MICROS  # a Monday, so that weekends fall on the simulated ones
    season = Season.choose(HOUR, reference, middles[:reference])
    y = np.stack([bank.measure(profile) for profile in profiles])
    return Stream(y, season.design(middles), bank, reference, rows, profiles)


def _frame(numeric: int, sizes: list[int]) -> Frame:
    names = tuple(f"n{j}" for j in range(numeric))
    zeros = np.zeros(numeric)
    cells = NumericFrame(
        names=names,
        cells=CELLS,
        center=zeros,
        width=zeros + 1,
        range_low=zeros - np.inf,
        range_high=zeros + np.inf,
        edge_columns=np.empty(0, np.int64),
        edge_values=np.empty((0, CELLS + 1)),
    )
    vocabularies = tuple(tuple(f"v{k}" for k in range(size)) for size in sizes)
    categorical = CategoricalFrame(
        tuple(f"c{j}" for j in range(len(sizes))), vocabularies, (True,) * len(sizes)
    )
    return Frame(cells, categorical, PresenceFrame(()))


def _profile(frame: Frame, counts: list[NDArray[np.int64]], rows: int) -> Profile:
    profile = Profile(frame)
    numeric = len(frame.numeric.names)
    profile.rows = rows
    for j in range(numeric):
        profile.numeric.cells[j] = counts[j]
    for j, column in enumerate(counts[numeric:]):
        profile.categorical.codes[j, : len(column)] = column
    return profile


def plain_bank(column: list[int]) -> SeriesBank:
    """Bank of equally weighted series without bins, for tests that draw components directly."""
    of = np.array(column, dtype=np.int64)
    none = np.empty(0, np.int64)
    return SeriesBank(
        columns=int(of.max(initial=-1)) + 1,
        column=of,
        weight=1 / np.bincount(of)[of] if len(of) else np.empty(0),
        name=("location",) * len(of),
        freedom=np.full(len(of), 1e3),
        pooled=np.zeros(len(of)),
        entry=none,
        share=np.empty(0),
        starts=none,
        first=none,
        scores=np.empty((6, 0)),
        spread=np.empty(0),
        slots=none,
        slot_column=none,
    )

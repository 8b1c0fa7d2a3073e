"""Simulated streams with everything that real logs have and tests like to forget.

A `World` says what is true of every window: latent means and deviations of all columns, how many
rows came, which windows never came, how often a column is filled. `observe` draws what a monitor
gets to see of it. Rows that depend on each other, or columns that do, are drawn row by row; else
counts are drawn straight from the law of a window.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from detectors.profile.frame import CategoricalFrame, Frame, NumericFrame, PresenceFrame
from detectors.profile.profile import Profile
from detectors.sequential.calendar import DAY, MICROS, Season
from detectors.sequential.series import SeriesBank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CELLS = 64
HOUR = DAY // 24
MONDAY = 4 * DAY
"""1970-01-05, where simulated time begins."""


@dataclass(frozen=True, eq=False)
class World:
    """What is true of `T` consecutive windows of `F` columns, the first `reference` the baseline.

    Attributes
    ----------
    means, scales
        `(T, F)` and `(T, 1)` or `(T, F)`: law of a column's latent normal values.
    edges
        Per numeric column the latent edges of its cells; categorical columns follow them.
    shares
        Per categorical column `(T, K)`: shares of its values while the latent mean is 0.
    rows
        int64 `(T,)`: rows of each window.
    reference
        Windows of the baseline.
    filled
        `(F,)`: probability that a column has a value.
    present
        bool `(T,)`: windows that exist at all.
    dependence
        Autocorrelation from one row to the next.
    common
        Correlation of the columns with each other, row by row.
    seconds
        Length of a window.
    holidays
        Days since the beginning that the calendar knows as holidays.
    """

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    edges: list[NDArray[np.float64]]
    shares: list[NDArray[np.float64]]
    rows: NDArray[np.int64]
    reference: int
    filled: NDArray[np.float64]
    present: NDArray[np.bool_]
    dependence: float = 0.0
    common: float = 0.0
    seconds: int = HOUR
    holidays: tuple[int, ...] = field(default=())

    @property
    def columns(self) -> int:
        """Numeric and categorical columns."""
        return self.means.shape[1]

    def middles(self) -> NDArray[np.int64]:
        """int64 `(T,)`: middle times of all windows, microseconds."""
        begin = np.arange(len(self.means), dtype=np.int64) * self.seconds
        return (MONDAY + begin + self.seconds // 2) * MICROS


@dataclass(frozen=True, eq=False)
class Seen:
    """What a monitor sees: `T'` windows that exist, the first `reference` of them the baseline.

    Attributes
    ----------
    y, x
        `(T', S)` components, `(T', d)` season regressors.
    rows, index
        int64 `(T',)`: rows, and the place of the window on the clock.
    bank
        The components' meaning.
    reference
        Baseline windows among them.
    values
        Per column `(T, rows)` the latent values or codes, when rows were asked for.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    rows: NDArray[np.int64]
    index: NDArray[np.int64]
    bank: SeriesBank
    reference: int
    values: list[NDArray[np.float64]]

    @property
    def consecutive(self) -> NDArray[np.bool_]:
        """Whether a window follows the one before without a gap, `(T',)`."""
        return np.diff(self.index, prepend=self.index[0]) == 1


def quiet_world(
    windows: int,
    reference: int,
    *,
    edges: list[NDArray[np.float64]],
    shares: tuple[tuple[float, ...], ...],
    rows: int = 1000,
) -> World:
    """Nothing ever happens: independent rows, full columns, no missing window."""
    columns = len(edges) + len(shares)
    return World(
        means=np.zeros((windows, columns)),
        scales=np.ones((windows, 1)),
        edges=edges,
        shares=[np.broadcast_to(np.array(p), (windows, len(p))) for p in shares],
        rows=np.full(windows, rows, dtype=np.int64),
        reference=reference,
        filled=np.ones(columns),
        present=np.ones(windows, dtype=bool),
    )


def observe(world: World, rng: np.random.Generator, *, keep_rows: bool = False) -> Seen:
    """Draw the windows and measure them as a monitor would.

    `keep_rows` also returns the rows; every window must then have as many.
    """
    frame = _frame(world)
    if world.dependence or world.common or keep_rows:
        counts, values = _counted(world, rng, keep_rows=keep_rows)
    else:
        counts, values = _drawn(world, rng), []
    places = np.flatnonzero(world.present)
    profiles = [_profile(frame, counts, t, int(world.rows[t])) for t in places]
    reference = int((places < world.reference).sum())
    baseline = Profile(frame)
    for profile in profiles[:reference]:
        baseline.merge(profile)
    bank = SeriesBank.fit(frame, baseline, float(np.median(world.rows[places[:reference]])))
    middles = world.middles()[places]
    season = Season.choose(world.seconds, reference, middles[:reference])
    if world.holidays:
        season = replace(season, holidays=tuple(MONDAY // DAY + d for d in world.holidays))
    y = np.stack([bank.measure(profile) for profile in profiles])
    x = season.design(middles)
    return Seen(y, x, world.rows[places], places, bank, reference, values)


def _bounds(world: World, column: int) -> NDArray[np.float64]:
    """Latent values at which a column's cells begin, `(T, K - 1)`."""
    if column < len(world.edges):
        return np.broadcast_to(world.edges[column], (len(world.means), CELLS + 1))
    cumulative = np.cumsum(world.shares[column - len(world.edges)], axis=1)[:, :-1]
    bounds: NDArray[np.float64] = ndtri(np.clip(cumulative, 0, 1))
    return bounds


def _drawn(world: World, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Counts `(T, K)` of every column; what is missing to the rows is not filled."""
    counts = []
    scales = np.broadcast_to(world.scales, world.means.shape)
    for j in range(world.columns):
        standard = (_bounds(world, j) - world.means[:, j : j + 1]) / scales[:, j : j + 1]
        ends = np.ones((len(world.means), 1))
        shares = np.diff(np.hstack([0 * ends, ndtr(standard), ends]), axis=1)
        valid = rng.binomial(world.rows, world.filled[j])
        counts.append(rng.multinomial(valid, np.clip(shares, 0, 1)))
    return counts


def _counted(
    world: World, rng: np.random.Generator, *, keep_rows: bool
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    """Counts from rows that are drawn one by one, and the rows when they are kept."""
    counts, kept = [], []
    windows, rows = len(world.means), int(world.rows[0])
    common = rng.standard_normal(windows * rows, dtype=np.float32) if world.common else None
    for j, latent in enumerate(_latent(world, rng, windows * rows, common)):
        moved = latent.reshape(windows, rows) * _column(world.scales, j)
        moved += world.means[:, j : j + 1]
        bounds = _bounds(world, j)
        if (bounds == bounds[0]).all():
            codes = np.searchsorted(bounds[0], moved)
        else:
            codes = np.stack([np.searchsorted(b, m) for b, m in zip(bounds, moved, strict=True)])
        cells = bounds.shape[1] + 1
        flat = codes + cells * np.arange(windows)[:, None]
        table = np.bincount(flat.ravel(), minlength=windows * cells).reshape(windows, cells)
        counts.append(table)
        if keep_rows:
            kept.append(moved if j < len(world.edges) else codes.astype(np.float64))
    return counts, kept


def _column(scales: NDArray[np.float64], j: int) -> NDArray[np.float64]:
    return scales if scales.shape[1] == 1 else scales[:, j : j + 1]


def _latent(
    world: World, rng: np.random.Generator, size: int, common: NDArray[np.float32] | None
) -> Iterator[NDArray[np.float64]]:
    """Latent values of one column after the other, variance 1."""
    a = world.dependence
    for _ in range(world.columns):
        noise: NDArray[np.float64] = rng.standard_normal(size, dtype=np.float32)
        if common is not None:
            noise = np.sqrt(world.common) * common + np.sqrt(1 - world.common) * noise
        yield lfilter([np.sqrt(1 - a * a)], [1.0, -a], noise) if a else noise


def _frame(world: World) -> Frame:
    numeric = len(world.edges)
    zeros = np.zeros(numeric)
    cells = NumericFrame(
        names=tuple(f"n{j}" for j in range(numeric)),
        cells=CELLS,
        center=zeros,
        width=zeros + 1,
        range_low=zeros - np.inf,
        range_high=zeros + np.inf,
        edge_columns=np.empty(0, np.int64),
        edge_values=np.empty((0, CELLS + 1)),
    )
    sizes = [p.shape[1] for p in world.shares]
    vocabularies = tuple(tuple(f"v{k}" for k in range(size)) for size in sizes)
    names = tuple(f"c{j}" for j in range(len(sizes)))
    categorical = CategoricalFrame(names, vocabularies, (True,) * len(sizes))
    return Frame(cells, categorical, PresenceFrame(()))


def _profile(frame: Frame, counts: list[NDArray[np.int64]], t: int, rows: int) -> Profile:
    profile = Profile(frame)
    numeric = len(frame.numeric.names)
    profile.rows = rows
    for j in range(numeric):
        profile.numeric.cells[j] = counts[j][t]
        profile.numeric.missing[j] = rows - counts[j][t].sum()
    for j, column in enumerate(counts[numeric:]):
        profile.categorical.codes[j, : column.shape[1]] = column[t]
        profile.categorical.missing[j] = rows - column[t].sum()
    return profile

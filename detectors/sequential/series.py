"""From a window's profile to a few variance-stabilised scalars per column.

Every component is `sqrt(valid) * (what the window shows - what the whole baseline shows)`, scaled
so that independent rows of the baseline give variance 1. Means of scores are scaled exactly;
shares through `2 arcsin(sqrt((c + 3/8) / (v + 3/4)))` (Anscombe 1948), so a share's difference is
Cohen's h. Subtracting the baseline's value makes a component independent of how many rows a window
has, as long as nothing changes. The scale is taken about the window's own mean: about the
baseline's, every wandering mean would look like a change of scale.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors.errors import InputError, StateError
from detectors.sequential import scores as kinds
from detectors.sequential.scores import ColumnScores, column_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.profile import Profile

FORMAT = 2
MIN_VALID = 20
"""A column with fewer valid values in a window is not observed by it."""
MIN_SHARE_COUNT = 5.0
"""A category is followed by itself from this many expected rows per window on."""
MIN_RARE_COUNT = 1.0
"""Rests, missing and invalid values are followed from this many expected rows per window on."""
MAX_CATEGORIES = 20
RARE_FREEDOM = 20.0
"""Degrees of freedom of a share with less than MIN_SHARE_COUNT expected rows."""
NORMAL_FREEDOM = 1e3
MEANS = ("location", "scale", "shape 3", "shape 4")
TAILS = ("upper tail", "lower tail")
SHARE = "share of "
OTHER, MISSING, INVALID = "other values", "missing", "invalid"
_WEIGHT = {"location": 0.3, "scale": 0.2}
_REST_WEIGHT = 0.1
_CATEGORIES_WEIGHT = 0.6


@dataclass(frozen=True, eq=False)
class SeriesBank:
    """The components of all columns of a baseline: `S` series over `F` columns.

    Windows are first measured into a table of everything that could be followed: score means of
    the numeric columns (4 x f1), then shares (tails 2 x f1, categories k, other values f2, missing
    F, invalid F). `entry` picks the series from it.

    Attributes
    ----------
    columns
        Number of columns `F`.
    column
        int64 `(S,)`, non-decreasing: index into `frame.columns`. A column may have no series.
    weight
        float64 `(S,)`: sums to 1 over the series of one column.
    name
        What each series measures, in words.
    freedom
        float64 `(S,)`: degrees of freedom of the Student-t law that is as heavy-tailed as the
        component of a usual window of independent rows, which has few rows in small windows.
    pooled
        float64 `(S,)`: `effect` of the baseline as a whole, about 0.
    entry
        int64 `(S,)`: the series' place in the table.
    share
        float64 `(2 f1 + k + f2 + 2 F,)`: baseline value of every share in the table.
    starts, first
        int64: first cell of every bin in the flattened cell matrix `(b,)`, and the first bin of
        every numeric column `(f1,)`.
    scores
        float64 `(6, b)`: see `scores.ColumnScores`.
    spread
        float64 `(f1,)`: baseline standard deviation of the squared normal score, 0 if degenerate.
    slots, slot_column
        int64 `(k,)`: followed categories as (code, categorical column).
    """

    columns: int
    column: NDArray[np.int64]
    weight: NDArray[np.float64]
    name: tuple[str, ...]
    freedom: NDArray[np.float64]
    pooled: NDArray[np.float64]
    entry: NDArray[np.int64]
    share: NDArray[np.float64]
    starts: NDArray[np.int64]
    first: NDArray[np.int64]
    scores: NDArray[np.float64]
    spread: NDArray[np.float64]
    slots: NDArray[np.int64]
    slot_column: NDArray[np.int64]

    @classmethod
    def fit(cls, frame: Frame, baseline: Profile, expected_rows: float) -> SeriesBank:
        """Choose the components for windows of about `expected_rows` rows.

        Degenerate components are left out: constant columns, categories and missing shares with
        less than a handful of expected rows on either side.

        Raises
        ------
        InputError
            If the baseline has no rows or `expected_rows` is not positive.
        """
        if baseline.rows == 0 or not expected_rows > 0:
            raise InputError("a series bank needs baseline rows and expected_rows > 0")
        fitted = [column_scores(cells, expected_rows) for cells in baseline.cells]
        slots, slot_column = _followed(baseline, expected_rows)
        shell = cls(
            columns=len(frame.columns),
            column=np.empty(0, np.int64),
            weight=np.empty(0),
            name=(),
            freedom=np.empty(0),
            pooled=np.empty(0),
            entry=np.empty(0, np.int64),
            share=np.empty(0),
            slots=slots,
            slot_column=slot_column,
            **_joined(fitted, baseline.cells.shape[1]),
        )
        return _choose(shell, frame, baseline, expected_rows)

    def measure(self, profile: Profile) -> NDArray[np.float64]:
        """Components `(S,)` of a window; NaN where a column has too few valid values."""
        sums, valid = self._numeric(profile)
        counts, totals = self._shares(profile, sums, valid)
        means = _standard_means(sums, valid, self.spread)
        table = np.concatenate([means.ravel(), _arcsine(counts, totals, self.share)])
        observed = np.concatenate([np.tile(valid, len(MEANS)), totals]) >= MIN_VALID
        return np.where(observed, table, np.nan)[self.entry]

    @property
    def kind(self) -> NDArray[np.int64]:
        """int64 `(S,)`: the same small integer for series that measure the same thing."""
        kinds_of = [SHARE if name.startswith(SHARE) else name for name in self.name]
        return np.unique(kinds_of, return_inverse=True)[1].astype(np.int64)

    def effect(self, y: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        """Components per row, `(S,)`: normal-score standard deviations, Cohen's h for shares.

        Understated by `sqrt(valid / rows)` when a window misses values.
        """
        per_row: NDArray[np.float64] = y / np.sqrt(max(rows, 1.0))
        return per_row

    def state(self) -> dict[str, Any]:
        """Everything as a plain dict of ints, arrays and tuples of strings."""
        return {"format": FORMAT} | {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> SeriesBank:
        """Bank of a `state()`.

        Raises
        ------
        StateError
            If the format is unknown or a key is absent.
        """
        if state.get("format") != FORMAT:
            raise StateError(f"series bank has format {state.get('format')!r}, expected {FORMAT}")
        try:
            values = {f.name: state[f.name] for f in fields(cls)}
        except KeyError as error:
            raise StateError(f"series bank state lacks {error}") from error
        return cls(**values | {"columns": int(values["columns"]), "name": tuple(values["name"])})

    def _numeric(self, profile: Profile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score sums `(6, f1)` and valid values `(f1,)`."""
        if not len(self.first):
            return np.zeros((6, 0)), np.zeros(0)
        counts = np.add.reduceat(profile.cells.ravel(), self.starts).astype(np.float64)
        sums = np.add.reduceat(self.scores * counts, self.first, axis=1)
        return sums, np.add.reduceat(counts, self.first)

    def _shares(
        self, profile: Profile, sums: NDArray[np.float64], valid: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Counts and totals of every share in the table."""
        categorical = profile.categorical.valid().astype(np.float64)
        followed = profile.codes[self.slot_column, self.slots].astype(np.float64)
        in_slots = np.bincount(self.slot_column, followed, minlength=len(categorical))
        invalid = profile.wrong.astype(np.float64)
        invalid[: len(valid)] += profile.numeric.infinite
        counts = [sums[kinds.UPPER], sums[kinds.LOWER], followed, categorical - in_slots]
        totals = [valid, valid, categorical[self.slot_column], categorical]
        rows = np.full(2 * self.columns, float(profile.rows))
        return (
            np.concatenate([*counts, profile.missing.astype(np.float64), invalid]),
            np.concatenate([*totals, rows]),
        )


class _Candidate(NamedTuple):
    column: int
    name: str
    entry: int
    weight: float


def _choose(shell: SeriesBank, frame: Frame, baseline: Profile, expected_rows: float) -> SeriesBank:
    """Complete a bank without series by those that are not degenerate."""
    sums, valid = shell._numeric(baseline)  # noqa: SLF001 - same module
    counts, totals = shell._shares(baseline, sums, valid)  # noqa: SLF001
    share = counts / np.maximum(totals, 1.0)
    expected = np.minimum(share, 1 - share) * totals * (expected_rows / baseline.rows)
    eligible = expected >= MIN_RARE_COUNT
    chosen = [
        *_mean_candidates(shell, valid),
        *(c for c in _share_candidates(shell, frame) if eligible[c.entry - 4 * len(valid)]),
    ]
    chosen.sort(key=lambda candidate: candidate.column)
    column = np.array([c.column for c in chosen], dtype=np.int64)
    weight = np.array([c.weight for c in chosen])
    weight /= np.bincount(column, weight, minlength=shell.columns)[column]
    entry = np.array([c.entry for c in chosen], dtype=np.int64)
    valid_rows = valid * (expected_rows / baseline.rows)
    freedom = np.concatenate([_freedoms(shell, baseline, valid_rows), _share_freedom(expected)])
    values = {f.name: getattr(shell, f.name) for f in fields(shell)} | {
        "column": column,
        "weight": weight,
        "name": tuple(c.name for c in chosen),
        "freedom": freedom[entry],
        "entry": entry,
        "share": share,
    }
    unpooled = SeriesBank(**values)
    pooled = unpooled.effect(unpooled.measure(baseline), baseline.rows)
    return SeriesBank(**values | {"pooled": np.nan_to_num(pooled)})


def _freedoms(
    bank: SeriesBank, baseline: Profile, rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Degrees of freedom `(4 f1,)` of score means of `rows` `(f1,)` rows.

    A mean of `n` scores of kurtosis `k` has excess kurtosis `(k - 3) / n`, a Student-t law with
    `nu` degrees of freedom `6 / (nu - 4)`.
    """
    if not len(rows):
        return np.empty(0)
    counts = np.add.reduceat(baseline.cells.ravel(), bank.starts).astype(np.float64)
    total = np.maximum(np.add.reduceat(counts, bank.first), 1.0)
    a = bank.scores
    parts = [a[kinds.LOCATION], a[kinds.SQUARE] - 1, a[kinds.CUBIC], a[kinds.QUARTIC]]
    powers = np.array([[s**2, s**4] for s in parts])
    second, fourth = np.moveaxis(np.add.reduceat(powers * counts, bank.first, axis=2), 1, 0) / total
    excess = fourth / np.maximum(second**2, 1e-12) - 3
    return np.where(excess > 0, 4 + 6 * rows / np.maximum(excess, 1e-9), NORMAL_FREEDOM).ravel()


def _share_freedom(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(expected >= MIN_SHARE_COUNT, NORMAL_FREEDOM, RARE_FREEDOM)


def _mean_candidates(bank: SeriesBank, valid: NDArray[np.float64]) -> Iterator[_Candidate]:
    """Score means that vary in the baseline."""
    if not len(valid):
        return
    power = np.add.reduceat(np.abs(bank.scores), bank.first, axis=1)
    alive = [power[kinds.LOCATION], bank.spread, power[kinds.CUBIC], power[kinds.QUARTIC]]
    for m, name in enumerate(MEANS):
        weight = _WEIGHT.get(name, _REST_WEIGHT)
        for j in np.flatnonzero(alive[m] > 0):
            yield _Candidate(int(j), name, m * len(valid) + int(j), weight)


def _share_candidates(bank: SeriesBank, frame: Frame) -> Iterator[_Candidate]:
    """Every share of the table in its order."""
    f1, f2 = len(frame.numeric.names), len(frame.categorical.names)
    entry = len(MEANS) * f1
    for name in TAILS:
        for j in range(f1):
            yield _Candidate(j, name, entry + j, _REST_WEIGHT)
        entry += f1
    together = np.bincount(bank.slot_column, minlength=f2)
    for k, (code, j) in enumerate(zip(bank.slots, bank.slot_column, strict=True)):
        value = frame.categorical.vocabularies[j][code]
        weight = _CATEGORIES_WEIGHT / int(together[j])
        yield _Candidate(f1 + int(j), f"{SHARE}{value}", entry + k, weight)
    entry += len(bank.slots)
    for j in range(f2):
        yield _Candidate(f1 + j, OTHER, entry + j, _REST_WEIGHT)
    entry += f2
    for name in (MISSING, INVALID):
        for j in range(bank.columns):
            yield _Candidate(j, name, entry + j, _REST_WEIGHT)
        entry += bank.columns


def _followed(
    baseline: Profile, expected_rows: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frequent categories, most frequent first, as (code, categorical column)."""
    slots: list[int] = []
    columns: list[int] = []
    for j, codes in enumerate(baseline.codes):
        expected = codes * (expected_rows / baseline.rows)
        order = np.argsort(-codes, kind="stable")[:MAX_CATEGORIES]
        frequent = order[expected[order] >= MIN_SHARE_COUNT]
        slots += frequent.tolist()
        columns += [j] * len(frequent)
    return np.array(slots, dtype=np.int64), np.array(columns, dtype=np.int64)


def _joined(fitted: list[ColumnScores], cells: int) -> dict[str, NDArray[Any]]:
    """Bins of all columns one after the other."""
    if not fitted:
        empty = np.empty(0, np.int64)
        return {"starts": empty, "first": empty, "scores": np.zeros((6, 0)), "spread": np.zeros(0)}
    sizes = np.array([len(f.starts) for f in fitted])
    return {
        "starts": np.concatenate([f.starts + j * cells for j, f in enumerate(fitted)]),
        "first": np.cumsum(sizes) - sizes,
        "scores": np.concatenate([f.scores for f in fitted], axis=1),
        "spread": np.array([f.spread for f in fitted]),
    }


def _standard_means(
    sums: NDArray[np.float64], valid: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Location, scale, shape 3 and shape 4 `(4, f1)` in units of their iid standard deviation."""
    mean = sums / np.maximum(valid, 1.0)
    location = mean[kinds.LOCATION]
    scale = (mean[kinds.SQUARE] - location**2 - 1) / np.where(spread > 0, spread, 1.0)
    stacked = np.stack([location, scale, mean[kinds.CUBIC], mean[kinds.QUARTIC]])
    standard: NDArray[np.float64] = np.sqrt(valid) * stacked
    return standard


def _arcsine(
    counts: NDArray[np.float64], totals: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Variance-stabilised difference to the baseline's share."""
    padded = totals + 0.75
    shown = np.arcsin(np.sqrt((counts + 0.375) / padded))
    expected = np.arcsin(np.sqrt((totals * share + 0.375) / padded))
    difference: NDArray[np.float64] = 2 * np.sqrt(totals) * (shown - expected)
    return difference

"""CUSUM and EWMA: published run lengths, record-by-record definitions, simulated run lengths."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.online.cusum import FIXED, Cusum
from detectors.online.ewma import Ewma
from detectors.online.reference import Reference
from detectors.online.runlength import Steps, mean_run_length, smallest_limit
from detectors.result import GuaranteeKind
from tests.detectors.online.cases import errors, gaussian

NORMAL = Steps.of(*gaussian().normal_scores().distribution(0))


@pytest.mark.parametrize(
    ("limit", "shift", "expected"),
    # Montgomery, Introduction to Statistical Quality Control, table 9.3 (two-sided, k = 1/2).
    [
        (4, 0.0, 168),
        (4, 0.25, 74.2),
        (4, 0.5, 26.6),
        (4, 0.75, 13.3),
        (4, 1.0, 8.38),
        (4, 2.0, 3.34),
        (5, 0.0, 465),
        (5, 0.25, 139),
        (5, 0.5, 38.0),
        (5, 1.0, 10.4),
        (5, 2.0, 4.01),
    ],
)
def test_cusum_has_the_published_run_lengths(limit: int, shift: float, expected: float) -> None:
    found = Cusum(0.5).mean_run_length(NORMAL.shifted(shift), limit)
    assert found == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(
    ("weight", "width", "expected"),
    # Lucas & Saccucci 1990, table 3: shifts 0, .25, .5, 1, 2.
    [
        (0.4, 3.054, (500, 224, 71.2, 14.3, 3.5)),
        (0.25, 2.998, (500, 170, 48.2, 11.1, 3.6)),
        (0.2, 2.962, (500, 150, 41.8, 10.5, 3.7)),
        (0.1, 2.814, (500, 106, 31.3, 10.3, 4.4)),
        (0.05, 2.615, (500, 84.1, 28.8, 11.4, 5.2)),
    ],
)
def test_ewma_has_the_published_run_lengths(
    weight: float, width: float, expected: tuple[float, ...]
) -> None:
    for shift, records in zip((0.0, 0.25, 0.5, 1.0, 2.0), expected, strict=True):
        found = Ewma(weight).mean_run_length(NORMAL.shifted(shift), width)
        # The table has one decimal; its own error at shift 0 is about one percent.
        assert found == pytest.approx(records, rel=0.01, abs=0.051)


def plain_cusum(scores: np.ndarray, allowance: float, limit: float) -> list[int]:
    fixed, k, h = np.rint(scores * FIXED).astype(int), round(allowance * FIXED), limit * FIXED
    up = down = 0
    alarms = []
    for row, step in enumerate(fixed.tolist()):
        up, down = max(0, up + step - k), max(0, down - step - k)
        if max(up, down) >= round(h):
            alarms.append(row)
            up = down = 0
    return alarms


def plain_ewma(scores: np.ndarray, weight: float, limit: float) -> list[int]:
    mean, alarms = 0.0, []
    for row, score in enumerate(scores.tolist()):
        mean = (1 - weight) * mean + weight * score
        if abs(mean) >= limit:
            alarms.append(row)
            mean = 0.0
    return alarms


@pytest.mark.parametrize("rows", [10, 5_000, 70_000])
def test_blocks_are_the_record_by_record_definition(rows: int) -> None:
    reference = gaussian(2)
    values = np.random.default_rng(rows).normal(size=(rows, 2))
    values[rows // 2 :, 1] += 1
    scores = reference.normal_scores()(values.T)
    cusum, ewma = Cusum(threshold=4.0).fit(reference), Ewma(width=2.7).fit(reference)
    found = cusum.update(values), ewma.update(values)
    for column in range(2):
        expected = plain_cusum(scores[column], 0.5, 4.0)
        assert found[0].rows[found[0].columns == column].tolist() == expected
        expected = plain_ewma(scores[column], 0.1, 2.7 * Ewma().spread)
        assert found[1].rows[found[1].columns == column].tolist() == expected


@pytest.mark.parametrize("kind", [Cusum, Ewma])
@pytest.mark.parametrize("wanted", [50.0, 5_000.0, 1e6])
def test_the_limit_follows_from_the_run_length(kind: type, wanted: float) -> None:
    chart = kind(run_length=wanted).fit(gaussian())
    assert chart.run_lengths[0] == pytest.approx(wanted, rel=0.002)
    assert chart.delays[0] < wanted
    assert chart.guarantee(0).level == chart.run_lengths[0]


@pytest.mark.parametrize("kind", [Cusum, Ewma])
def test_a_constant_column_never_alarms(kind: type) -> None:
    chart = kind().fit(Reference.of_rows(["same"], np.full((100, 1), 3.0)))
    assert chart.run_lengths[0] == np.inf
    assert len(chart.update(np.linspace(-9, 9, 1_000))) == 0
    assert chart.guarantee(0).kind is GuaranteeKind.NONE


def heavy() -> Reference:
    return Reference.of_rows(["heavy"], np.random.default_rng(4).standard_t(2, (2_000, 1)))


def counts() -> Reference:
    return Reference.of_rows(["count"], np.random.default_rng(5).poisson(1.0, (2_000, 1)) * 1.0)


def drawn(reference: Reference, rows: int, seed: int) -> np.ndarray:
    """Values in groups drawn as often as the reference has them."""
    edges, count = reference.edges[0], reference.counts[0]
    inside = np.concatenate([[edges[0] - 1], (edges[:-1] + edges[1:]) / 2, [edges[-1] + 1]])
    if reference.rates[0] is not None:
        inside = np.array([0.0, 1.0])
    return np.random.default_rng(seed).choice(inside, rows, p=count / count.sum())


@pytest.mark.parametrize("kind", [Cusum, Ewma])
@pytest.mark.parametrize("make", [gaussian, heavy, counts, lambda: errors(0.03)])
def test_simulated_run_lengths_agree(kind: type, make: object) -> None:
    # Alarms in N records are nearly Poisson with mean N / run length; bounds at 1e-6 are five
    # standard deviations wide. Scores with few values sit on a lattice, on which the equations are
    # some percent off.
    reference, rows = make(), 1_000_000
    chart = kind(run_length=2_000.0).fit(reference)
    expected = rows / chart.run_lengths[0]
    alarms = len(chart.update(drawn(reference, rows, 6)))
    lattice = 0.1 if len(NORMAL.values) > np.count_nonzero(reference.counts[0]) else 0.0
    assert abs(alarms - expected) < 5 * np.sqrt(expected) + lattice * expected


def test_equations_of_a_fair_walk() -> None:
    # A walk on 0..2 that steps up or down with probability one half, held at 0: leaving takes
    # 12 - x (x + 1) steps from x (solved by hand).
    grid = np.arange(3.0)
    target = np.maximum(grid[:, None] + np.array([1.0, -1.0]), 0.0)
    found = mean_run_length(grid, target, np.array([0.5, 0.5]))
    assert found == pytest.approx([12.0, 10.0, 6.0])


def test_a_chart_that_cannot_leave_has_no_run_length() -> None:
    grid = np.linspace(0, 1, 5)
    found = mean_run_length(grid, np.zeros((5, 1)), np.ones(1))
    assert np.isinf(found).all()
    assert smallest_limit(lambda _limit: 5.0, 10.0) == np.inf


def test_jumps_of_the_run_length_end_on_the_high_side() -> None:
    limit = smallest_limit(lambda h: 10.0 if h < 3 else 1_000.0, 500.0)
    assert limit == pytest.approx(3.0, rel=1e-5)
    assert limit >= 3.0


def test_joining_scores_keeps_their_mean() -> None:
    generator = np.random.default_rng(7)
    values, shares = generator.standard_t(3, 5_000), generator.dirichlet(np.ones(5_000))
    steps = Steps.of(values, shares)
    assert len(steps.values) <= 256
    assert steps.shares.sum() == pytest.approx(1.0)
    assert steps.shares @ steps.values == pytest.approx(shares @ values, abs=1e-12)

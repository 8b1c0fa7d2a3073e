"""Online charts alarm falsely as rarely as they say, whatever the column's shape.

The mean of k run lengths, each nearly exponential, is a gamma variable: with k = 200 its ratio to
the stated mean lies in [0.69, 1.39] but for one case in a million.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import gamma

from detectors.online.cusum import Cusum
from detectors.online.ewma import Ewma
from detectors.online.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RUNS = 200
STATED = 1_000.0
LOW, HIGH = gamma.ppf([5e-7, 1 - 5e-7], RUNS, scale=1 / RUNS)


def student(generator: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return generator.standard_t(3, rows)


def lognormal(generator: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return generator.lognormal(0, 1.5, rows)


def rounded(generator: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return np.rint(2 * generator.normal(size=rows))


@pytest.mark.parametrize("chart", [Cusum, Ewma])
@pytest.mark.parametrize("draw", [student, lognormal, rounded])
def test_the_mean_run_length_is_the_stated_one(
    chart: type[Cusum | Ewma], draw: Callable[[np.random.Generator, int], NDArray[np.float64]]
) -> None:
    generator = np.random.default_rng(20)
    # So many rows that the baseline itself is known well: its error is not what is tested.
    reference = Reference.of_rows(["x"], draw(generator, 400_000)[:, None])
    running = chart(run_length=STATED).fit(reference)
    # Every column is a run of its own; a run that has not ended goes on in the next block.
    first = np.zeros(RUNS)
    for run in range(RUNS):
        one, seen = running.fresh(), 0
        while not first[run]:
            alarms = one.update(draw(generator, 2_000)).rows
            first[run] = seen + alarms[0] + 1 if len(alarms) else 0
            seen += 2_000
    assert LOW < first.mean() / running.run_lengths[0] < HIGH


def test_the_bounds_are_those_of_the_style_guide() -> None:
    assert (pytest.approx(0.69, abs=0.01), pytest.approx(1.39, abs=0.01)) == (LOW, HIGH)

"""alibi-detect's detectors that compare a whole window with the baseline.

They run in a process of their own with alibi-detect 0.11.4 (Van Looveren et al. 2019, Apache
2.0); see `monitor.plugins`. A window whose p-value is at most `p_value` makes a warning:
these tests assume independent rows and know nothing of other windows, so that they have no part in
the budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from detectors.card import Card
from detectors.external.order import (
    ALIBI,
    INPUT,
    Order,
    require_level,
    require_permutations,
    require_whole,
)

GUARANTEE = "fixed sample: a false alarm per window with probability p_value; independent rows"
AVOID = "windows whose rows depend on each other, and wherever the built-in {instead} will do"


@dataclass(frozen=True)
class _Permuted:
    """A distance with a permutation test.

    Parameters
    ----------
    p_value
        Level per window, in (0, 1).
    permutations
        At least `1 / p_value`, at most 10000; memory and time grow with them times `rows` squared.
    rows
        Rows of a window, and of the baseline, that are compared, in [50, 5000].

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    name: ClassVar[str]

    p_value: float
    permutations: int
    rows: int

    def __post_init__(self) -> None:
        require_level(self.p_value)
        require_permutations(self.permutations, self.p_value)
        require_whole("rows", self.rows, 50, 5_000)

    def fit(self) -> Order:
        """What the worker is to prepare."""
        params = {"p_value": self.p_value, "permutations": self.permutations}
        return Order(ALIBI, self.name, params, self.rows)


@dataclass(frozen=True)
class AlibiMmd(_Permuted):
    """Maximum mean discrepancy with a permutation test; parameters as in `_Permuted`."""

    name: ClassVar[str] = "alibi_mmd"
    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="squared maximum mean discrepancy, Gaussian kernel of median width",
        guarantee=GUARANTEE,
        cost="3 s per window with the defaults, 90 s and 9 GB with 1,000 rows and permutations",
        memory="a process of 800 MB",
        reference="Gretton et al. 2012, J. Mach. Learn. Res. 13",
        avoid=AVOID.format(instead="mmd"),
    )

    p_value: float = 0.005
    permutations: int = 200
    rows: int = 500


@dataclass(frozen=True)
class AlibiLsdd(_Permuted):
    """Least-squares density difference with a permutation test; parameters as in `_Permuted`."""

    name: ClassVar[str] = "alibi_lsdd"
    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="least-squares estimate of the squared difference of two densities",
        guarantee=GUARANTEE,
        cost="0.3 s per window",
        memory="a process of 800 MB",
        reference="Bu, Alippi & Zhao 2018, IEEE Trans. Neural Netw. Learn. Syst. 29",
        avoid=AVOID.format(instead="mmd"),
    )

    p_value: float = 0.001
    permutations: int = 1_000
    rows: int = 1_000


@dataclass(frozen=True)
class AlibiClassifier:
    """Gradient boosting that tells the window from the baseline, cross-fitted.

    Parameters
    ----------
    p_value, rows
        As in `AlibiMmd`.
    folds
        In [2, 20].

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="Kolmogorov-Smirnov distance of out-of-fold probabilities",
        guarantee=GUARANTEE,
        cost="1 s per window",
        memory="a process of 800 MB",
        reference="Lopez-Paz & Oquab 2017, ICLR",
        avoid=AVOID.format(instead="classifier"),
    )

    p_value: float = 0.001
    folds: int = 5
    rows: int = 1_000

    def __post_init__(self) -> None:
        require_level(self.p_value)
        require_whole("folds", self.folds, 2, 20)
        require_whole("rows", self.rows, 50, 5_000)

    def fit(self) -> Order:
        """What the worker is to prepare."""
        params = {"p_value": self.p_value, "folds": self.folds}
        return Order(ALIBI, "alibi_classifier", params, self.rows)


@dataclass(frozen=True)
class AlibiSpotTheDiff:
    """A classifier of a few directions, which says by what columns the window differs.

    Parameters
    ----------
    p_value, rows
        As in `AlibiMmd`.
    diffs
        Directions, in [1, 20].
    epochs
        Passes of the training, in [1, 100].

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="Kolmogorov-Smirnov distance of held-out probabilities of a kernel classifier",
        guarantee=GUARANTEE,
        cost="1 s per window",
        memory="a process of 800 MB",
        reference="Jitkrittum et al. 2016, NeurIPS, as adapted by alibi-detect",
        avoid=AVOID.format(instead="classifier, which explains itself,"),
    )

    p_value: float = 0.001
    diffs: int = 1
    epochs: int = 20
    rows: int = 1_000

    def __post_init__(self) -> None:
        require_level(self.p_value)
        require_whole("diffs", self.diffs, 1, 20)
        require_whole("epochs", self.epochs, 1, 100)
        require_whole("rows", self.rows, 50, 5_000)

    def fit(self) -> Order:
        """What the worker is to prepare."""
        params = {"p_value": self.p_value, "diffs": self.diffs, "epochs": self.epochs}
        return Order(ALIBI, "alibi_spot_the_diff", params, self.rows)

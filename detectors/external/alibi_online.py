"""alibi-detect's detectors that read one row after the other.

They read the sampled rows of each window in order of time, in a process of their own (see
`detectors.external.alibi`), and begin anew when that process does. Their thresholds are found by
bootstrap, so that `run_length` rows pass on average between two false alarms of independent rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.external.order import ALIBI, INPUT, Order, require_whole

GUARANTEE = "run length, by bootstrap of the baseline; independent rows"
AVOID = "rows that depend on each other; it sees sampled rows, the built-in {instead} see all"
LEAST, MOST = 32.0, 1e6
PER_RUN = 10
"""Bootstraps per row of run length that the quantile of the first threshold needs."""


def require_run_length(run_length: float, bootstraps: float = math.inf) -> None:
    """Refuse a run length that so many bootstraps cannot give.

    Raises
    ------
    ParameterError
        Names the domain.
    """
    if not LEAST <= run_length <= MOST:
        raise ParameterError(f"run_length must be in [32, 1e6] rows, got {run_length:g}")
    if bootstraps < PER_RUN * run_length:
        least = PER_RUN * run_length
        raise ParameterError(f"bootstraps must be at least {least:g} for run_length {run_length:g}")


@dataclass(frozen=True)
class _NewestRows:
    """What compares the newest rows with the baseline, after every row.

    Parameters
    ----------
    run_length
        Rows between two false alarms, in [32, 1e6].
    window
        Rows that are compared with the baseline, in [5, 1000].
    bootstraps
        At least ten times `run_length`.
    rows
        Rows of a window, and of the baseline, that are used, in [50, 5000].

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    name: ClassVar[str]

    run_length: float = 1_000.0
    window: int = 20
    bootstraps: int = 10_000
    rows: int = 500

    def __post_init__(self) -> None:
        require_run_length(self.run_length, self.bootstraps)
        require_whole("window", self.window, 5, 1_000)
        require_whole("rows", self.rows, 50, 5_000)

    def fit(self) -> Order:
        """What the worker is to prepare."""
        params = {
            "run_length": self.run_length,
            "window": self.window,
            "bootstraps": self.bootstraps,
        }
        return Order(ALIBI, self.name, params, self.rows)


@dataclass(frozen=True)
class AlibiMmdOnline(_NewestRows):
    """Maximum mean discrepancy of the newest rows; parameters as in `_NewestRows`."""

    name: ClassVar[str] = "alibi_mmd_online"
    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="squared maximum mean discrepancy of the newest rows",
        guarantee=GUARANTEE,
        cost="0.6 ms per row, 20 s to start",
        memory="a process of 800 MB",
        reference="Gretton et al. 2012; Cobb, Van Looveren & Klaise 2022, AISTATS",
        avoid=AVOID.format(instead="scorers"),
    )


@dataclass(frozen=True)
class AlibiLsddOnline(_NewestRows):
    """Density difference of the newest rows; parameters as in `_NewestRows`."""

    name: ClassVar[str] = "alibi_lsdd_online"
    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="least-squares density difference of the newest rows",
        guarantee=GUARANTEE,
        cost="0.2 ms per row, 15 s to start",
        memory="a process of 800 MB",
        reference="Bu, Alippi & Zhao 2018; Cobb, Van Looveren & Klaise 2022, AISTATS",
        avoid=AVOID.format(instead="scorers"),
    )


@dataclass(frozen=True)
class AlibiCvmOnline:
    """Cramer-von Mises tests of every column over the newest rows, after every row.

    Parameters
    ----------
    run_length, rows
        As in `AlibiMmdOnline`; columns and windows share it.
    windows
        Increasing numbers of rows that are compared with the baseline, each in [5, 1000].

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    card: ClassVar[Card] = Card(
        input=INPUT,
        statistic="largest Cramer-von Mises statistic over columns and windows",
        guarantee=GUARANTEE,
        cost="0.4 ms per row, 40 s to start with three columns",
        memory="a process of 800 MB",
        reference="Ross & Adams 2012, J. Qual. Technol. 44",
        avoid=AVOID.format(instead="cusum and ewma"),
    )

    run_length: float = 1_000.0
    windows: tuple[int, ...] = (20, 40)
    rows: int = 500

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", tuple(self.windows))
        require_run_length(self.run_length)
        if list(self.windows) != sorted(set(self.windows)) or not self.windows:
            raise ParameterError(f"windows must increase, got {self.windows}")
        for window in self.windows:
            require_whole("windows", window, 5, 1_000)
        require_whole("rows", self.rows, 50, 5_000)

    def fit(self) -> Order:
        """What the worker is to prepare."""
        params = {"run_length": self.run_length, "windows": list(self.windows)}
        return Order(ALIBI, "alibi_cvm_online", params, self.rows)


@dataclass(frozen=True)
class AlibiFetOnline:
    """Fisher's exact tests of columns of zeros and ones, after every row.

    Parameters
    ----------
    run_length, rows
        As in `AlibiMmdOnline`; columns and windows share it.
    windows
        Increasing numbers of rows that are compared with the baseline, each in [5, 1000].

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    card: ClassVar[Card] = Card(
        input="rows of the sample: columns of zeros and ones",
        statistic="largest of Fisher's exact tests over columns and windows",
        guarantee=GUARANTEE,
        cost="0.3 ms per row, 40 s to start with three columns",
        memory="a process of 800 MB",
        reference="Ross, Tasoulis & Adams 2012, J. Appl. Stat. 40",
        avoid=AVOID.format(instead="cusum and ewma"),
    )

    run_length: float = 1_000.0
    windows: tuple[int, ...] = (20, 40)
    rows: int = 500

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", tuple(self.windows))
        require_run_length(self.run_length)
        if list(self.windows) != sorted(set(self.windows)) or not self.windows:
            raise ParameterError(f"windows must increase, got {self.windows}")
        for window in self.windows:
            require_whole("windows", window, 5, 1_000)
        require_whole("rows", self.rows, 50, 5_000)

    def fit(self) -> Order:
        """What the worker is to prepare."""
        params = {"run_length": self.run_length, "windows": list(self.windows)}
        return Order(ALIBI, "alibi_fet_online", params, self.rows)

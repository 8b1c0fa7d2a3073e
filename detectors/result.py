"""What detectors say: frozen values with stated shapes, units and guarantees."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from detectors.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

Severity: TypeAlias = Literal["broken", "warning"]


class GuaranteeKind(StrEnum):
    """What a threshold promises about false alarms."""

    FIXED_SAMPLE = "fixed_sample"
    """One look at one window of fixed size alarms falsely with probability at most `level`."""
    ANYTIME = "anytime"
    """A whole stream of looks alarms falsely with probability at most `level`."""
    RUN_LENGTH = "run_length"
    """False alarms come at most every `level` windows (or records) on average."""
    NONE = "none"
    """Nothing: a distance, to be read beside its size."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The promise of a threshold, as data and as a sentence for people."""

    kind: GuaranteeKind
    level: float | None
    text: str


def fixed_sample(alpha: float, assumption: str = "assumes independent rows") -> Guarantee:
    """At most `alpha` false alarms per column and look, under `assumption`."""
    text = f"a false alarm per column and window with probability {alpha:g}; {assumption}"
    return Guarantee(GuaranteeKind.FIXED_SAMPLE, alpha, text)


def no_guarantee(text: str = "a distance without a false-alarm guarantee") -> Guarantee:
    """Return the absence of a promise, with the reason."""
    return Guarantee(GuaranteeKind.NONE, None, text)


@dataclass(frozen=True, eq=False)
class ColumnStatistics:
    """One detector's measurements on one window, for many columns at once.

    Attributes
    ----------
    detector
        Registry name.
    columns
        Names of the `c` columns that were judged.
    statistic
        float64 `(c,)`; NaN where the window or the baseline has no valid values.
    threshold
        float64 `(c,)` to which `statistic` is compared, NaN where there is none; None for
        detectors that have no threshold.
    p_value
        float64 `(c,)`, NaN as in `statistic`; None for distances.
    effect
        float64 `(c,)`: how large the change is, in `effect_unit`.
    effect_unit
        What `effect` counts, in words.
    guarantee
        What exceeding `threshold` promises.
    """

    detector: str
    columns: tuple[str, ...]
    statistic: NDArray[np.float64]
    threshold: NDArray[np.float64] | None
    p_value: NDArray[np.float64] | None
    effect: NDArray[np.float64]
    effect_unit: str
    guarantee: Guarantee

    def __post_init__(self) -> None:
        expected = (len(self.columns),)
        for array in (self.statistic, self.threshold, self.p_value, self.effect):
            if array is not None and array.shape != expected:
                raise InputError(f"{self.detector}: shape {array.shape}, expected {expected}")


@dataclass(frozen=True)
class Explanation:
    """Why a scorer of several columns says that a window differs.

    Attributes
    ----------
    text
        A clause for people, such as `dep_delay and distance no longer move together`.
    shares
        Part of the shift that each column explains, largest first; sums to at most 1.
    """

    text: str
    shares: Mapping[str, float] = field(default_factory=dict)


class QualityKind(StrEnum):
    """What can be wrong with data, whatever their distribution."""

    MISSING = "missing"
    RANGE = "range"
    UNSEEN = "unseen"
    WRONG_TYPE = "wrong_type"
    INFINITE = "infinite"
    DUPLICATES = "duplicates"
    CONSTANT = "constant"
    SCHEMA = "schema"
    VOLUME = "volume"
    FRESHNESS = "freshness"
    UNITS = "units"
    SENTINEL = "sentinel"
    STUCK = "stuck"
    PRECISION = "precision"
    RENAMED = "renamed"
    ENCODING = "encoding"
    REPLAY = "replay"
    SKEW = "skew"
    LABELS = "labels"
    SUSPICIOUS = "suspicious"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """One thing that is wrong with the data of a window.

    Attributes
    ----------
    column
        The column, empty for findings about whole rows or the stream.
    kind, severity
        `broken` needs somebody now, `warning` needs a look.
    observed, expected
        The measured value and the baseline's, in the unit of the kind: shares of rows in [0, 1],
        counts for volume, seconds for freshness, distinct values for constant.
    text
        One sentence a person can act on.
    columns
        All columns that a finding about several speaks of; empty where `column` says it.
    """

    column: str
    kind: QualityKind
    severity: Severity
    observed: float
    expected: float
    text: str
    columns: tuple[str, ...] = ()

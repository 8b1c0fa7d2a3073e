"""Whether labels come as usual: how many per prediction, and how many of them are positive.

Shares are compared on the scale `2 asin(sqrt(p))`, on which their sampling variance is `1 / n`; to
it comes the variance between the baseline's windows. With `R` windows the score is compared with
Student's law of `R - 1` degrees of freedom. A finding also needs a difference that matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import stdtr

from detectors.errors import InputError, ParameterError
from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.result import Severity

LEAST_WINDOWS: Final = 5
LEAST_RECORDS: Final = 30
LEAST_EFFECT: Final = 0.2
"""Cohen's h: about 10 points in the middle, 4 near 2 %."""
BROKEN_EFFECT: Final = 0.8


@dataclass(frozen=True)
class UsualShare:
    """A share of the baseline's windows: `mean` and `spread` of its angles, `windows` of them."""

    mean: float
    spread: float
    windows: int

    @classmethod
    def of(cls, part: NDArray[np.int64], whole: NDArray[np.int64]) -> UsualShare | None:
        """Learn from windows with `part` of `whole`, int64 `(R,)`; None from too few.

        Raises
        ------
        InputError
            If the arrays differ in shape or a part is larger than its whole.
        """
        if part.shape != whole.shape or (part > whole).any():
            raise InputError("each window needs a part and a whole that is no smaller")
        enough = whole >= LEAST_RECORDS
        windows = int(enough.sum())
        if windows < LEAST_WINDOWS:
            return None
        angles = 2 * np.arcsin(np.sqrt(part[enough] / whole[enough]))
        surplus = float(angles.var(ddof=1) - (1 / whole[enough]).mean())
        return cls(float(angles.mean()), math.sqrt(max(surplus, 0.0)), windows)

    @property
    def share(self) -> float:
        """The usual share itself."""
        return math.sin(self.mean / 2) ** 2

    def differs(self, part: int, whole: int, alpha: float) -> float:
        """Cohen's h of a window's share against the usual one; 0 where it is no finding."""
        if whole < LEAST_RECORDS:
            return 0.0
        effect = 2 * math.asin(math.sqrt(part / whole)) - self.mean
        error = math.sqrt(1 / whole + self.spread**2 * (1 + 1 / self.windows))
        chance = 2 * float(stdtr(self.windows - 1, -abs(effect) / error))
        return effect if chance < alpha and abs(effect) >= LEAST_EFFECT else 0.0


@dataclass(frozen=True)
class UsualLabels:
    """How labels usually come. Build it with `UsualLabels.of`.

    `coverage` is the share of predictions that get a label within the horizon, `positive` that of
    the positive ones among the labels; None where the baseline does not say.
    """

    coverage: UsualShare | None
    positive: UsualShare | None
    alpha: float

    @classmethod
    def of(
        cls,
        predictions: NDArray[np.int64],
        labels: NDArray[np.int64],
        positives: NDArray[np.int64] | None,
        alpha: float = 1e-6,
    ) -> UsualLabels:
        """Learn from the baseline's windows.

        Parameters
        ----------
        predictions, labels, positives
            int64 `(R,)` counts of each window whose labels are complete; `positives` is None where
            no class is positive.
        alpha
            Probability of such a share below which there is a finding, for each; in (0, 1).

        Raises
        ------
        ParameterError
            If `alpha` is outside its domain.
        InputError
            If counts do not fit each other.
        """
        if not 0 < alpha < 1:
            raise ParameterError(f"alpha must be in (0, 1), got {alpha}")
        positive = None if positives is None else UsualShare.of(positives, labels)
        return cls(UsualShare.of(labels, predictions), positive, alpha)

    def find(
        self, predictions: int, labels: int, positives: int | None
    ) -> tuple[QualityFinding, ...]:
        """Judge a window whose labels are complete."""
        found = []
        if self.coverage is not None:
            words = "of the predictions have a label"
            found += _finding(self.coverage, labels, predictions, self.alpha, words)
        if self.positive is not None and positives is not None:
            words = "of the labels are positive"
            found += _finding(self.positive, positives, labels, self.alpha, words)
        return tuple(found)


def _finding(
    usual: UsualShare, part: int, whole: int, alpha: float, words: str
) -> list[QualityFinding]:
    effect = usual.differs(part, whole, alpha)
    if not effect:
        return []
    observed = part / whole
    text = f"{percent(observed)} {words} (baseline {percent(usual.share)})"
    severity: Severity = "broken" if abs(effect) >= BROKEN_EFFECT else "warning"
    return [QualityFinding("", QualityKind.LABELS, severity, observed, usual.share, text)]

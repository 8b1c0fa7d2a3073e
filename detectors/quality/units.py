"""Columns whose values were converted: another unit, scale or sign, a logarithm.

The window's values are converted back and compared with the baseline's: when that makes two
distributions the same that were far apart, the conversion is what happened. No probability is
claimed. That all quantiles move by one known conversion and by nothing else does not happen by
itself, so the verdict is `broken`. Factors that honest change may come near (2.2, 1.6) must fit to
within 5 %, beyond chance; where a column is too wide for that, it is a `warning` that guesses.

Columns of which only a part was converted (one of several producers) are recognised where that part
lies outside all that the baseline holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.quality.conversions import CONVERSIONS
from detectors.quality.distance import MOST_ROWS, apart, distance, increasing, noise
from detectors.quality.wording import percent, plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.quality.baseline import Observed, QualityBaseline
    from detectors.quality.conversions import Conversion, Function

LEAST: Final = 30
"""Values on either side below which nothing is recognised."""
LEAST_OF_A_FACTOR: Final = 200
"""The same for factors that honest change may come near."""
QUARTILES: Final = 1.2
"""Standard error of the distance of quartiles, relative, times the root of the number of values."""
LEAST_DISTINCT: Final = 5
"""Values of so few kinds match too many conversions."""
FAR: Final = 0.25
"""Kolmogorov-Smirnov distance of the values as they are; below, there is nothing to explain."""
WANDERING: Final = 0.1
"""Distance that windows may have from the baseline by themselves, for plain conversions."""
DISJOINT: Final = 0.9
"""From here on nearly no value is where the baseline has any."""
BETTER: Final = 2.0
"""Times that the distance must be smaller after converting back than before."""
LEAST_PART: Final = 0.02
SURE: Final = 3.0
"""Standard errors by which a factor that is no power of ten may be missed."""
PRECISE, VAGUE = 0.05, 0.15
"""Relative error of such a factor from which on it is a guess, and not even that."""


@dataclass(frozen=True, slots=True)
class Match:
    """A conversion that explains `share` of a column's values, `distance` being left over.

    It is not `sure` where another factor than a known one would explain them too.
    """

    conversion: Conversion
    share: float
    distance: float
    sure: bool = True


def find_unit_changes(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns whose values were converted."""
    found = []
    rows = window.sample.numeric[:MOST_ROWS]
    if len(rows) < LEAST:
        return ()
    for j, name in enumerate(baseline.frame.numeric.names):
        known, values = baseline.traits.values[j], increasing(rows[:, j])
        match = recognise(known, values, baseline.usually_apart[j])
        if match is not None:
            found.append(_finding(name, known, values, match))
    return tuple(found)


def recognise(
    known: NDArray[np.float64], values: NDArray[np.float64], usual: float = 0.0
) -> Match | None:
    """The conversion that turns the baseline's values into a window's, if there is one.

    Parameters
    ----------
    known, values
        float64 `(m,)` and `(n,)`, finite, increasing.
    usual
        Largest distance that a window of the baseline had from all of it.
    """
    if min(len(known), len(values)) < LEAST or not _varied(known):
        return None
    whole = _whole(known, values, usual)
    return _part(known, values) if whole is None else whole


def _whole(known: NDArray[np.float64], values: NDArray[np.float64], usual: float) -> Match | None:
    # Zero is zero in every unit: what is multiplied shows in the other values.
    a, b = known[known != 0], values[values != 0]
    if min(len(a), len(b)) < LEAST or max(apart(known, values), apart(a, b)) < FAR + usual:
        return None
    far, chance = distance(a, b), noise(len(known), len(values))
    matches = []
    for conversion in CONVERSIONS:
        back = _converted(values, conversion.undo)
        if len(back) == len(values) and (match := _fit(conversion, known, back, far)) is not None:
            allowed = max(chance, WANDERING) if conversion.plain else chance
            if match.distance > allowed and conversion.plain and far >= DISJOINT:
                allowed += usual if _apart_after(conversion, known) else 0.0
            if match.distance <= allowed:
                matches.append(match)
    return min(matches, key=_leftover, default=None)


def _fit(
    conversion: Conversion, known: NDArray[np.float64], back: NDArray[np.float64], far: float
) -> Match | None:
    """How well a conversion explains values `far` away, `back` being converted back."""
    left = distance(known, back)
    if left * BETTER > far:
        return None
    if conversion.plain:
        return Match(conversion, 1.0, left)
    if min(len(known), len(back)) < LEAST_OF_A_FACTOR:
        return None
    missed, chance = _factor_error(known, back)
    fits = missed <= chance <= VAGUE and _spread_error(known, back) <= 1
    return Match(conversion, 1.0, left, sure=chance <= PRECISE) if fits else None


def _apart_after(conversion: Conversion, known: NDArray[np.float64]) -> bool:
    """Whether converted values lie where the baseline has nearly none.

    Only then may windows that wander by themselves be this far from the baseline after they have
    been converted back: else a season, or a drift, would pass for a conversion.
    """
    there = _converted(known, conversion.apply)
    return len(there) == len(known) and distance(there, known) >= DISJOINT


def _spread_error(known: NDArray[np.float64], back: NDArray[np.float64]) -> float:
    """How much the quartiles' distance differs after converting back, in what is allowed."""
    before, now = (float(np.subtract(*np.quantile(x, (0.75, 0.25)))) for x in (known, back))
    if min(before, now) <= 0:
        return float(before != now)
    allowed = SURE * QUARTILES * np.sqrt(1 / len(known) + 1 / len(back))
    return float(abs(np.log(now / before)) / allowed)


def _part(known: NDArray[np.float64], values: NDArray[np.float64]) -> Match | None:
    """Explain the values outside the baseline's by a conversion that puts most of it there."""
    low, high = float(known[0]), float(known[-1])
    outside = values[(values < low) | (values > high)]
    share = len(outside) / len(values)
    if len(outside) < LEAST or share < LEAST_PART:
        return None
    moving = known[known != 0]
    matches = []
    for conversion in (each for each in CONVERSIONS if each.plain):
        there = _converted(moving, conversion.apply)
        away = _converted(there[(there < low) | (there > high)], conversion.undo)
        back = _converted(outside, conversion.undo)
        if len(there) == len(moving) <= 2 * len(away) and len(back) == len(outside):
            left = distance(away, back)
            if left <= noise(len(away), len(back)):
                matches.append(Match(conversion, share, left))
    return min(matches, key=_leftover, default=None)


def _leftover(match: Match) -> float:
    return match.distance


def _factor_error(known: NDArray[np.float64], back: NDArray[np.float64]) -> tuple[float, float]:
    """How far converting back misses the baseline's middle, and how far it may by chance."""
    chance = SURE * float(np.sqrt(1 / len(known) + 1 / len(back)))
    if known.min() > 0 and back.min() > 0:
        logs = np.log(known)
        return abs(float(np.log(back).mean() - logs.mean())), chance * float(logs.std())
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75)).tolist()
    size = max(abs(middle), (high - low) / 2) or 1.0
    return abs(float(np.median(back)) - middle) / size, chance * (high - low) / size


def _converted(values: NDArray[np.float64], how: Function) -> NDArray[np.float64]:
    """Converted values; those that have no image are left out."""
    with np.errstate(all="ignore"):
        image = how(values)
    return image[np.isfinite(image)]


def _varied(known: NDArray[np.float64]) -> bool:
    return bool((np.diff(known) > 0).sum() >= LEAST_DISTINCT - 1)


def _finding(
    name: str, known: NDArray[np.float64], values: NDArray[np.float64], match: Match
) -> QualityFinding:
    whose = "the values are" if match.sure else "the values look as if they were"
    whose = whose if match.share == 1 else f"{percent(match.share)} of the values are"
    usual, now = float(np.median(known)), float(np.median(values))
    return QualityFinding(
        column=name,
        kind=QualityKind.UNITS,
        severity="broken" if match.sure else "warning",
        observed=now,
        expected=usual,
        text=f"{name}: {whose} {match.conversion.words}: the median is {plain(now)} "
        f"(baseline {plain(usual)})",
    )

"""Season: regressors of a window's middle time that explain what the clock alone explains.

Only terms that the history supports are used: harmonics of the hour for windows shorter than a day,
and the week as one weekend indicator or as harmonics of the weekday. Beside daily harmonics the
indicator is there before a weekend has been seen, on purpose: its wide prior gives the first
weekend a large predictive variance, so that it cannot alarm (without it, streams alarm on their
first Saturday). For the same reason one day is enough for daily harmonics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DAY = 86_400
MICROS = 1_000_000
MAX_DAILY = 3
MAX_WEEKLY = 3
_DAYS_FOR_DAILY = 1
_DAYS_FOR_WEEKEND = 14
_DAYS_FOR_WEEKDAYS = 28
_FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""
_SATURDAY = 5


@dataclass(frozen=True)
class Season:
    """Which seasonal terms are in use; `terms` regressors including the constant.

    Parameters
    ----------
    daily
        Harmonics of the time of day, 0 to 3.
    weekly
        Harmonics of the weekday, 0 to 3 (3 are every weekday its own level).
    weekend
        Whether Saturdays and Sundays have a level of their own; not together with `weekly`.
    utc_offset
        Seconds that local time is ahead of UTC.
    holidays
        Local days since 1970-01-01 that are not like others; they have one level of their own,
        with the same wide prior as the weekend, so that the first one cannot alarm.

    Raises
    ------
    ParameterError
        If a count is out of its domain, or weekend and weekly are both asked for.
    """

    daily: int = 0
    weekly: int = 0
    weekend: bool = False
    utc_offset: int = 0
    holidays: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.daily <= MAX_DAILY:
            raise ParameterError(f"daily must be in [0, {MAX_DAILY}], got {self.daily}")
        if not 0 <= self.weekly <= MAX_WEEKLY:
            raise ParameterError(f"weekly must be in [0, {MAX_WEEKLY}], got {self.weekly}")
        if self.weekend and self.weekly:
            raise ParameterError("weekend and weekly harmonics explain the same days; choose one")

    @classmethod
    def choose(
        cls,
        window_seconds: float | None,
        windows: int,
        mid_times: NDArray[np.int64],
        utc_offset: int = 0,
        holidays: tuple[int, ...] = (),
    ) -> Season:
        """Terms that a history of `windows` windows supports.

        Parameters
        ----------
        window_seconds
            Length of a window; None for count windows, which have no season.
        windows
            Windows in the history.
        mid_times
            int64 `(windows,)`: their middle times, microseconds since the epoch, UTC.
        utc_offset, holidays
            As of a `Season`; windows longer than a day know no holidays.
        """
        if window_seconds is None or windows == 0:
            return cls(utc_offset=utc_offset)
        if holidays and window_seconds <= DAY:
            plain = cls.choose(window_seconds, windows, mid_times, utc_offset)
            return replace(plain, holidays=holidays)
        days = float(mid_times.max() - mid_times.min()) / MICROS / DAY + window_seconds / DAY
        if window_seconds < DAY:
            harmonics = min(MAX_DAILY, max(1, int((DAY / window_seconds - 1) // 2)))
            daily = harmonics if days >= _DAYS_FOR_DAILY else 0
            return cls(daily=daily, weekend=days >= _DAYS_FOR_DAILY, utc_offset=utc_offset)
        if window_seconds > DAY:
            return cls(utc_offset=utc_offset)
        weekly = MAX_WEEKLY if days >= _DAYS_FOR_WEEKDAYS else 0
        weekend = not weekly and days >= _DAYS_FOR_WEEKEND
        return cls(weekly=weekly, weekend=weekend, utc_offset=utc_offset)

    @property
    def terms(self) -> int:
        """Columns of the design."""
        holidays = bool(self.holidays)
        return 1 + 2 * self.daily + 2 * self.weekly + int(self.weekend) + int(holidays)

    def design(self, mid_times: NDArray[np.int64]) -> NDArray[np.float64]:
        """Regressors `(k, terms)` at `k` middle times (microseconds since the epoch, UTC)."""
        local = np.asarray(mid_times, dtype=np.int64) + self.utc_offset * MICROS
        day, within = np.divmod(local, DAY * MICROS)
        weekday = (day + _FIRST_WEEKDAY) % 7
        terms = [np.ones(len(local))]
        terms += _harmonics(within / (DAY * MICROS), self.daily)
        terms += _harmonics(weekday / 7, self.weekly)
        if self.weekend:
            terms.append((weekday >= _SATURDAY).astype(np.float64))
        if self.holidays:
            terms.append(np.isin(day, self.holidays).astype(np.float64))
        return np.stack(terms, axis=1)

    def describe(self) -> str:
        """Say in a few words what is taken into account."""
        parts = ["hour of day"] * (self.daily > 0)
        parts += ["weekday"] * (self.weekly > 0) + ["weekend"] * self.weekend
        parts += ["holidays"] * bool(self.holidays)
        return " and ".join(parts) or "no season"

    def state(self) -> dict[str, Any]:
        """Everything as plain values."""
        return dict(vars(self))

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Season:
        """Season of a `state()`."""
        holidays = tuple(map(int, state.get("holidays", ())))
        return cls(**{**state, "holidays": holidays})


def _harmonics(phase: NDArray[np.float64], count: int) -> list[NDArray[np.float64]]:
    angles = [2 * np.pi * k * phase for k in range(1, count + 1)]
    return [wave for angle in angles for wave in (np.cos(angle), np.sin(angle))]

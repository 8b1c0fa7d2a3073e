"""The phase of a window: what of the calendar its volume depends on.

Days differ by weekday, hours by hour of the day and by weekend. A phase is only used when the
history has seen each of its values a few times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR = 3_600_000_000
DAY = 24 * HOUR
WEEKS_FOR_WEEKDAYS = 4
WEEKS_FOR_WEEKENDS = 2
DAYS_FOR_HOURS = 3
_THURSDAY = 3
_SATURDAY = 5


ALIKE = 39
"""Windows to compare a window with at least, if there are so many: p-values in steps of 1/40."""


def alike(mid: int, history: NDArray[np.int64], every: int | None) -> NDArray[np.bool_]:
    """Bool `(R,)`: windows of the history whose time of the calendar is nearest to `mid`.

    At least `ALIKE` of them, with all that are equally near; all where the calendar plays no part.
    Hours differ by up to twelve, and a weekend differs from other days by as much.
    """
    if every is None or every > DAY or len(history) <= ALIKE:
        return np.ones(len(history), dtype=np.bool_)
    day, then = mid // DAY + _THURSDAY, history // DAY + _THURSDAY
    weekend = (day % 7 >= _SATURDAY) != (then % 7 >= _SATURDAY)
    if every == DAY:
        distance = 2 * weekend + (day % 7 != then % 7)
    else:
        hours = np.abs(mid % DAY // HOUR - history % DAY // HOUR)
        distance = np.minimum(hours, 24 - hours) + 12 * weekend
    nearest: NDArray[np.bool_] = distance <= np.partition(distance, ALIKE - 1)[ALIKE - 1]
    return nearest


def phases(mid: NDArray[np.int64], history: NDArray[np.int64], every: int) -> NDArray[np.int64]:
    """int64 `(n,)`: the phase of windows with middles `mid`, as fine as `history` supports.

    Windows longer than a day have none (all 0).
    """
    days = (int(history.max()) - int(history.min())) / DAY if len(history) else 0.0
    weekday = (mid // DAY + _THURSDAY) % 7
    hour = mid % DAY // HOUR
    weekend = (weekday >= _SATURDAY).astype(np.int64)
    if every > DAY:
        return np.zeros_like(mid)
    if every == DAY:
        return weekday if days >= 7 * WEEKS_FOR_WEEKDAYS - 1 else np.zeros_like(mid)
    if days >= 7 * WEEKS_FOR_WEEKENDS - 1:
        return hour + 24 * weekend
    return hour if days >= DAYS_FOR_HOURS else np.zeros_like(mid)

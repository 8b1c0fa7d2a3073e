"""Closing windows of streams that fell silent.

Wall time may not reach the engine, so silence is written into the journal: an `advance` entry,
which live operation and replay read at the same place. A stream that runs with the clock is
advanced to the clock, which also makes its empty windows; one that is filled from the past is only
advanced to the end of its open window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.engine.retired import Follower

LIVE_WINDOWS = 2
"""A stream whose newest event is within so many windows of the clock runs with the clock."""


def advance_to(model: Follower, last_arrival: int, now: int, idle: int | None = None) -> int | None:
    """How far (microseconds) the windows of an idle model may be closed; None for not at all.

    Parameters
    ----------
    last_arrival : wall time of the model's last journal entry.
    now : wall time.
    idle : silence (microseconds) that counts as such; None for what the model's window says.
    """
    window, newest = model.spec.window, model.windows.newest
    silence = window.idle if idle is None else idle
    if window.every is None or newest is None or now - last_arrival < silence:
        return None
    to: int | None = now - window.lateness
    if newest < last_arrival - LIVE_WINDOWS * window.every - window.lateness:
        end = model.windows.open_end()
        to = end if end is not None and end <= now - window.lateness else None
    return to if to is not None and model.windows.closable(to) else None

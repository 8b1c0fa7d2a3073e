"""The kind of windows that a model asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.engine.count_windows import CountWindows
from monitor.engine.time_windows import TimeWindows

if TYPE_CHECKING:
    from monitor.engine.columns import Framer
    from monitor.engine.segments import Segments
    from monitor.engine.windows import Windows
    from monitor.model import WindowSpec


def windows_for(spec: WindowSpec, framer: Framer, known: Segments) -> Windows:
    """The kind of windows that `spec` asks for."""
    if spec.every is not None:
        return TimeWindows(spec.every, spec.lateness, framer, known)
    if spec.records is None:
        msg = "a window needs `every` or `records`"
        raise ValueError(msg)
    return CountWindows(spec.records, framer, known)

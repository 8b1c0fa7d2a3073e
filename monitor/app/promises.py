"""What the budget means for one configuration, in numbers and in words.

For every stream: the line, what share of the budget its kind of alarm may spend, how soon changes
of several sizes are found with this history, and what the history is too short to promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.sequential.power import delays
from monitor.app.models import DAY, watched_by, windows_per_day
from monitor.baseline import Stage
from monitor.engine.lines import BudgetLines
from monitor.engine.sentences import listing
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from detectors.sequential.budget import Ledger
    from monitor.baseline import Baseline, SegmentBaseline
    from monitor.config.watched import JudgedModel

SHIFTS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Sizes of change that are told, in baseline standard deviations."""
MOST_WINDOWS: Final = 200
WANDERS: Final = 0.5
"""Gate from which a column is said to wander."""
DAYS_OF_A_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Promise:
    """What one stream is promised.

    Attributes
    ----------
    lines
        Lowest and highest evidence at which a column alarms, as powers of ten.
    rows
        Records that a window of the baseline usually had.
    windows
        By size of change, windows until the typical column (the median) is found to have moved;
        None beyond 200.
    stage, guarantee
        What the history allows, in a word and in a sentence.
    wanders
        Columns that move by themselves, and below which size their changes are not called drift
        (in standard deviations of a window).
    caveats
        Where these promises say too much, one sentence each.
    """

    model: str
    segment: str
    lines: tuple[float, float]
    rows: float
    windows: Mapping[float, int | None]
    stage: str
    guarantee: str
    wanders: Mapping[str, float]
    caveats: tuple[str, ...]

    def sentences(self) -> Iterator[str]:
        """The promise for people."""
        name = f"{self.model} {self.segment}".rstrip()
        low, high = (f"10^{power:.1f}" for power in self.lines)
        line = low if low == high else f"{low} to {high}"
        rows = f"about {self.rows:,.0f} records a window"
        yield f"{name}: line {line} per column; {self.stage}; {rows}"
        yield f"  {self._delays()}"
        if self.wanders:
            yield f"  these wander by themselves, which costs time: {self._wandering()}"
        for caveat in self.caveats:
            yield f"  {caveat}"

    def _delays(self) -> str:
        found = [(shift, count) for shift, count in self.windows.items() if count]
        missed = [shift for shift, count in self.windows.items() if not count]
        said = ", ".join(f"{shift:g} sd in {count}" for shift, count in found)
        if not found:
            return f"no shift up to {max(self.windows):g} sd is found within {MOST_WINDOWS} windows"
        text = f"windows until a shift in one typical column is found, about: {said}"
        return text + (f"; {missed[-1]:g} sd not within {MOST_WINDOWS}" if missed else "")

    def _wandering(self) -> str:
        worst = sorted(self.wanders, key=lambda name: -self.wanders[name])
        most = self.wanders[worst[0]]
        return f"{listing(worst)} (up to {most:g} standard deviations of a window)"


def promises(
    models: Mapping[str, JudgedModel], baselines: Mapping[str, Baseline], ledger: Ledger
) -> list[Promise]:
    """What every stream of `models` is promised; those without a baseline are left out."""
    return [
        _promise(model, baselines[name], segment, part, ledger)
        for name, model in models.items()
        if name in baselines
        for segment, part in baselines[name].segments.items()
    ]


def shares_in_words(ledger: Ledger) -> str:
    """`shares: columns 75 %, quality 19 %, volume 6 %`."""
    parts = (f"{kind} {100 * share:.0f} %" for kind, share in ledger.shares().items())
    return f"shares: {', '.join(parts)}"


def _promise(
    model: JudgedModel, baseline: Baseline, segment: str, part: SegmentBaseline, ledger: Ledger
) -> Promise:
    lines = BudgetLines(ledger, watched_by(model, baseline)).evidence(segment, 1)
    rows = float(np.median(part.history.rows)) if len(part.history.rows) else 0.0
    powers = np.log10(lines)
    columns = part.profile.frame.columns
    gate = part.calibration.gate
    armed = part.stage is Stage.ARMED
    return Promise(
        model=model.name,
        segment=segment,
        lines=(float(powers.min()), float(powers.max())),
        rows=rows,
        windows=_windows(part, lines, rows),
        stage=part.stage.value,
        guarantee=part.calibration.guarantee.text,
        wanders={
            name: float(gate[i]) for i, name in enumerate(columns) if armed and gate[i] >= WANDERS
        },
        caveats=tuple(_caveats(model, baseline, segment, part)),
    )


def _windows(
    part: SegmentBaseline, lines: NDArray[np.float64], rows: float
) -> dict[float, int | None]:
    found = delays(part.calibration, lines, SHIFTS, rows, MOST_WINDOWS)
    found = found[~np.isnan(found).any(axis=1)]
    if not len(found):
        return dict.fromkeys(SHIFTS)
    middle = np.median(found, axis=0).tolist()
    return {
        shift: round(windows) if np.isfinite(windows) else None
        for shift, windows in zip(SHIFTS, middle, strict=True)
    }


def _caveats(
    model: JudgedModel, baseline: Baseline, segment: str, part: SegmentBaseline
) -> Iterator[str]:
    """Where the numbers promise too much for this history."""
    if part.stage is not Stage.ARMED:
        yield f"no guarantee: {part.calibration.guarantee.text}"
    if segment != WHOLE:
        return
    days = (baseline.end - baseline.start) / DAY
    every = model.window.every
    if part.stage is not Stage.COLD and every is not None and days < DAYS_OF_A_WEEK:
        yield (
            f"the baseline spans {days:.1f} days: it has not seen a week, so the first weekend is "
            "taken for one with a wide margin and the next weeks teach it"
        )
    usual = baseline.rows / max(days, 1.0) / windows_per_day(model, baseline)
    if usual < model.min_records:
        yield (
            f"about {usual:.0f} records in a window, fewer than min_records "
            f"({model.min_records}): most windows will be insufficient; make window longer"
        )
    if not len(part.sample):
        yield (
            "the baseline has no row sample: what several columns do together is not watched, "
            "nor is performance compared with it"
        )

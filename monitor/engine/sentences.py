"""Findings in plain words: what moved, from where to where, since when.

A sentence leads with the column and the direction, gives both values in the column's own unit and
only then the statistics. Dates are UTC days where windows are days, else to the minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Level:
    """A value in the baseline and since the change, in `unit` ('' for none, '%' for shares).

    `visible` says that the two are far enough apart to be called a rise or a fall.
    """

    baseline: float
    current: float
    unit: str = ""
    visible: bool = True

    @property
    def text(self) -> str:
        """`2.7 % to 12 %`, `12.4 to 20.8 minutes`."""
        low, high = number(self.baseline), number(self.current)
        if self.unit == "%":
            return f"{low} % to {high} %"
        return f"{low} to {high} {self.unit}".rstrip()

    @property
    def verb(self) -> str:
        """`rose` or `fell`."""
        return "rose" if self.current > self.baseline else "fell"


def moved(column: str, measure: str, level: Level, mean: Level | None, effect: float) -> str:
    """The first half of a drift sentence; it leads with the mean where that moved visibly.

    Parameters
    ----------
    measure : the component that moved, as `SeriesBank.name` calls it.
    level : what it measures, before and since.
    mean : the column's mean, before and since; None for categorical columns.
    effect : per-row standard deviations or Cohen's h, signed.
    """
    if mean is None:
        return _share_moved(column, measure, level)
    match measure.split():
        case ["location"]:
            how = f"{effect:+.2f} sd in rank"
        case ["scale"]:
            how = f"spreading {'more' if effect > 0 else 'less'}, sd {level.text}"
        case [("upper" | "lower") as side, "tail"]:
            size = "large" if side == "upper" else "small"
            how = f"{'more' if effect > 0 else 'fewer'} very {size} values, {level.text}"
        case ["missing" | "invalid"]:
            return _share_moved(column, measure, level)
        case _:
            how = f"changing its shape, {measure} {effect:+.2f} sd"
    lead = f"{column} {mean.verb}" if mean.visible else f"{column} changed"
    return f"{lead}: mean {mean.text} ({how})"


def _share_moved(column: str, measure: str, level: Level) -> str:
    what = {"other values": "the share of rare values", "missing": "missing values"}
    name = what.get(measure, "invalid values" if measure == "invalid" else f"the {measure}")
    return f"{column}: {name} {level.verb} from {level.text}"


def since(start: int, low: int, high: int, every: int | None) -> str:
    """`since 2013-06-07 (between 2013-06-05 and 2013-06-09)`; all in microseconds."""
    text = f"since {moment(start, every)}"
    if low < high:
        text += f" (between {moment(low, every)} and {moment(high, every)})"
    return text


def moment(micros: int, every: int | None = None) -> str:
    """A day where windows are whole days, else a minute."""
    when = datetime.fromtimestamp(micros / 1_000_000, UTC)
    whole_days = every is not None and every % DAY == 0
    return when.strftime("%Y-%m-%d" if whole_days else "%Y-%m-%d %H:%M UTC")


def number(value: float) -> str:
    """Three significant digits, without exponent where people write none."""
    if value != 0 and not 1e-4 <= abs(value) < 1e7:  # noqa: PLR2004
        return f"{value:.2e}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004


def listing(names: list[str], most: int = 3) -> str:
    """`a, b and c`, `a, b, c and 5 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

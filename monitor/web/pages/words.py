"""Numbers, times and states as people read them; the filters of the templates."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from monitor.web.instants import moment
from monitor.web.views import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.web.views import ModelSummary

_SHORT: Final = frozenset({"roc", "auc", "f1", "ece", "mae", "rmse", "mape", "r2"})
NOTHING = "\N{EN DASH}"
SEVERITY = {"broken": 4, "drift": 3, "warning": 2, "stable": 1, "insufficient": 0}
"""How much a verdict asks for attention; more is worse."""

_MINUS = "\N{MINUS SIGN}"
_DASH = f" {NOTHING} "
_THIN = "\N{THIN SPACE}"
_LARGE = 1e6
_SMALL = 1e-4
_PLAIN = 1000


def count(value: float) -> str:
    """`1,204,331`."""
    return f"{value:,.0f}"


def number(value: float | None, digits: int = 3) -> str:
    """`value` with `digits` significant digits: `0.0213`, `12.4`, `1,204`, `3.1e-9`."""
    if value is None or math.isnan(value):
        return NOTHING
    if value == 0:
        return "0"
    size = abs(value)
    if size >= _LARGE or size < _SMALL:
        text = f"{value:.{digits - 1}e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    elif size >= _PLAIN:
        text = f"{value:,.0f}"
    else:
        places = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{value:,.{places}f}"
    return text.replace("-", _MINUS)


def percent(value: float | None) -> str:
    """A share as `12.3 %`; a share that is small but not zero never reads as zero."""
    if value is None:
        return NOTHING
    if 0 < value < 0.0005:  # noqa: PLR2004 - where one decimal would round to zero
        return f"<{_THIN}0.1{_THIN}%"
    return f"{100 * value:.1f}{_THIN}%"


def quantity(value: float | None, unit: str) -> str:
    """`number` with its unit; a share is shown in percent."""
    if unit in ("share", "ratio"):
        return percent(value)
    return f"{number(value)} {unit}" if unit else number(value)


def signed(value: float | None) -> str:
    """`number` with a sign on both sides of zero."""
    text = number(value)
    return f"+{text}" if value is not None and value > 0 else text


def day(when: datetime) -> str:
    """`8 Jun 2013`."""
    return f"{when.day} {when:%b %Y}"


def at(micros: int | None) -> str:
    """`8 Jun 2013, 05:15`, or the day alone at midnight (UTC)."""
    return NOTHING if micros is None else _at(moment(micros))


def at_text(text: str | None) -> str:
    """`at` for an RFC 3339 string; text that is no time is returned as it is."""
    if not text:
        return NOTHING
    try:
        return _at(datetime.fromisoformat(text))
    except ValueError:
        return text


def _at(when: datetime) -> str:
    if (when.hour, when.minute, when.second) == (0, 0, 0):
        return day(when)
    return f"{day(when)}, {when:%H:%M}"


def span(start: int, end: int) -> str:
    """A window in words: its day, its hours of one day, or from day to day."""
    first, last = moment(start), moment(end)
    if _at(first) == day(first) and last - first == timedelta(days=1):
        return day(first)
    if first.date() == (last - timedelta(microseconds=1)).date():
        return f"{day(first)}, {first:%H:%M}{NOTHING}{last:%H:%M}"
    if _at(first) == day(first) and _at(last) == day(last):
        return _days(first, last - timedelta(days=1))
    return f"{_at(first)}{_DASH}{_at(last)}"


def _days(first: datetime, last: datetime) -> str:
    """`1 - 20 May 2013`, `22 May - 2 Jun 2013`, with both years only where they differ."""
    if first.year != last.year:
        return f"{day(first)}{_DASH}{day(last)}"
    if first.month != last.month:
        return f"{first.day} {first:%b}{_DASH}{day(last)}"
    return f"{first.day}{_DASH}{day(last)}"


def span_text(start: str, end: str) -> str:
    """`span` for RFC 3339 strings."""
    try:
        first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    except ValueError:
        return f"{start}{_DASH}{end}"
    return span(*(round(when.timestamp() * 1_000_000) for when in (first, last)))


def tick(micros: int, *, daily: bool) -> str:
    """Axis label of a window's start: `8 Jun`, or `05:00` for windows shorter than a day."""
    when = moment(micros)
    return f"{when.day} {when:%b}" if daily else f"{when:%H:%M}"


def short(identifier: str) -> str:
    """The beginning of a digest, enough to tell two apart by eye."""
    return identifier[:10]


def metric(name: str) -> str:
    """`roc_auc` as `ROC AUC`, `log_loss` as `log loss`."""
    return " ".join(word.upper() if word in _SHORT else word for word in name.split("_"))


def segment(name: str) -> str:
    """`origin=EWR` as `origin = EWR`; the empty segment is `all records`."""
    return name.replace("=", " = ", 1) if name else "all records"


def verdict_of(status: int) -> str:
    """The word for a column status."""
    return VERDICTS[status] if 0 <= status < len(VERDICTS) else VERDICTS[-1]


def severity(verdict: str | None) -> int:
    """`SEVERITY` of a verdict that may be missing or unknown."""
    return SEVERITY.get(verdict or "", -1)


def headline(models: Sequence[ModelSummary]) -> str:
    """The one sentence at the top of the overview."""
    judged = [model for model in models if model.verdict is not None]
    bad = [model.name for model in judged if model.verdict in ("drift", "broken")]
    watch = [model.name for model in judged if model.verdict == "warning"]
    if bad:
        return _some(bad, len(models), "needs a look", "need a look")
    if watch:
        return _some(watch, len(models), "is worth watching", "are worth watching")
    if not judged:
        return "Nothing has been judged yet."
    if len(judged) < len(models):
        return f"{len(judged)} of {len(models)} models judged; nothing has drifted."
    if len(models) == 1:
        return f"{models[0].name} looks as it should."
    return f"All {len(models)} models look as they should."


def _some(names: Sequence[str], total: int, one: str, many: str) -> str:
    if total == 1:
        return f"{names[0]} {one}."
    listed = ", ".join(names[:3]) + (" and more" if len(names) > 3 else "")  # noqa: PLR2004
    verb = one if len(names) == 1 else many
    return f"{len(names)} of {total} models {verb}: {listed}."

"""What the columns of a table mean (`table:`), for baseline rows and for sources of tables."""

from collections.abc import Iterator
from typing import Literal
from zoneinfo import ZoneInfo

from monitor.config.section import Rule, Section, repeated
from monitor.config.units import Text


class TableConfig(Section):
    """Roles of columns; a role that is not given is recognised by its usual names, "" is none."""

    id: str | None = None
    """Identifies a prediction; labels that come later use it too."""
    time: str | None = None
    """When the prediction was made."""
    version: str | None = None
    """Version of the model."""
    version_name: str = ""
    """Version of all rows, for tables without a version column."""
    prediction: str | None = None
    score: str | None = None
    """The one score of a record; `scores` names one column per class instead."""
    scores: dict[str, Text] | None = None
    label: str | None = None
    """The truth, where the table has it already."""
    label_time: str | None = None
    segments: tuple[Text, ...] | None = None
    features: tuple[Text, ...] | None = None
    """The features; all columns without another role when left out."""
    ignore: tuple[str, ...] = ()
    """Columns that are nothing; the index that pandas writes has an empty name."""
    timezone: Text | None = None
    """IANA zone of times that state no offset; without it such rows are rejected."""
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    """What a number in the time column counts since 1970; without it such rows are rejected."""

    def rules(self) -> Iterator[Rule]:
        """Known time zone; no feature named twice or ignored."""
        if self.timezone is not None and not _zone_exists(self.timezone):
            text = f"{self.timezone!r} is no time zone; write one such as 'Europe/Berlin' or 'UTC'"
            yield ("timezone",), text
        features = self.features or ()
        for index, name in repeated(features):
            yield ("features", index), f"{name!r} is listed twice"
        for index, name in enumerate(features):
            if name in self.ignore:
                yield ("features", index), f"{name!r} is listed under 'ignore' too"


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True

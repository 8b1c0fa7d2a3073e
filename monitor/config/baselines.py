"""What a model is compared with: a file, its own first weeks, its last weeks, and per version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.config.section import Rule, Section
from monitor.config.units import FilePath, Seconds, Text, duration_text, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY: Final = 86_400
KEEP: Final = "keep"
LEARN: Final = "learn "
FEWEST_WINDOWS: Final = 12
"""Windows that evidence is given to grow in before a new baseline lets it begin anew."""


def _handover(value: Any) -> int | None:
    """Seconds that a new version learns for; None when it is compared with the old one's normal."""
    if value is None or value == KEEP:
        return None
    if type(value) is int and value > 0:
        return value  # code that builds a section counts in seconds
    try:
        seconds = seconds_of(value.removeprefix(LEARN)) if value.startswith(LEARN) else 0
    except (AttributeError, ValueError):
        seconds = 0
    if not seconds:
        raise PydanticCustomError("handover", "expected 'keep', or such as 'learn 3d'")
    return seconds


def _handover_text(value: int | None) -> str:
    return KEEP if value is None else LEARN + duration_text(value)


Handover = Annotated[
    int | None,
    BeforeValidator(_handover),
    PlainSerializer(_handover_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^(keep|learn [0-9]{1,9}[smhd])$"}),
]


class BaselinePolicy(Section):
    """How a baseline is come by, as far as decisions depend on it; files are none of that."""

    learn: Seconds | None = None
    """Learn what is normal from so much of the live log; until then nothing is judged."""
    rolling: Seconds | None = None
    """Learn anew from the last so much of the live log, without windows that alarmed."""
    refresh: Seconds | None = None
    """How often a rolling baseline is learned anew; a day unless said otherwise."""
    season: bool = False
    """Compare a window's distributions with baseline windows of the same hour or weekday."""
    handover: Handover = None
    """What happens when a version comes that nobody named: keep, or learn for a while."""


class BaselineConfig(BaselinePolicy):
    """What a model is compared with; a path alone may stand in its place."""

    path: FilePath | None = None
    """Rows (Parquet, CSV or NDJSON), or a built baseline."""
    versions: dict[Text, FilePath] = Field(default_factory=dict)
    """Baselines of single versions of the model."""

    def rules(self) -> Iterator[Rule]:
        """One beginning; a rhythm that goes with the span it is for."""
        if (self.path is None) == (self.learn is None):
            yield (), "write either 'path', or 'learn' (such as 14d) where no rows exist yet"
        for name in ("learn", "rolling", "refresh"):
            if getattr(self, name) == 0:
                yield (name,), "must be longer than 0s"
        if self.refresh is not None and self.rolling is None:
            yield ("refresh",), "belongs to 'rolling'"
        elif self.rolling and self.refresh and self.refresh > self.rolling:
            yield ("refresh",), f"is longer than 'rolling' ({duration_text(self.rolling)})"

    @property
    def policy(self) -> BaselinePolicy:
        """The part that decisions depend on."""
        names = BaselinePolicy.model_fields
        return BaselinePolicy.model_construct(**{name: getattr(self, name) for name in names})

    @property
    def refreshed(self) -> int:
        """Seconds between two rolling baselines."""
        return DAY if self.refresh is None else self.refresh


def baseline_rules(baseline: BaselineConfig, every: int | None) -> Iterator[Rule]:
    """Rules between a baseline and windows of `every` seconds (None: of counts)."""
    if every is None:
        for name in ("learn", "rolling", "season", "handover"):
            if getattr(baseline, name):
                yield (name,), "needs windows of time; these are windows of 'records'"
        return
    if baseline.rolling is not None and baseline.refreshed < FEWEST_WINDOWS * every:
        text = (
            f"a new baseline every {duration_text(baseline.refreshed)} leaves evidence too few "
            f"windows of {duration_text(every)} to grow in; write 'refresh: "
            f"{duration_text(FEWEST_WINDOWS * every)}' or longer"
        )
        yield ("refresh",) if baseline.refresh is not None else ("rolling",), text


def _path_alone(value: Any) -> Any:
    if isinstance(value, str):
        return {"path": value}
    if not isinstance(value, dict | BaselineConfig):
        raise PydanticCustomError("baseline", "expected the path of a file, or a mapping")
    return value


BaselineField = Annotated[
    BaselineConfig,
    BeforeValidator(_path_alone, json_schema_input_type=str | BaselineConfig),
]

"""Which column of a table means what: said by the configuration, or by conventional names.

`TableLayout` is what a person writes; `Roles` is what comes out for the columns a table has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from monitor.errors import InputError
from monitor.record import SCORE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONVENTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "prediction_id", "request_id", "inference_id", "record_id", "uuid"),
    "time": ("time", "timestamp", "ts", "event_time", "event_timestamp", "prediction_time",
             "inference_time", "datetime", "created_at", "time_hour"),
    "version": ("version", "model_version"),
    "prediction": ("prediction", "y_pred", "predicted", "predicted_label", "prediction_label"),
    "score": ("score", "y_score", "proba", "y_pred_proba", "probability", "prediction_score"),
    "label": ("label", "target", "y_true", "actual", "ground_truth"),
    "label_time": ("label_time", "label_timestamp"),
}  # fmt: skip
"""Names by which a role is recognised, best first, whatever their case."""

SCORE_PREFIXES: Final = (SCORE_PREFIX, "scores.")
SEGMENT_PREFIXES: Final = ("segment.", "segments.")
FEATURE_PREFIXES: Final = ("features.", "feature.")

TimeUnit = Literal["s", "ms", "us", "ns"]


@dataclass(frozen=True, slots=True)
class TableLayout:
    """What a table's columns mean.

    A column name that is None is looked up in `CONVENTIONS`; "" says that there is none.

    Parameters
    ----------
    model : str
        The model of all rows, unless `model_column` names a column.
    version_name : str
        The version of all rows if there is no version column.
    scores : mapping of str to str, optional
        Class to column; None takes the columns named `score.<class>` or `scores.<class>`.
    segments : sequence of str, optional
        Columns that are segments (they stay features too if listed or left over); None takes
        those named `segment.<key>` or `segments.<key>`.
    features : sequence of str, optional
        None takes all columns without another role.
    ignore : sequence of str
        Columns that are nothing.
    timezone : str, optional
        IANA name of the zone of times that state no offset; None rejects such rows.
    time_unit : {"s", "ms", "us", "ns"}, optional
        What numbers in a time column count, since the epoch; None rejects such rows.
    missing : sequence of str
        Spellings that mean "no value" in CSV.
    """

    model: str = ""
    model_column: str = ""
    id: str | None = None
    time: str | None = None
    version: str | None = None
    version_name: str = ""
    prediction: str | None = None
    score: str | None = None
    scores: Mapping[str, str] | None = None
    label: str | None = None
    label_time: str | None = None
    segments: Sequence[str] | None = None
    features: Sequence[str] | None = None
    ignore: Sequence[str] = ()
    timezone: str | None = None
    time_unit: TimeUnit | None = None
    missing: Sequence[str] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")

    def __post_init__(self) -> None:
        if not self.model and not self.model_column:
            raise InputError("a table layout needs the name of the model or of its column")
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
                raise InputError(f"{self.timezone!r} is not a known time zone") from error
            except KeyError as error:
                raise InputError(f"{self.timezone!r} is not a known time zone") from error

    def said(self) -> list[str]:
        """Columns that the layout gives a role of their own; conventions leave them alone."""
        single = (getattr(self, role) for role in CONVENTIONS)
        scores = (self.scores or {}).values()
        return [name for name in (*single, self.model_column, *scores) if name]

    def named(self) -> list[str]:
        """All columns that the layout names, other than to ignore them."""
        return [*self.said(), *(self.segments or ()), *(self.features or ())]


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of one table are; "" is no column. Mappings go from name to column."""

    id: str = ""
    kind: str = ""
    model: str = ""
    version: str = ""
    time: str = ""
    prediction: str = ""
    score: str = ""
    label: str = ""
    label_time: str = ""
    scores: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, str] = field(default_factory=dict)


def roles_of(layout: TableLayout, columns: Sequence[str]) -> Roles:
    """Give each column of a table its role.

    Raises
    ------
    InputError
        The layout names a column that the table does not have; the message names it.
    """
    single = {role: _single(layout, role, columns) for role in CONVENTIONS}
    scores = layout.scores
    if scores is None:
        scores = _prefixed(columns, SCORE_PREFIXES)
    segments = {name: name for name in layout.segments or ()}
    if layout.segments is None:
        segments = _prefixed(columns, SEGMENT_PREFIXES)
    taken = {*single.values(), *scores.values(), layout.model_column, *layout.ignore}
    if layout.segments is None:
        taken.update(segments.values())
    listed = [name for name in columns if name not in taken]
    if layout.features is not None:
        listed = list(layout.features)
    roles = Roles(
        **single,
        model=layout.model_column,
        scores=scores,
        segments=segments,
        features=_features(listed),
    )
    _require(roles, columns)
    return roles


def native_roles(columns: Sequence[str]) -> Roles:
    """Give the columns of a native Arrow stream their roles; the names are fixed.

    `id type model version time prediction score label`, `scores.<class>`, `segments.<key>`;
    everything else is a feature (`features.<name>` or plain `<name>`).
    """
    known = set(columns)
    single = {
        role: role if role in known else ""
        for role in ("id", "model", "version", "time", "prediction", "score", "label")
    }
    single["kind"] = "type" if "type" in known else ""
    scores = _prefixed(columns, SCORE_PREFIXES)
    segments = _prefixed(columns, SEGMENT_PREFIXES)
    taken = {*single.values(), *scores.values(), *segments.values()}
    rest = [name for name in columns if name not in taken]
    return Roles(**single, scores=scores, segments=segments, features=_features(rest))


def _single(layout: TableLayout, role: str, columns: Sequence[str]) -> str:
    said: str | None = getattr(layout, role)
    if said is not None:
        return said
    free = set(columns) - {*layout.ignore, *layout.said()}
    folded = {name.lower(): name for name in reversed(columns) if name in free}
    return next((folded[name] for name in CONVENTIONS[role] if name in folded), "")


def _prefixed(columns: Iterable[str], prefixes: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in columns:
        for prefix in prefixes:
            if column.startswith(prefix):
                found.setdefault(column.removeprefix(prefix), column)
    return found


def _features(columns: Iterable[str]) -> dict[str, str]:
    """Feature name to column: `features.<name>` is `<name>` unless that column exists as well."""
    listed = list(columns)
    plain = set(listed)
    features: dict[str, str] = {}
    for column in listed:
        prefix = next((p for p in FEATURE_PREFIXES if column.startswith(p)), "")
        bare = column.removeprefix(prefix)
        features[column if bare in plain and prefix else bare] = column
    return features


def _require(roles: Roles, columns: Sequence[str]) -> None:
    named = {roles.id, roles.model, roles.version, roles.time, roles.prediction, roles.score,
             roles.label, roles.label_time, *roles.scores.values(), *roles.segments.values(),
             *roles.features.values()}  # fmt: skip
    absent = sorted(named - {"", *columns})
    if absent:
        raise InputError(f"the table has no column {', '.join(map(repr, absent))}")

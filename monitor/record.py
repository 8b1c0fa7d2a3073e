"""What flows through the daemon: records as columns, labels, and what went wrong with the rest.

A payload becomes column-wise *batches* as early as it can (in its decoder) and stays that way:
the journal stores the batch, the engine folds it. Row objects never leave a decoder.

Numbers are IEEE doubles and NaN means missing (absent or null); infinities survive, they are a
finding. Times are int64 microseconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

Scalar: TypeAlias = "float | int | str | bool | None"

PREDICTION = "prediction"
"""Column that holds the model's prediction."""

SCORE_PREFIX = "score."
"""Score columns are named `score.<class>`; a regression or single score is plain `score`."""

LABEL = "label"
"""Column that holds the truth in label batches."""

RESERVED = (PREDICTION, "score", LABEL)
"""Features with one of these names (or the score prefix) are renamed `feature.<name>`."""


class Reason(StrEnum):
    """Why a line was rejected; used as metric label, in answers and in the quarantine."""

    NOT_JSON = "not_json"
    NOT_UTF8 = "not_utf8"
    NAN_OR_INFINITY = "nan_or_infinity"
    LONE_SURROGATE = "lone_surrogate"
    INTEGER_RANGE = "integer_out_of_range"
    NUMBER_RANGE = "number_out_of_range"
    DUPLICATE_KEY = "duplicate_key"
    NUL = "nul_character"
    TOO_DEEP = "too_deep"
    TOO_MANY_KEYS = "too_many_keys"
    STRING_TOO_LONG = "string_too_long"
    RECORD_TOO_LARGE = "record_too_large"
    SCHEMA = "wrong_shape"
    MISSING_FIELD = "missing_field"
    BAD_TIME = "bad_time"
    NAIVE_TIME = "naive_time"
    FUTURE_TIME = "time_in_future"
    UNKNOWN_MODEL = "unknown_model"


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not become a record. `line` is 1-based within its payload."""

    line: int
    reason: Reason
    detail: str
    payload: bytes = b""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """float64 `(n,)`; NaN is missing, infinities are kept."""

    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Texts:
    """int32 codes `(n,)` into `vocabulary` (order of first appearance); -1 is missing."""

    codes: NDArray[np.int32]
    vocabulary: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Booleans:
    """int8 `(n,)`: 1 true, 0 false, -1 missing."""

    values: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Mixed:
    """Values of more than one JSON type, or arrays (embeddings); None is missing."""

    values: tuple[Any, ...]


Column: TypeAlias = Numbers | Texts | Booleans | Mixed


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Predictions of one model and version, column-wise; all columns have `len(ids)` rows.

    `columns` holds features by name plus `prediction` and `score...`; `segments` what the record
    said under `segments`. A column that no row has is absent. `lines` are 1-based payload lines.
    """

    model: str
    version: str
    ids: tuple[str, ...]
    times: NDArray[np.int64]
    columns: Mapping[str, Column]
    segments: Mapping[str, Column] = field(default_factory=dict)
    lines: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Truths of one model, for records that came earlier (or will come later)."""

    model: str
    ids: tuple[str, ...]
    times: NDArray[np.int64]
    labels: Column
    lines: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Decoded:
    """All that one payload held: every line is in exactly one batch or one problem."""

    records: Sequence[RecordBatch] = ()
    labels: Sequence[LabelBatch] = ()
    problems: Sequence[Problem] = ()

    @property
    def received(self) -> int:
        """Lines (rows) in the payload; blank lines do not count."""
        batches = sum(map(len, self.records)) + sum(map(len, self.labels))
        return batches + len(self.problems)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery, on disk when you hold it.

    `received` is the sum of the five counts after it; `problems` says why lines were rejected.
    """

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    sampled_out: int = 0
    shed: int = 0
    rejected: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """How far a source has been read; opaque JSON-able state, committed with the records."""

    source: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one payload and one record; everything over them is rejected, never cut."""

    max_depth: int = 4
    max_keys: int = 2_000
    max_string: int = 8_192
    max_record_bytes: int = 262_144
    max_future_seconds: float = 86_400.0

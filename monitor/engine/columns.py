"""Record columns meet the baseline's frame: a `RecordBatch` becomes a detectors `Block`.

This is the one place that decides what a value of the wrong type is. A numeric column takes
numbers; anything else that is present is wrong-typed. A categorical column takes strings,
booleans and numbers (as their shortest text: 5.0 and 5 are both "5"); only arrays are wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.inputs import MISSING, OUTSIDE, WRONG, Block
from detectors.multivariate.encoders import encode_texts
from detectors.profile.duplicates import hash_columns
from detectors.profile.sample import Reservoir, Sample, capacity_for
from monitor.columnar import rows_in
from monitor.engine.keys import row_keys
from monitor.record import SCORE_PREFIX, Booleans, Mixed, Numbers, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.multivariate.encoders import Encoder
    from detectors.profile.frame import Frame
    from detectors.profile.profile import Profile
    from monitor.record import Column, RecordBatch

SCORE: Final = "score"


class Framer:
    """Turns batches into blocks of one frame.

    Parameters
    ----------
    known : columns that the baseline's rows had.
    dimensions : length of the vectors of embedding columns; None when no row sample is taken.
    encoders : what makes vectors of text columns.
    """

    def __init__(
        self,
        frame: Frame,
        known: frozenset[str] | None = None,
        dimensions: Mapping[str, int] | None = None,
        encoders: Mapping[str, Encoder] | None = None,
    ) -> None:
        self.frame = frame
        self._known = known
        self._dimensions = dimensions
        self._encoders = encoders or {}

    def reservoir(self, finer: int = 1) -> Reservoir | None:
        """An empty row sample, `finer` times the usual size; None where none is taken."""
        if self._dimensions is None:
            return None
        capacity = finer * capacity_for(self.frame, sum(self._dimensions.values()))
        return Reservoir(Sample.empty(self.frame, self._dimensions), capacity)

    def fold(self, batch: RecordBatch, profile: Profile, reservoir: Reservoir | None) -> None:
        """Add all rows of `batch` to a window."""
        block = self.block(batch)
        profile.add(block)
        if reservoir is not None:
            keys = row_keys(batch.ids)
            vectors = self._vectors(batch, reservoir.wanted(keys)) if self._dimensions else {}
            reservoir.add(block, keys, batch.times, vectors)

    def _vectors(
        self, batch: RecordBatch, wanted: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.float32]]:
        """Vectors of the wanted rows; a sample keeps few of many, and they are dear to make."""
        vectors = {}
        for name, size in (self._dimensions or {}).items():
            column = batch.columns.get(name)
            if name in self._encoders and column is not None:
                vectors[name] = as_encoded(self._encoders[name], column, size, wanted)
            else:
                vectors[name] = as_vectors(column, size, wanted)
        return vectors

    def _no_vectors(self, name: str, column: Column | None) -> int:
        """How many values of an embedding are present and no array of its length."""
        size = (self._dimensions or {}).get(name)
        if size is None or column is None or name in self._encoders:
            return 0
        if isinstance(column, Mixed):
            given = (value for value in column.values if value is not None)
            return sum(not isinstance(value, list) or len(value) != size for value in given)
        return rows_in(column) - as_presence(column, rows_in(column))

    def appeared(self, batch: RecordBatch) -> list[str]:
        """Columns that the baseline's rows never had, in order of name."""
        return [] if self._known is None else sorted(batch.columns.keys() - self._known)

    def named(self, batch: RecordBatch, positive: str | None) -> RecordBatch:
        """The batch with its score under the baseline's name.

        Tables have one column `score`, records scores by class: for the positive class they are
        the same, and the other classes' are left out.
        """
        one = f"{SCORE_PREFIX}{positive}"
        if positive is None or self._known is None:
            return batch
        there, here = (SCORE, one) if SCORE in self._known else (one, SCORE)
        if there not in self._known or there in batch.columns or here not in batch.columns:
            return batch
        columns = {
            name: column
            for name, column in batch.columns.items()
            if name in self._known or not name.startswith(SCORE)
        }
        return replace(batch, columns={**columns, there: batch.columns[here]})

    def block(self, batch: RecordBatch) -> Block:
        """All rows of `batch`, in frame order; columns that it lacks are missing."""
        n, columns = len(batch), batch.columns
        frame = self.frame
        numeric = [as_numbers(columns.get(name), n) for name in frame.numeric.names]
        categorical = [
            as_codes(columns.get(name), n, lookup)
            for name, lookup in zip(frame.categorical.names, frame.categorical.codes, strict=True)
        ]
        values = [column for column, _ in numeric]
        codes = [column for column, _ in categorical]
        absent = [as_presence(columns.get(name), n) for name in frame.presence.names]
        wrong = [self._no_vectors(name, columns.get(name)) for name in frame.presence.names]
        return Block(
            rows=n,
            numeric=values,
            numeric_wrong=np.array([wrong for _, wrong in numeric], dtype=np.int64),
            categorical=codes,
            unseen=[outside for _, outside in categorical],
            presence_missing=np.array(absent, dtype=np.int64),
            presence_wrong=np.array(wrong, dtype=np.int64),
            hashes=hash_columns(values, codes) if values or codes else np.zeros(n, np.uint64),
        )


def as_numbers(column: Column | None, n: int) -> tuple[NDArray[np.float64], int]:
    """float64 `(n,)` with NaN for missing and wrong-typed values, and how many were wrong."""
    match column:
        case None:
            return np.full(n, np.nan), 0
        case Numbers(values):
            return values, 0
        case Texts(codes, _):
            return np.full(n, np.nan), int((codes >= 0).sum())
        case Booleans(values):
            return np.full(n, np.nan), int((values >= 0).sum())
        case Mixed(values):
            good = [_is_number(value) for value in values]
            numbers = [v if ok else np.nan for v, ok in zip(values, good, strict=True)]
            wrong = sum(v is not None and not ok for v, ok in zip(values, good, strict=True))
            return np.array(numbers, dtype=np.float64), wrong


def as_texts(column: Column) -> Texts:
    """The column as coded strings; arrays are left out (-1)."""
    match column:
        case Texts():
            return column
        case Booleans(values):
            return Texts(values.astype(np.int32), ("false", "true"))
        case Numbers(values):
            distinct, inverse = np.unique(values, return_inverse=True)
            codes = inverse.reshape(len(values)).astype(np.int32)
            codes[np.isnan(values)] = MISSING
            return Texts(codes, tuple(map(number_text, distinct.tolist())))
        case Mixed(values):
            return _coded([_scalar_text(value) for value in values])


def as_codes(
    column: Column | None, n: int, lookup: Mapping[str, int]
) -> tuple[NDArray[np.int32], dict[str, int]]:
    """int32 `(n,)` frame codes (see `Block`), and the values outside the vocabulary, counted."""
    if column is None:
        return np.full(n, MISSING, dtype=np.int32), {}
    texts = as_texts(column)
    table = np.fromiter((lookup.get(value, OUTSIDE) for value in texts.vocabulary), np.int32)
    codes = np.full(n, MISSING, dtype=np.int32)
    known = texts.codes >= 0
    codes[known] = table[texts.codes[known]]
    if isinstance(column, Mixed):
        codes[[isinstance(value, list) for value in column.values]] = WRONG
    return codes, _outside(texts, table)


def as_vectors(column: Column | None, size: int, wanted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """float32 `(n, size)`: the wanted rows' arrays of `size` numbers that fit; NaN elsewhere."""
    vectors = np.full((len(wanted), size), np.nan, np.float32)
    if isinstance(column, Mixed):
        with np.errstate(over="ignore"):
            for row in np.flatnonzero(wanted).tolist():
                value = column.values[row]
                if isinstance(value, list) and len(value) == size and all(map(_is_number, value)):
                    vectors[row] = value
        vectors[~np.isfinite(vectors).all(axis=1)] = np.nan
    return vectors


def as_encoded(
    encoder: Encoder, column: Column, size: int, wanted: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """float32 `(n, size)`: vectors of the wanted rows' texts; NaN elsewhere."""
    texts = as_texts(column)
    rows = wanted & (texts.codes >= 0)
    vectors = np.full((len(rows), size), np.nan, np.float32)
    used, place = np.unique(texts.codes[rows], return_inverse=True)
    made = encode_texts(encoder, [texts.vocabulary[code] for code in used.tolist()], size)
    vectors[rows] = made[place]
    return vectors


def as_presence(column: Column | None, n: int) -> int:
    """How many of the `n` rows have no value."""
    match column:
        case None:
            return n
        case Numbers(values):
            return int(np.isnan(values).sum())
        case Texts(codes, _):
            return int((codes < 0).sum())
        case Booleans(values):
            return int((values < 0).sum())
        case Mixed(values):
            return sum(value is None for value in values)


def number_text(value: float) -> str:
    """The shortest text of a number: whole numbers without a point."""
    return str(int(value)) if value.is_integer() else repr(value)


def _outside(texts: Texts, table: NDArray[np.int32]) -> dict[str, int]:
    outside = np.flatnonzero(table == OUTSIDE)
    if not len(outside):
        return {}
    counts = np.bincount(texts.codes[texts.codes >= 0], minlength=len(table))
    return {texts.vocabulary[code]: int(counts[code]) for code in outside.tolist() if counts[code]}


def _coded(values: Sequence[str | None]) -> Texts:
    lookup: dict[str, int] = {}
    codes = [
        MISSING if value is None else lookup.setdefault(value, len(lookup)) for value in values
    ]
    return Texts(np.array(codes, dtype=np.int32), tuple(lookup))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scalar_text(value: object) -> str | None:
    match value:
        case None | list():
            return None
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number_text(float(value))
        case _:
            return str(value)

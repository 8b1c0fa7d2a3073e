"""A real year of predictions: 336,776 flights out of New York in 2013, as one ready log.

`flights-2013.parquet` holds what a small model said about every flight and what then happened;
`PROVENANCE.md` says where the data is from, how the model was made and how good it is, and
`build.py` makes all of it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import numpy as np

from monitor.clock import MICROS
from monitor.errors import InputError
from monitor.record import Booleans, Column, Mixed, Numbers, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

FOLDER = Path(__file__).parent
LOG_FILE = FOLDER / "flights-2013.parquet"
MODEL_FILE = FOLDER / "model.json"
MODEL = "flights"
VERSION = "1"
YEAR = 2013
NEW_YORK = ZoneInfo("America/New_York")
NEVER = int(np.iinfo(np.int64).max)
"""Label time of a flight that never arrived: no clock gets there."""

TEXT_FEATURES = ("carrier", "origin", "dest")
NUMBER_FEATURES = ("hour", "distance", "dep_delay")
FEATURES = TEXT_FEATURES + NUMBER_FEATURES


@dataclass(frozen=True, slots=True)
class FlightLog:
    """Predictions and truths of `n` flights, in order of scheduled departure.

    `times` and `label_times` are int64 microseconds since the epoch (UTC); `label_times` is
    `NEVER` where no label will come. `features` are in the order of `FEATURES`, NaN or code -1
    where missing. `scores` is the predicted probability of arriving more than 15 minutes late.
    `predictions` and `labels` are "0" or "1"; labels of flights that never arrived are missing.
    """

    ids: NDArray[np.str_]
    times: NDArray[np.int64]
    features: Mapping[str, Column]
    scores: NDArray[np.float64]
    predictions: Texts
    labels: Texts
    label_times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def slice(self, start: int, stop: int) -> FlightLog:
        """Rows `start` to `stop` (exclusive) as views, without copying arrays."""
        rows = slice(start, stop)
        return FlightLog(
            ids=self.ids[rows],
            times=self.times[rows],
            features={name: _rows(column, rows) for name, column in self.features.items()},
            scores=self.scores[rows],
            predictions=Texts(self.predictions.codes[rows], self.predictions.vocabulary),
            labels=Texts(self.labels.codes[rows], self.labels.vocabulary),
            label_times=self.label_times[rows],
        )


def load(path: Path = LOG_FILE) -> FlightLog:
    """Read the whole log.

    Raises
    ------
    InputError
        If pyarrow is not installed or `path` cannot be read.
    """
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415  # 40 MB that only this needs
    except ImportError as error:
        message = "the demo's log is Parquet: install pyarrow, e.g. pip install 'driftd[parquet]'"
        raise InputError(message) from error
    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read the demo's log: {error}") from error
    return from_table(table)


def from_table(table: pa.Table) -> FlightLog:
    """Turn a table with the columns of `flights-2013.parquet` into column arrays."""
    features: dict[str, Column] = {name: _texts(table, name) for name in TEXT_FEATURES}
    features |= {name: Numbers(_numbers(table, name)) for name in NUMBER_FEATURES}
    return FlightLog(
        ids=np.array(table["id"].to_pylist(), dtype=np.str_),
        times=_micros(table, "time"),
        features=features,
        scores=_numbers(table, "score"),
        predictions=_texts(table, "prediction"),
        labels=_texts(table, "label"),
        label_times=_micros(table, "label_time"),
    )


def month_slice(log: FlightLog, month: int) -> FlightLog:
    """Return the flights whose scheduled departure falls in `month` (1..12), New York time."""
    if month not in range(1, 13):
        raise InputError(f"month must be 1 to 12, got {month}")
    start, stop = np.searchsorted(log.times, [month_start(month), month_start(month + 1)])
    return log.slice(int(start), int(stop))


def month_start(month: int) -> int:
    """First instant of `month` of 2013 in New York (13: of the next year), int microseconds."""
    years, index = divmod(month - 1, 12)
    local = datetime(YEAR + years, index + 1, 1, tzinfo=NEW_YORK)
    return int(local.astimezone(UTC).timestamp()) * MICROS


def _rows(column: Column, rows: slice) -> Column:
    match column:
        case Texts(codes, vocabulary):
            return Texts(codes[rows], vocabulary)
        case Numbers(values):
            return Numbers(values[rows])
        case Booleans(flags):
            return Booleans(flags[rows])
        case Mixed(objects):
            return Mixed(objects[rows])


def _texts(table: pa.Table, name: str) -> Texts:
    column = cast("pa.DictionaryArray[Any, Any]", table[name].combine_chunks())
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Texts(codes, tuple(map(str, column.dictionary.to_pylist())))


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _micros(table: pa.Table, name: str) -> NDArray[np.int64]:
    times = table[name].to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(times), NEVER, times.astype(np.int64))

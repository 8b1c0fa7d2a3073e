"""Table 3: labelled streams whose changes are known, for inputs and for errors.

Every change is judged on its own: the first 60 % of the stretch before it are the baseline, the
rest of it must stay silent, and the change must be found before the next one. 'Inputs' are all
columns but the class; where the labels alone change, every drift of an input is a false alarm. Not
all streams that are said to change only their labels do: `stagger`, `SEA` and one change of `sine`
are balanced by class, which moves the inputs (Kolmogorov-Smirnov between stretches: p < 1e-13).
'Errors' are the 0/1 errors of a decision tree that learned from the first half of the baseline;
evidence learns from the second half, in smaller windows. The budget is one false alarm in 10,000
rows over all columns watched; river's detectors watch the same errors with their defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tests.bench.quality.ours import MIN_EFFECT, calibrated, drifts
from tests.bench.quality.real import Table as Rows
from tests.bench.quality.real import blocks, read, seen_of
from tests.bench.quality.report import Table, number
from tests.bench.quality.worlds import Seen
from tests.calibration.streams import plain_bank

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

BASELINE: Final = 0.6
PER_ROWS: Final = 10_000.0
LEAST_WINDOWS: Final = 8


@dataclass(frozen=True)
class Stream:
    """A stream and the rows at which it changes.

    Parameters
    ----------
    file
        Name in `streams/`.
    rows
        Rows of a window, for inputs and for errors.
    changes
        Rows of its changes; of long series, some.
    moved
        Those of them at which inputs move.
    begin
        Row at which the first stretch begins.
    shuffled
        Whether rows are put into a random order first, a control.
    """

    file: str
    rows: tuple[int, int]
    changes: tuple[int, ...]
    moved: tuple[int, ...] = ()
    begin: int = 0
    shuffled: bool = False
    replicate: str = ""


TENS: Final = (10_000, 20_000, 30_000)
SEA: Final = (9_500, 20_000, 30_500)
STREAMS: Final[Mapping[str, Stream]] = {
    "usenet1": Stream("usenet1", (20, 10), (300, 600, 900, 1200)),
    "insects, permuted": Stream("iks_abrupt_insects", (50, 15), (1775, 3550), (1775, 3550)),
    "interchanging RBF, weak": Stream(
        "interchanging_rbf", (50, 25), tuple(range(3000, 30_000, 3000))
    ),
    "interchanging RBF, strong": Stream(
        "interchanging_rbf", (50, 25), tuple(range(33_000, 93_000, 3000)), begin=30_000
    ),
    "sine": Stream("lobo_sine_0123_abrupto", (200, 50), TENS, (20_000,)),
    "mixed": Stream("lobo_mixed_0101_abrupto", (200, 50), TENS),
    "stagger": Stream("lobo_stagger_0120_abrupto", (200, 50), TENS, TENS),
    "SEA, gradual, noisy": Stream("lobo_sea_0123_gradual_noise_0_2", (200, 50), SEA, SEA),
    "SEA, small": Stream("moa_SEAa0", (50, 20), (2500, 5000, 7500)),
    "sine1, replicate 101": Stream(
        "tornado_sine1_w_50_n_0_1", (200, 50), (20_000, 40_000, 60_000, 80_000), replicate="101"
    ),
    "Elec2, columns wake up": Stream("elec2", (336, 48), (17_424,), (17_424,)),
    "phishing, shuffled": Stream("phishing", (200, 0), (), shuffled=True),
    "spam, shuffled": Stream("spam_stream", (200, 0), (), shuffled=True),
}


@dataclass(frozen=True)
class Found:
    """What was found of some changes.

    Attributes
    ----------
    delays
        Rows from each change to the end of the window that told it, inf when missed.
    false, quiet
        False alarms, and rows in which they could occur.
    """

    delays: tuple[float, ...]
    false: int
    quiet: int

    def __add__(self, other: Found) -> Found:
        return Found(self.delays + other.delays, self.false + other.false, self.quiet + other.quiet)

    def cells(self) -> tuple[str, str, str]:
        """Median delay, missed, false per 10,000 rows."""
        found = [d for d in self.delays if np.isfinite(d)]
        delay = number(float(np.median(found))) if found else "-"
        quiet = max(self.quiet, 1)
        missed = f"{len(self.delays) - len(found)} of {len(self.delays)}"
        return delay, missed if self.delays else "-", number(self.false / quiet * PER_ROWS)


NOBODY: Final = Found((), 0, 0)


def table_of(stream: Stream) -> pd.DataFrame:
    """Rows in stream order; the last column is the class."""
    rows = read(f"streams/{stream.file}")
    if stream.replicate:
        chosen = rows["replicate"].astype(str).str.contains(stream.replicate)
        rows = rows[chosen].drop(columns="replicate").reset_index(drop=True)
    if stream.shuffled:
        order = np.random.default_rng(6).permutation(len(rows))
        rows = rows.iloc[order].reset_index(drop=True)
    if stream.file == "elec2":
        rows = rows.drop(columns=["date", "day", "period"])
    return rows


def stretches(stream: Stream, length: int) -> list[tuple[int, int, int]]:
    """Beginning, change and end of every stretch; the change is at the end when there is none."""
    if not stream.changes:
        return [(stream.begin, length, length)]
    bounds = (stream.begin, *stream.changes, length)
    return list(zip(bounds[:-2], bounds[1:-1], bounds[2:], strict=True))


def inputs(rows: pd.DataFrame, stream: Stream) -> Found:
    """Evidence on all columns but the class."""
    found = NOBODY
    size = stream.rows[0]
    for begin, change, end in stretches(stream, len(rows)):
        part = rows.iloc[begin:end, :-1].reset_index(drop=True)
        history = int((change - begin) * BASELINE) // size * size
        seen = seen_of(Rows.of(part, history), blocks(0, len(part), size), history // size)
        found += _judged(seen, size, change - begin if change in stream.moved else None)
    return found


def errors(rows: pd.DataFrame, stream: Stream) -> dict[str, Found]:
    """Evidence, and river's detectors, on the errors of a tree."""
    found: dict[str, Found] = dict.fromkeys(("driftd", *_river()), NOBODY)
    size = stream.rows[1]
    for begin, change, end in stretches(stream, len(rows)):
        part = rows.iloc[begin:end].reset_index(drop=True)
        history = int((change - begin) * BASELINE)
        learned = history // 2
        wrong = _errors(part, learned)
        seen = _error_windows(wrong[learned:], size, (history - learned) // size)
        found["driftd"] += _judged(seen, size, change - begin - learned)
        for name, make in _river().items():
            found[name] += _per_row(make, wrong, (learned, history, change - begin))
    return found


def _error_windows(wrong: NDArray[np.bool_], size: int, reference: int) -> Seen:
    """The share of errors per window as one variance-stabilised series, as performance has it."""
    windows = len(wrong) // size
    count = wrong[: windows * size].reshape(windows, size).sum(axis=1)
    usual = (wrong[: reference * size].sum() + 3 / 8) / (reference * size + 3 / 4)
    shown = np.arcsin(np.sqrt((count + 3 / 8) / (size + 3 / 4)))
    y = 2 * np.sqrt(size) * (shown - np.arcsin(np.sqrt((size * usual + 3 / 8) / (size + 3 / 4))))
    ones, index = np.ones((windows, 1)), np.arange(windows)
    return Seen(y[:, None], ones, np.full(windows, size), index, plain_bank([0]), reference, [])


def _judged(seen: Seen, size: int, change: int | None) -> Found:
    """Told drifts of a stretch that changes at row `change`, or not at all."""
    if seen.reference < LEAST_WINDOWS:
        return Found((np.inf,) if change is not None else (), 0, 0)
    calibration = calibrated(seen)
    lines = np.full(calibration.columns, PER_ROWS / size * calibration.columns)
    told = drifts(calibration, seen, lines, min_effect=MIN_EFFECT)
    ends = size * (seen.reference + np.arange(len(told)) + 1)
    early = ends <= change if change is not None else np.ones(len(told), dtype=bool)
    delays: tuple[float, ...] = ()
    if change is not None:
        late = ends[told.any(axis=1) & ~early]
        delays = (float(late[0] - change) if len(late) else np.inf,)
    return Found(delays, int(told[early].sum()), int(early.sum()) * size)


def _errors(part: pd.DataFrame, learned: int) -> NDArray[np.bool_]:
    """Errors `(n,)` of a decision tree that learned from the first rows."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - slow to import

    x = part.iloc[:, :-1].to_numpy(np.float64)
    y = part.iloc[:, -1].astype(str).to_numpy()
    tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0).fit(x[:learned], y[:learned])
    wrong: NDArray[np.bool_] = tree.predict(x) != y
    return wrong


def _river() -> dict[str, Callable[[], object]]:
    from river.drift import ADWIN, PageHinkley  # noqa: PLC0415 - slow to import
    from river.drift.binary import DDM, HDDMA  # noqa: PLC0415 - slow to import

    return {"ADWIN": ADWIN, "Page-Hinkley": PageHinkley, "DDM": DDM, "HDDM-A": HDDMA}


def _per_row(
    make: Callable[[], object], wrong: NDArray[np.bool_], places: tuple[int, int, int]
) -> Found:
    """A river detector on errors from the place where they are honest."""
    first, history, change = places
    detector = make()
    false, delay = 0, np.inf
    for place, error in enumerate(wrong[first:].tolist(), first):
        detector.update(error)  # type: ignore[attr-defined]
        if not detector.drift_detected or place < history:  # type: ignore[attr-defined]
            continue
        if place >= change:
            delay = place + 1.0 - change
            break
        false += 1
    return Found((delay,) if change < len(wrong) else (), false, change - history)


def run() -> Sequence[Table]:
    """Inputs and errors of all streams."""
    by_input, by_error = [], []
    for name, stream in STREAMS.items():
        rows = table_of(stream)
        moved = f"{len(stream.moved)} of {len(stream.changes)}" if stream.changes else "no change"
        by_input.append((name, moved, str(stream.rows[0]), *inputs(rows, stream).cells()))
        if stream.changes:
            cells = [" / ".join(found.cells()) for found in errors(rows, stream).values()]
            by_error.append((name, str(stream.rows[1]), *cells))
    note = (__doc__ or "").split("\n\n", 1)[1].strip()
    shown = ("rows a window", "median delay, rows", "missed", "false per 10,000 rows")
    return (
        Table(
            name="3 inputs",
            title="Evidence on the inputs of labelled streams",
            header=("stream", "changes that move inputs", *shown),
            rows=tuple(by_input),
            notes=(note,),
            readme=(tuple(row[0] for row in by_input), ("changes that move inputs", *shown)),
        ),
        Table(
            name="3 errors",
            title="Evidence on errors: median delay in rows / missed / false per 10,000 rows",
            header=("stream", "rows a window", "driftd", *_river()),
            rows=tuple(by_error),
            readme=(tuple(row[0] for row in by_error), ("rows a window", "driftd", *_river())),
        ),
    )


if __name__ == "__main__":
    for part in run():
        print(part.markdown())

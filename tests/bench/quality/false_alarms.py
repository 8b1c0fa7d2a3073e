"""False alarms and delays of driftd and of common rules on the same rows.

Run `python -m tests.bench.quality.false_alarms` (under a minute; `--months 2` for the long table).
The rules are re-implemented with scipy as their projects document them: Evidently tests a column
against up to 1,000 reference rows with p < .05 (Kolmogorov-Smirnov or chi-square); Bonferroni
divides that by the columns, as alibi-detect's TabularDrift does; 'budget' divides one alarm a month
by windows and columns; river's ADWIN runs with its defaults on every row. driftd judges windows of
the same rows with a budget of one false alarm a month.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from river.drift import ADWIN
from scipy import stats

from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import SequentialState, reset, step
from tests.calibration.streams import CATEGORIES, MONTH, Change, Stream, make_row_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration

NUMERIC = 9
CATEGORICAL = (CATEGORIES[1], CATEGORIES[2], CATEGORIES[5])
COLUMNS = NUMERIC + len(CATEGORICAL)
ROWS = 1000
REFERENCE = 336
REGIMES = {"iid": "independent rows", "rows": "AR(1) .8 rows", "season": "day and week"}
CHANGES: Mapping[str, Change] = {
    "mean +.1 sd": Change(0.1),
    "mean +.25 sd": Change(0.25),
    "sd x1.1": Change(scale=1.1),
}
RULES = ("Evidently p<.05", "Bonferroni p<.05", "KS/chi2 at budget", "ADWIN", "driftd")


def p_values(rows: list[NDArray[np.float64]], rng: np.random.Generator) -> NDArray[np.float64]:
    """Per monitored window and column `(T, F)` against 1,000 reference rows."""
    columns = []
    for j, values in enumerate(rows):
        reference = rng.choice(values[:REFERENCE].ravel(), ROWS, replace=False)
        test = _ks if j < NUMERIC else _chi2
        columns.append([test(reference, window) for window in values[REFERENCE:]])
    return np.array(columns).T


def _ks(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    return float(stats.ks_2samp(reference, window, method="asymp").pvalue)


def _chi2(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    size = int(max(reference.max(), window.max())) + 1
    table = [np.bincount(v.astype(np.int64), minlength=size) for v in (reference, window)]
    seen = np.array(table)[:, np.sum(table, axis=0) > 0]
    return float(stats.chi2_contingency(seen, correction=False).pvalue)


def adwin_alarms(rows: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Windows `(T, F)` in which river's ADWIN fires, after it has seen a tenth of the baseline."""
    alarms = np.zeros((len(rows[0]) - REFERENCE, len(rows)), dtype=bool)
    for j, values in enumerate(rows):
        detector = ADWIN()
        for value in values[REFERENCE - REFERENCE // 10 : REFERENCE].ravel().tolist():
            detector.update(value)
        for t, window in enumerate(values[REFERENCE:]):
            for value in window.tolist():
                detector.update(value)
                alarms[t, j] |= detector.drift_detected
    return alarms


def our_alarms(stream: Stream) -> NDArray[np.bool_]:
    """Windows `(T, F)` in which driftd alarms; a column starts again after its alarm."""
    history = stream.reference
    calibration: Calibration = calibrate(stream.y[:history], stream.x[:history], stream.bank)
    lines = np.full(COLUMNS, float(MONTH * COLUMNS))
    learning = np.zeros(COLUMNS, dtype=bool)
    state, alarms = SequentialState.start(calibration), []
    for y, x in zip(stream.y[history:], stream.x[history:], strict=True):
        state, result = step(
            calibration, lines, state, y, x, rows=ROWS, consecutive=True, frozen=learning
        )
        state = reset(calibration, state, result.alarm)
        alarms.append(result.alarm)
    return np.array(alarms)


def measured(
    regime: str, months: float, change: Change | None, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Alarms `(T, F)` of every rule on one stream."""
    rng = np.random.default_rng(seed)
    stream, rows = make_row_stream(
        regime,
        rng,
        numeric=NUMERIC,
        categories=CATEGORICAL,
        rows=ROWS,
        reference=REFERENCE,
        months=months,
        change=change,
    )
    p = p_values(rows, rng)
    alarms = (p < 0.05, p < 0.05 / COLUMNS, p < 1 / MONTH / COLUMNS)
    return dict(zip(RULES, (*alarms, adwin_alarms(rows), our_alarms(stream)), strict=True))


def delay(alarms: NDArray[np.bool_]) -> str:
    """Median windows to the first alarm over numeric columns."""
    numeric = alarms[:, :NUMERIC]
    first = np.where(numeric.any(axis=0), numeric.argmax(axis=0) + 1.0, np.inf)
    middle = float(np.median(first))
    return f"{middle:g}" if np.isfinite(middle) else "never"


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--months", type=float, default=0.4, help="monitored months per regime")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    windows = round(options.months * MONTH)
    print(f"Column alarms in {windows} hourly windows of {ROWS} rows where nothing changes, ")
    print(f"{COLUMNS} columns (driftd's budget: one in {MONTH} windows)\n")
    print("| rule | " + " | ".join(REGIMES.values()) + " |\n|---|" + "---|" * len(REGIMES))
    quiet = {r: measured(r, options.months, None, options.seed) for r in REGIMES}
    for rule in RULES:
        counts = [np.sum(quiet[regime][rule]) for regime in REGIMES]
        print(f"| {rule} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    print("\nMedian delay in windows, every column changes, independent rows\n")
    print("| rule | " + " | ".join(CHANGES) + " |\n|---|" + "---|" * len(CHANGES))
    changed = [measured("iid", 60 / MONTH, c, options.seed + 1) for c in CHANGES.values()]
    for rule in RULES:
        print(f"| {rule} | " + " | ".join(delay(c[rule]) for c in changed) + " |")


if __name__ == "__main__":
    main()

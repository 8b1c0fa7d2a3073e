"""Table 1: simulated months in which nothing changes, and changes that happen.

Alarms are counted per column. 'Crossed' is the evidence over its line, 'told' what the daemon's
policy calls drift (at least .05 standard deviations, once until the column is back). The budget is
one false alarm in 30 days over all columns of a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tests.bench.quality import installed, ours
from tests.bench.quality.regimes import CHANGES, MONTH, QUIET, REFERENCE, changed
from tests.bench.quality.report import Table, number
from tests.bench.quality.rules import RIVER, RULES, river_alarms, rule_alarms
from tests.bench.quality.worlds import observe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

SEED: Final = 20_261_121
"""Never used while settings were chosen."""
NUMERIC: Final = 45
PEER_REGIMES: Final = ("iid", "rows", "season", "wander", "t3 shocks")
PEER_WINDOWS: Final = 60
RIVER_COLUMNS: Final = tuple(range(0, 60, 5))
REAL_WINDOWS: Final = 4
DELAY_WINDOWS: Final = 120
COPIES: Final = {"ours": 40, "peers": 12}
PROTOTYPE: Final = {"iid": "0", "rows": "0", "season": "0.1", "wander": "0.4", "t3 shocks": "2.4"}


class Count(NamedTuple):
    """Alarms per month of one regime."""

    months: int
    crossed: float
    worst: float
    incidents: float
    told: float


def count(name: str, months: int, seed: int = SEED) -> Count:
    """Alarms per budget period of a quiet regime over some months, each with its own baseline."""
    regime = QUIET[name]
    months = max(1, round(months * regime.months))
    windows = max(regime.period, 300)
    crossed, incidents, told = [], [], []
    for month in range(months):
        rng = np.random.default_rng([seed, month])
        seen = observe(regime.make(rng, windows), rng)
        found = ours.alarms(seen, regime.period)
        crossed.append(found.crossed.sum() * regime.period / windows)
        incidents.append(found.crossed.any(axis=1).sum() * regime.period / windows)
        told.append(found.told.sum() * regime.period / windows)
    mean, apart, real = (float(np.mean(part)) for part in (crossed, incidents, told))
    return Count(months, mean, float(np.max(crossed)), apart, real)


def false_alarms(months: int) -> Table:
    """All quiet regimes."""
    rows = []
    for name, regime in QUIET.items():
        found = count(name, months)
        rows.append(
            (
                name + ("" if regime.tuned else " *"),
                regime.note,
                str(found.months),
                number(found.crossed),
                number(found.worst),
                number(found.incidents),
                number(found.told),
                PROTOTYPE.get(name, "-"),
            )
        )
    return Table(
        name="1 false alarms",
        title="False alarms per month at a budget of one, nothing changes",
        header=(
            "regime",
            "what it is",
            "months",
            "crossed",
            "worst month",
            "windows",
            "told",
            "prototype",
        ),
        rows=tuple(rows),
        notes=(
            (
                "60 columns (45 numeric of four shapes, 15 categorical) in windows of 1,000 rows "
                "an hour and 336 windows of baseline, if nothing else is said. 'Windows' counts "
                "windows in which anything crossed: columns that move together alarm together. "
                "* no setting of the prototype was chosen on it. Unknown holidays are real changes "
                "to a monitor whose calendar lacks them."
            ),
        ),
        readme=(tuple(r[0] for r in rows), ("crossed", "windows", "told", "prototype")),
    )


def peers() -> Table:
    """The same streams judged by other projects' rules."""
    columns: dict[str, dict[str, float]] = {}
    for name in PEER_REGIMES:
        rng = np.random.default_rng([SEED, 77])
        seen = observe(QUIET[name].make(rng, PEER_WINDOWS), rng, keep_rows=True)
        scale = MONTH / PEER_WINDOWS
        found = rule_alarms(seen.values, REFERENCE, NUMERIC, MONTH, rng)
        columns[name] = {rule: float(a.sum()) * scale for rule, a in found.items()}
        some = river_alarms([seen.values[j] for j in RIVER_COLUMNS], REFERENCE)
        share = scale * len(seen.values) / len(RIVER_COLUMNS)
        columns[name] |= {rule: float(a.sum()) * share for rule, a in some.items()}
        columns[name]["driftd"] = count(name, 3).crossed
    rules = (*RULES, *RIVER, "driftd")
    rows = [(rule, *(number(columns[name][rule]) for name in PEER_REGIMES)) for rule in rules]
    return Table(
        name="1 peers",
        title="Column alarms per month of other rules on streams without changes",
        header=("rule", *PEER_REGIMES),
        rows=tuple(rows),
        notes=(
            (
                "Rules re-implemented with scipy, or run by river on every 5th column, on "
                f"{PEER_WINDOWS} windows and scaled to a month; windows of river's detectors in "
                "which they fire."
            ),
        ),
        readme=(rules, PEER_REGIMES),
    )


def packages() -> Table:
    """The installed packages themselves on a few windows."""
    regimes = ("iid", "season")
    rows, streams = [], {}
    for name in regimes:
        rng = np.random.default_rng([SEED, 78])
        streams[name] = observe(QUIET[name].make(rng, REAL_WINDOWS), rng, keep_rows=True)
    windows = range(REFERENCE, REFERENCE + REAL_WINDOWS)
    for package, title in installed.PACKAGES.items():
        if installed.environment(package) is None:
            rows.append((title, "not installed here", *("-" for _ in regimes)))
            continue
        cells = []
        for name in regimes:
            found = installed.package_alarms(
                package, streams[name].values, NUMERIC, REFERENCE, windows
            )
            cells.append(number(found.sum() / REAL_WINDOWS * MONTH))
        rows.append((title, installed.version(package), *cells))
    return Table(
        name="1 packages",
        title="The packages themselves, defaults kept: column alarms, scaled to a month",
        header=("package", "version", *regimes),
        rows=tuple(rows),
        notes=(
            (
                f"Each in its own environment on {REAL_WINDOWS} windows of 1,000 rows x 60 "
                "columns; reference 10,000 rows (NannyML: all 336 chunks)."
            ),
        ),
    )


def delays() -> Table:
    """Median delays of all changes."""
    rows = []
    for name in CHANGES:
        found = {regime: _our_delays(regime, name) for regime in PEER_REGIMES}
        peers_found = _peer_delays(name)
        shown = [number(float(np.median(d))) for d in found.values()]
        best = [number(float(np.median(d))) for d in peers_found.values()]
        rows.append((name, number(CHANGES[name].prototype), *shown, *best))
    header = ("change", "prototype", *(f"driftd, {r}" for r in PEER_REGIMES), *RULES, *RIVER)
    return Table(
        name="1 delays",
        title="Median delay in windows of 1,000 rows, one of 60 columns changes",
        header=header,
        rows=tuple(rows),
        notes=(
            (
                "driftd at one false alarm a month in every regime; the others at their own false "
                "alarms of the table before, on independent rows. Prototype: independent rows. "
                "ADWIN sees changes of a mean inside a window, which is faster than any window; "
                "it sees no change of scale and alarms on dependent rows."
            ),
        ),
        readme=(
            tuple(CHANGES),
            ("prototype", "driftd, iid", "driftd, season", *RULES[::2], RIVER[0]),
        ),
    )


def _our_delays(regime: str, change: str) -> NDArray[np.float64]:
    rng = np.random.default_rng([SEED, 79])
    copies = COPIES["ours"] // 3 if regime == "rows" else COPIES["ours"]
    world = changed(regime, CHANGES[change], rng, copies=copies, windows=DELAY_WINDOWS)
    return ours.delays(observe(world, rng), 60.0 * MONTH)


def _peer_delays(change: str) -> Mapping[str, NDArray[np.float64]]:
    rng = np.random.default_rng([SEED, 80])
    copies = COPIES["peers"]
    world = changed("iid", CHANGES[change], rng, copies=copies, windows=DELAY_WINDOWS)
    values = observe(world, rng, keep_rows=True).values
    numeric = 0 if CHANGES[change].shares is not None else copies
    found = rule_alarms(values, REFERENCE, numeric, MONTH, rng, columns=60)
    river = river_alarms(values[:8], REFERENCE)
    return {rule: _first(fired) for rule, fired in (*found.items(), *river.items())}


def _first(fired: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(fired.any(axis=0), fired.argmax(axis=0) + 1.0, np.inf)


def micro() -> Table:
    """Rows until a shift is found with smaller windows, the same budget per row."""
    sizes = (100, 200, 1000)
    rows = []
    for change in ("mean +.05 sd", "mean +.1 sd", "mean +.25 sd"):
        cells = []
        for size in sizes:
            rng = np.random.default_rng([SEED, 81])
            per = 1000 // size
            world = changed("iid", CHANGES[change], rng, copies=20, windows=60 * per, rows=size)
            found = ours.delays(observe(world, rng), 60.0 * MONTH * per)
            cells.append(number(float(np.median(found)) * size))
        rows.append((change, *cells, number(_adwin_rows(change))))
    return Table(
        name="1 micro",
        title="Rows until a shift of independent rows is found, same budget per row",
        header=("change", *(f"windows of {size:,}" for size in sizes), "river ADWIN, every row"),
        rows=tuple(rows),
        notes=("ADWIN at its own false alarms (90 a month over 60 normal columns, STATS.md).",),
    )


def _adwin_rows(change: str) -> float:
    from river.drift import ADWIN  # noqa: PLC0415 - river is slow to import

    rng = np.random.default_rng([SEED, 82])
    found = []
    for _ in range(12):
        detector, shift = ADWIN(), CHANGES[change].shift
        for value in rng.standard_normal(34_000).tolist():
            detector.update(value)
        found.append(np.inf)
        for place, value in enumerate((rng.standard_normal(60_000) + shift).tolist()):
            detector.update(value)
            if detector.drift_detected:
                found[-1] = place + 1.0
                break
    return float(np.median(found))


def run(months: int) -> Iterator[Table]:
    """All parts of table 1, one after the other."""
    yield false_alarms(months)
    yield delays()
    yield peers()
    yield packages()
    yield micro()

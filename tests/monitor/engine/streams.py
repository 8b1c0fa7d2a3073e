"""Small streams for engine tests: one model with a number and a category, hourly windows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.quality.counters import Layout
from detectors.sequential.budget import Budget
from monitor.app.models import panel_of
from monitor.columnar import encode_block
from monitor.drivers.learn import build_baseline
from monitor.engine.engine import Configuration, Engine
from monitor.engine.judge import Judge
from monitor.engine.lines import BudgetLines, Watched, ledger_of
from monitor.engine.model import ModelEngine
from monitor.model import ModelSpec, WindowSpec
from monitor.record import Mixed, Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.baseline import Baseline

HOUR = 3_600_000_000
START = 456_000
"""First hour of the baseline, in hours since the epoch."""
WINDOWS = 60
ROWS = 300

SPEC = ModelSpec(
    name="shop",
    columns=(
        ColumnSpec("price", "numeric", unit="euros"),
        ColumnSpec("city", "categorical"),
        ColumnSpec("note", "text"),
    ),
    window=WindowSpec(every=HOUR),
    min_records=100,
    segments=("city",),
)


def rows(
    hour: int,
    rng: np.random.Generator,
    *,
    n: int = ROWS,
    shift: float = 0.0,
    version: str = "1",
    missing: float = 0.0,
) -> RecordBatch:
    """One hour of records; `shift` in standard deviations of price, `missing` share of it."""
    price = 20 + 5 * (rng.standard_normal(n) + shift)
    price[rng.random(n) < missing] = np.nan
    city = rng.choice(3, n, p=[0.5, 0.3, 0.2]).astype(np.int32)
    times = (START + hour) * HOUR + np.sort(rng.integers(0, HOUR, n))
    return RecordBatch(
        model="shop",
        version=version,
        ids=tuple(f"{version}-{hour}-{i}" for i in range(n)),
        times=times,
        columns={
            "price": Numbers(price),
            "city": Texts(city, ("rome", "oslo", "bonn")),
            "note": Texts(np.zeros(n, np.int32), ("-",)),
        },
    )


def with_price(batch: RecordBatch, values: tuple[Any, ...]) -> RecordBatch:
    """The batch with other prices, of any type."""
    return replace(batch, columns={**batch.columns, "price": Mixed(values)})


def without(batch: RecordBatch, name: str) -> RecordBatch:
    """The batch without a column."""
    return replace(batch, columns={k: v for k, v in batch.columns.items() if k != name})


def baseline(spec: ModelSpec = SPEC, seed: int = 1) -> Baseline:
    """A baseline of quiet hours."""
    rng = np.random.default_rng(seed)
    return build_baseline([rows(hour, rng) for hour in range(WINDOWS)], spec)


def model_engine(spec: ModelSpec, learned: Baseline, config: str) -> ModelEngine:
    """The model's engine under a budget of 1 false alarm in 30 days."""
    watched = Watched(
        model=spec.name,
        windows_per_day=24.0,
        segments=tuple(learned.segments),
        importance=(1.0,) * len(learned.frame.columns),
        rules=Layout.of(learned.frame).tests,
        panel=panel_of(learned, spec.performance),
    )
    lines = BudgetLines(ledger_of(Budget(), [watched]), watched)
    return ModelEngine(spec, learned, Judge(spec, learned, config, lines))


class Resolver:
    """Knows one baseline, and the spec of every configuration digest."""

    def __init__(self, learned: Baseline, specs: dict[str, ModelSpec] | None = None) -> None:
        self._learned = learned
        self._specs = specs or {}

    def __call__(self, configuration: Configuration) -> dict[str, ModelEngine]:
        spec = self._specs.get(configuration.config, SPEC)
        return {"shop": model_engine(spec, self._learned, configuration.config)}


def configured(learned: Baseline, config: str = "c1") -> bytes:
    """The control entry that starts a journal."""
    return Configuration(config, {"shop": learned.id}).control()


Entry = tuple[str, bytes]


def journal_of(learned: Baseline, batches: list[RecordBatch]) -> list[Entry]:
    """A journal: the configuration, then one entry per batch."""
    blocks = [("records", encode_block([batch])) for batch in batches]
    return [("control", configured(learned)), *blocks]


def started(learned: Baseline) -> Engine:
    """An engine that has read its configuration."""
    engine = Engine(Resolver(learned))
    engine.step(1, "control", configured(learned))
    return engine


def bits(values: NDArray[np.float64]) -> bytes:
    """The exact bytes of an array."""
    return values.tobytes()

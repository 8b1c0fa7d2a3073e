"""A model whose labels come: two classes, honest scores, errors as often as asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.columnar import encode_block
from monitor.drivers.learn import build_baseline
from monitor.engine.engine import Configuration, Engine
from monitor.model import ModelSpec, PerformanceSpec, WindowSpec
from monitor.record import LabelBatch, Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec
from tests.monitor.engine.streams import HOUR, START, model_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision
    from monitor.engine.model import ModelEngine

WINDOWS = 60
ROWS = 300
DELAY = 2 * HOUR
NAME = "loans"

SPEC = ModelSpec(
    name=NAME,
    columns=(
        ColumnSpec("income", "numeric"),
        ColumnSpec("sex", "categorical"),
        ColumnSpec("score.1", "numeric"),
        ColumnSpec("prediction", "categorical"),
    ),
    window=WindowSpec(every=HOUR),
    min_records=50,
    positive="1",
    task="binary",
    performance=PerformanceSpec(horizon=24 * HOUR, groups=("sex",), min_rows=50),
)


def hour_of(
    hour: int,
    rng: np.random.Generator,
    *,
    n: int = ROWS,
    error: float | None = None,
    version: str = "1",
) -> tuple[RecordBatch, LabelBatch]:
    """One hour of predictions, and their labels, known about two hours later.

    `error` is the rate at which labels contradict the prediction; by default a label is 1 as
    often as the score says, which is an error rate of 0.2.
    """
    score = np.round(rng.beta(2, 2, n) * 0.5 + np.where(rng.random(n) < 0.5, 0.5, 0.0), 3)
    score = np.where(score < 0.5, score * 0.8, 0.2 + score * 0.8)
    predicted = (score >= 0.5).astype(np.int32)
    truth = (rng.random(n) < score).astype(np.int32)
    if error is not None:
        truth = np.where(rng.random(n) < error, 1 - predicted, predicted).astype(np.int32)
    times = (START + hour) * HOUR + np.sort(rng.integers(0, HOUR, n))
    ids = tuple(f"{version}-{hour}-{i}" for i in range(n))
    records = RecordBatch(
        model=NAME,
        version=version,
        ids=ids,
        times=times,
        columns={
            "income": Numbers(rng.standard_normal(n)),
            "sex": Texts(rng.choice(2, n, p=[0.6, 0.4]).astype(np.int32), ("f", "m")),
            "score.1": Numbers(score),
            "prediction": Texts(predicted, ("0", "1")),
        },
    )
    known = times + DELAY + rng.integers(0, HOUR // 2, n)
    return records, LabelBatch(NAME, ids, known, Texts(truth, ("0", "1")))


def baseline(
    spec: ModelSpec = SPEC,
    seed: int = 1,
    n: int = ROWS,
    error: float | None = None,
    windows: int = WINDOWS,
) -> Baseline:
    """A baseline of quiet labelled hours."""
    rng = np.random.default_rng(seed)
    hours = [hour_of(hour, rng, n=n, error=error) for hour in range(windows)]
    return build_baseline([r for r, _ in hours], spec, labels=[known for _, known in hours])


class Resolver:
    """Knows one baseline and one spec."""

    def __init__(self, learned: Baseline, spec: ModelSpec = SPEC) -> None:
        self._learned = learned
        self._spec = spec

    def __call__(self, configuration: Configuration) -> dict[str, ModelEngine]:
        return {NAME: model_engine(self._spec, self._learned, configuration.config)}


def started(learned: Baseline, spec: ModelSpec = SPEC) -> Engine:
    """An engine that has read its configuration."""
    engine = Engine(Resolver(learned, spec))
    engine.step(1, "control", Configuration("c1", {NAME: learned.id}).control())
    return engine


def feed(
    engine: Engine, hours: list[tuple[RecordBatch, LabelBatch]], *, lag: int = 3
) -> Iterator[Decision]:
    """Send hour by hour, the labels `lag` hours after their predictions; the decisions."""
    for at in range(len(hours) + lag):
        records = [hours[at][0]] if at < len(hours) else []
        labels = [hours[at - lag][1]] if at >= lag else []
        yield from engine.step(engine.cursor + 1, "records", encode_block(records, labels))


def without_labels(spec: ModelSpec = SPEC, seed: int = 1) -> Baseline:
    """The same baseline when nobody knows the truth."""
    rng = np.random.default_rng(seed)
    return build_baseline([hour_of(hour, rng)[0] for hour in range(WINDOWS)], spec)


def renamed(batch: RecordBatch, version: str) -> RecordBatch:
    """The same records as another version saw them."""
    return replace(batch, version=version)

"""Shifts that no single column shows, through the whole engine with the default detectors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors import registry
from detectors.sequential.budget import Share
from monitor.columnar import take
from monitor.drivers.learn import build_baseline
from monitor.engine.engine import Engine
from monitor.model import ModelSpec, WindowSpec
from monitor.packing import pack, unpack
from monitor.record import Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec
from tests.monitor.engine.streams import HOUR, START, Resolver, journal_of

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision

ROWS = 400
HISTORY = 72
NAMES = ("distance", "duration", "fare", "delay")

SPEC = ModelSpec(
    name="shop",
    columns=(
        *(ColumnSpec(name, "numeric") for name in NAMES),
        ColumnSpec("city", "categorical"),
    ),
    window=WindowSpec(every=HOUR),
    min_records=100,
    scorers=tuple(registry.load(name)() for name in registry.AUTO_SCORERS),
)


def trips(hour: int, seed: int, *, flipped: bool = False) -> RecordBatch:
    """One hour; distance and duration go together, with a daily season in both of them.

    Flipped, they go against each other and each alone looks as before.
    """
    rng = np.random.default_rng([seed, hour])
    season = 0.3 * np.sin(2 * np.pi * (hour % 24) / 24)
    distance, noise, fare, delay = rng.standard_normal((4, ROWS))
    duration = (-0.8 if flipped else 0.8) * distance + 0.6 * noise
    values = (np.exp(distance + season), duration + season, fare + distance, delay)
    times = (START + hour) * HOUR + np.sort(rng.integers(0, HOUR, ROWS))
    city = rng.choice(3, ROWS, p=[0.5, 0.3, 0.2]).astype(np.int32)
    return RecordBatch(
        model="shop",
        version="1",
        ids=tuple(f"{hour}-{i}" for i in range(ROWS)),
        times=times,
        columns={
            **{name: Numbers(column) for name, column in zip(NAMES, values, strict=True)},
            "city": Texts(city, ("rome", "oslo", "bonn")),
        },
    )


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return build_baseline([trips(hour, 1) for hour in range(HISTORY)], SPEC)


def decisions_of(learned: Baseline, batches: list[RecordBatch], *, restart: bool) -> list[Decision]:
    """Everything the engine decides, optionally stopped and resumed after every entry."""
    resolver = Resolver(learned, {"c1": SPEC})
    engine, made = Engine(resolver), []
    for seq, entry in enumerate(journal_of(learned, batches), 1):
        made += engine.step(seq, *entry)
        if restart:
            engine = Engine.restore(unpack(pack(engine.state())), resolver)
    return made


def stream(start: int, hours: int, *, flips_at: int | None = None) -> list[RecordBatch]:
    """Hours from `start`; from `flips_at` on only the relation differs."""
    return [
        trips(hour, 2, flipped=flips_at is not None and hour >= flips_at)
        for hour in range(start, start + hours)
    ]


def test_the_default_panel_is_calibrated_on_the_baselines_windows(learned: Baseline) -> None:
    panel = learned.whole.panel
    assert panel is not None
    assert set(panel.shares) == {Share.MULTIVARIATE}
    assert panel.series.shape[0] == HISTORY


def test_a_shift_that_no_column_shows_is_found_and_explained(learned: Baseline) -> None:
    made = decisions_of(learned, stream(HISTORY, 16, flips_at=HISTORY + 8), restart=False)
    told = [d for d in made if any(f.severity == "drift" for f in d.findings)]
    assert told[0].window.index - made[0].window.index == 8
    finding = next(f for f in told[0].findings if f.severity == "drift")
    assert (finding.kind, finding.column, finding.measure) == ("multivariate", "", "correlation")
    assert "distance" in finding.text
    assert "duration" in finding.text
    assert next(iter(finding.shares)) == "duration"  # its relation to the fare turned as well
    assert not [f for d in told for f in d.findings if f.kind == "columns"]


def test_unchanged_traffic_stays_silent(learned: Baseline) -> None:
    made = decisions_of(learned, stream(HISTORY, 150), restart=False)
    assert not [f for d in made for f in d.findings if f.kind == Share.MULTIVARIATE]


def test_it_replays_identically_across_restarts(learned: Baseline) -> None:
    batches = stream(HISTORY, 12, flips_at=HISTORY + 6)
    straight = decisions_of(learned, batches, restart=False)
    resumed = decisions_of(learned, batches, restart=True)
    assert [d.body for d in straight] == [d.body for d in resumed]
    rng = np.random.default_rng(3)
    shuffled = [take(batch, rng.permutation(len(batch))) for batch in batches]
    other = decisions_of(learned, shuffled, restart=False)
    assert [d.body for d in other] == [d.body for d in straight]


def test_a_column_that_drifts_by_itself_is_told_as_such(learned: Baseline) -> None:
    batches = stream(HISTORY, 12)
    batches[4:] = [_late(batch) for batch in batches[4:]]
    made = decisions_of(learned, batches, restart=False)
    drifts = [f for d in made for f in d.findings if f.severity == "drift"]
    assert {f.column for f in drifts if f.kind == "drift"} == {"delay"}
    joint = [f for f in drifts if f.kind == "multivariate"]
    assert all(f.caused_by == "delay" for f in joint)


def _late(batch: RecordBatch) -> RecordBatch:
    delay = batch.columns["delay"]
    assert isinstance(delay, Numbers)
    return replace(batch, columns={**batch.columns, "delay": Numbers(delay.values + 0.5)})

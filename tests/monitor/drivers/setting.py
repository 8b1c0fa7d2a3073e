"""A small shop's model with a real archive: rows made from numbers, a baseline, a driver."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import registry
from monitor.app.models import ArchiveResolver
from monitor.archive import baselines as stored
from monitor.archive import decisions, engine_state, journal
from monitor.archive.archive import Archive
from monitor.archive.baselines import StoredBaseline
from monitor.archive.journal import Entry
from monitor.clock import MICROS, ManualClock
from monitor.columnar import encode_block
from monitor.config.digest import canonical_decision_config, decision_digest
from monitor.config.load import load
from monitor.drivers.learn import build_baseline
from monitor.drivers.live import LiveDriver, Notify
from monitor.engine.engine import Configuration, Engine
from monitor.model import ModelSpec, WindowSpec
from monitor.packing import decompress, unpack
from monitor.record import Column, Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from monitor.archive.decisions import DecisionRow
    from monitor.baseline import Baseline
    from monitor.config.model import Config
    from monitor.engine.decision import Decision

MODEL = "shop"
CONFIG = "driftd.yaml"
BASELINE = "shop.baseline"
EVERY = 60 * MICROS
LATENESS = 10 * MICROS
IDLE = 30 * MICROS
START = 1_709_510_400 * MICROS
"""2024-03-04T00:00:00Z."""

WINDOWS = 40
PER_WINDOW = 100
LIVE = START + WINDOWS * EVERY
COLUMNS = (
    ColumnSpec("amount", "numeric", unit="EUR", range=(-1e6, 1e6)),
    ColumnSpec("age", "numeric"),
    ColumnSpec("country", "categorical"),
    ColumnSpec("note", "text"),
)
CONFIG_TEXT = """\
server: {{port: 0}}
archive: {{url: "sqlite:///driftd.db"}}
models:
  - name: shop
    baseline: shop.baseline
    window: {window}
    min_records: {min_records}
    segments: {segments}
{model}{more}"""
TIME_WINDOW = "{every: 60s, lateness: 10s, idle: 30s}"


def config_text(
    window: str = TIME_WINDOW,
    min_records: int = 20,
    segments: str = "[region]",
    model: str = "",
    more: str = "",
) -> str:
    """`driftd.yaml`: `model` are further lines of the model, `more` further sections."""
    return CONFIG_TEXT.format(
        window=window, min_records=min_records, segments=segments, model=model, more=more
    )


def rows(
    first: int,
    times: Sequence[int],
    *,
    shift: float = 0.0,
    version: str = "1",
    more: Mapping[str, Column] | None = None,
) -> RecordBatch:
    """Records at `times` (microseconds); all follows from `first`."""
    n = len(times)
    rng = np.random.default_rng(first)
    columns: dict[str, Column] = {
        "amount": Numbers(np.round(rng.normal(50 + 10 * shift, 10, n), 3)),
        "age": Numbers(rng.integers(18, 80, n).astype(np.float64)),
        "country": Texts(rng.integers(0, 3, n).astype(np.int32), ("de", "fr", "us")),
        "note": Texts(np.zeros(n, dtype=np.int32), ("ok",)),
    }
    return RecordBatch(
        model=MODEL,
        version=version,
        ids=tuple(f"r-{first}-{i}" for i in range(n)),
        times=np.array(times, dtype=np.int64),
        columns={**columns, **(more or {})},
        segments={"region": Texts(rng.integers(0, 2, n).astype(np.int32), ("north", "south"))},
    )


def window_times(index: int, count: int = PER_WINDOW, start: int = LIVE) -> list[int]:
    """Evenly spaced times in window `index` after `start`."""
    step = EVERY // count
    return [start + index * EVERY + i * step for i in range(count)]


def window(index: int, *, shift: float = 0.0, count: int = PER_WINDOW, **more: Any) -> RecordBatch:
    """One window's records."""
    return rows(1000 + index, window_times(index, count), shift=shift, **more)


@cache
def history() -> tuple[RecordBatch, ...]:
    """The rows that the baseline is learned from."""
    return tuple(rows(i, window_times(i, start=START)) for i in range(WINDOWS))


def place(folder: Path, text: str | None = None, baseline: Baseline | None = None) -> Config:
    """Write configuration and baseline into `folder`; the configuration."""
    (folder / CONFIG).write_text(config_text() if text is None else text)
    (folder / BASELINE).write_bytes((baseline or learned()).to_bytes())
    return load(folder / CONFIG)


@cache
def learned(
    every: int | None = EVERY, records: int | None = None, segments: tuple[str, ...] = ("region",)
) -> Baseline:
    """The shop's baseline, built by the real learner."""
    spec = ModelSpec(
        name=MODEL,
        columns=COLUMNS,
        window=WindowSpec(every=every, records=records, lateness=LATENESS if every else 0),
        min_records=20,
        segments=segments,
        scorers=tuple(registry.load(name)() for name in registry.AUTO_SCORERS),
    )
    return build_baseline(history(), spec)


@dataclass
class Setting:
    """An archive with a live driver that is stepped by hand."""

    archive: Archive
    clock: ManualClock
    config: Config
    notify: Notify = field(default_factory=Notify)
    baseline: Baseline = field(default_factory=learned)
    made: list[Decision] = field(default_factory=list)
    driver: LiveDriver = field(init=False)
    resolver: ArchiveResolver = field(init=False)

    def __post_init__(self) -> None:
        self.resolver = ArchiveResolver(self.archive.reader)
        self.driver = self.restarted()

    def restarted(self) -> LiveDriver:
        """A driver as after a restart of the process."""
        idle = {MODEL: IDLE}
        self.driver = LiveDriver(
            self.archive, self._restored, self.clock, self.notify, self.made.extend, idle
        )
        return self.driver

    def _restored(self) -> Engine:
        saved = self.archive.reader.run(engine_state.load)
        if saved is None:
            return Engine(self.resolver)
        return Engine.restore(unpack(decompress(saved.state)), self.resolver)

    def write(self, unit: Callable[[Connection], Any]) -> Any:
        """Run a unit of the writer."""
        return self.archive.writer.submit(unit).result(10)

    def configure(self, config: Config | None = None, baseline: Baseline | None = None) -> int:
        """Archive configuration and baseline, and journal the change to them."""
        self.config, self.baseline = config or self.config, baseline or self.baseline
        digest, body = decision_digest(self.config), canonical_decision_config(self.config)
        row = StoredBaseline(self.baseline.id, MODEL, 0, self.baseline.to_bytes())
        self.write(lambda link: stored.add(link, row))
        self.write(lambda link: stored.add_config(link, digest, body, 0))
        configuration = Configuration(digest, {MODEL: self.baseline.id})
        return self.driver.append_control(configuration.control())

    def append(self, *batches: RecordBatch) -> int:
        """Journal records."""
        entry = Entry("records", encode_block(batches), sum(map(len, batches)), 0, self.clock.now())
        seq: int = self.write(lambda link: journal.append(link, entry))
        return seq

    def step(self) -> None:
        """Let the driver take in everything there is."""
        while self.driver.run_once():
            pass

    def decisions(self) -> list[DecisionRow]:
        """All stored decisions in order of making."""
        return list(
            self.archive.reader.run(
                lambda link: decisions.following(link, decisions.Query(), 0, decisions.MAX_PAGE)
            )
        )

    def bodies(self) -> list[dict[str, Any]]:
        """The same as JSON."""
        return [json.loads(row.body) for row in self.decisions()]


@contextmanager
def setting(folder: Path, text: str | None = None, **more: Any) -> Iterator[Setting]:
    """A configured archive in `folder` (made if it is not there); its clock stands at `LIVE`."""
    folder.mkdir(exist_ok=True)
    config = place(folder, text, more.get("baseline"))
    clock = ManualClock(LIVE)
    with Archive(config.archive.url, clock) as archive:
        made = Setting(archive, clock, config, **more)
        made.configure()
        yield made


def filled(folder: Path, windows: int = 8) -> Setting:
    """Fill the archive of `folder` with a shift after two windows, messages for two channels."""
    notify = Notify(channels=lambda _model, _severity: ("ops", "dev"))
    with setting(folder, notify=notify) as shop:
        for index in range(windows):
            shop.append(window(index, shift=0 if index < 2 else 3))
        shop.step()
        shop.driver.save()
    return shop

"""Baselines that come out of the journal: learned once, whatever crashes, and replayed alike."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from monitor.app.baselines import build_from_journal, settle
from monitor.app.models import ArchiveResolver
from monitor.archive import baselines as stored
from monitor.archive import decisions, engine_state, journal
from monitor.archive.archive import Archive
from monitor.archive.journal import Entry
from monitor.clock import ManualClock
from monitor.columnar import encode_block
from monitor.config.digest import canonical_decision_config, decision_digest
from monitor.config.load import load
from monitor.drivers.live import LiveDriver, Notify
from monitor.drivers.replay import replay
from monitor.drivers.teach import LEARNED, ROLLED, Teacher
from monitor.engine.engine import Configuration, Engine
from monitor.engine.learning import LearningEngine
from monitor.engine.model import ModelEngine
from monitor.model import model_of
from monitor.packing import decompress, unpack
from tests.monitor.drivers.setting import EVERY, LIVE, MODEL, learned, place, window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor.archive.decisions import DecisionRow
    from monitor.baseline import Baseline
    from monitor.config.model import Config
    from monitor.record import RecordBatch

TEXT = """\
server: {{port: 0}}
archive: {{url: "sqlite:///driftd.db"}}
models:
  - name: shop
    baseline: {baseline}
    window: {{every: 60s, lateness: 10s, idle: 30s}}
    min_records: 20
    segments: [region]
"""
LEARN = 20
"""Windows that teach."""


@dataclass
class Live:
    """The daemon's engine side, stepped by hand."""

    archive: Archive
    config: Config
    crash: bool = False
    built: list[str] = field(default_factory=list)
    driver: LiveDriver = field(init=False)

    def __post_init__(self) -> None:
        self.clock = ManualClock(LIVE)
        self.restart()

    def restart(self) -> None:
        """As the daemon starts: settle baselines, restore the engine, journal the configuration."""
        digest, body = decision_digest(self.config), canonical_decision_config(self.config)
        chosen = settle(self.config, self.archive, self.clock)
        self.archive.writer.submit(lambda link: stored.add_config(link, digest, body, 0)).result()
        self.teacher = Teacher(self.archive, self.clock, self.build)
        self.driver = LiveDriver(
            self.archive, self.restored, self.clock, Notify(), attend=self.teacher.attend
        )
        wanted = Configuration(digest, chosen)
        pending = self.archive.reader.run(journal.last_seq) > self.driver.engine.cursor
        if pending or wanted != self.driver.engine.configuration:
            self.driver.append_control(wanted.control())

    def restored(self) -> Engine:
        saved = self.archive.reader.run(engine_state.load)
        resolve = ArchiveResolver(self.archive.reader)
        if saved is None:
            return Engine(resolve)
        return Engine.restore(unpack(decompress(saved.state)), resolve)

    def build(self, key: str, records: Sequence[RecordBatch], labels: Any) -> Baseline:
        if self.crash:
            raise KeyboardInterrupt
        model = next(m for m in self.config.models if m.name == model_of(key))
        self.built.append(key)
        return build_from_journal(model, records, labels)

    def send(self, *batches: RecordBatch) -> None:
        entry = Entry("records", encode_block(batches), sum(map(len, batches)), 0, LIVE)
        self.archive.writer.submit(lambda link: journal.append(link, entry)).result()

    def step(self) -> None:
        while self.driver.run_once():
            pass

    def step_until_learned(self) -> None:
        """Die right after the transaction that brings the baseline into force."""
        while self.driver.run_once():
            if self.built:
                raise KeyboardInterrupt

    def rows(self) -> list[DecisionRow]:
        query = decisions.Query()
        return list(
            self.archive.reader.run(
                lambda link: decisions.following(link, query, 0, decisions.MAX_PAGE)
            )
        )

    def whole(self) -> list[dict[str, Any]]:
        """Decisions on the whole stream, by window."""
        found = [json.loads(row.body) for row in self.rows() if not row.segment]
        return sorted(found, key=lambda body: (body["window"]["index"], body["version"]))

    def baseline(self) -> Baseline:
        """What the model is judged by now."""
        model = self.driver.engine.models[MODEL]
        assert isinstance(model, ModelEngine)
        return model.baseline

    def active(self) -> dict[str, str]:
        return self.archive.reader.run(stored.active)

    def same_in_replay(self) -> bool:
        wanted = tuple(self.rows())
        resolve = ArchiveResolver(self.archive.reader)
        return replay(self.archive.reader, resolve, wanted, complete=True).identical


@contextmanager
def live(folder: Path, baseline: str) -> Iterator[Live]:
    config = place(folder, TEXT.format(baseline=baseline))
    with Archive(config.archive.url, ManualClock(LIVE)) as archive:
        yield Live(archive, load(folder / "driftd.yaml"))


def test_a_model_learns_from_its_log_and_judges_from_then_on(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m}") as shop:
        for index in range(LEARN + 8):
            shop.send(window(index))
            shop.step()
        bodies = shop.whole()
        assert shop.built == [MODEL]
        first, then = bodies[: LEARN + 1], bodies[LEARN + 1 :]
        assert {body["verdict"] for body in first} == {"insufficient"}
        assert first[0]["summary"].startswith("learning until 2024-03-04 01:00 UTC: ")
        assert first[0]["stage"] == "learning"
        assert first[0]["baseline"] == ""
        assert (
            first[0]["needs"]["text"]
            == "what is normal is being learned until 2024-03-04 01:00 UTC"
        )
        assert [body["verdict"] for body in then] == ["stable"] * 6
        assert {body["baseline"] for body in then} == {shop.active()[MODEL]}
        indexes = [body["window"]["index"] for body in bodies]
        assert indexes == list(range(indexes[0], indexes[0] + LEARN + 7)), "no window twice"
        assert all(body["window"]["records"] == 100 for body in bodies)
        baseline = shop.baseline()
        assert (baseline.rows, baseline.start) == (100 * LEARN, LIVE)
        (activation,) = shop.archive.reader.run(lambda link: stored.history(link, MODEL))
        assert activation.reason == LEARNED
        assert shop.same_in_replay()


def test_a_backlog_is_judged_from_where_the_baseline_was_due(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m}") as shop:
        for index in range(LEARN + 30):
            shop.send(window(index))
        shop.step()
        bodies = shop.whole()
        assert [body["verdict"] for body in bodies[: LEARN + 1]] == ["insufficient"] * (LEARN + 1)
        assert {body["verdict"] for body in bodies[LEARN + 1 :]} == {"stable"}
        assert shop.same_in_replay()
        shop.driver.save()
        shop.restart()
        shop.send(window(LEARN + 30), window(LEARN + 31))
        shop.step()
        assert shop.built == [MODEL]
        assert shop.whole()[-1]["verdict"] == "stable"
        assert shop.same_in_replay()


def test_the_last_window_of_a_replaced_engine_closes_in_silence(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m}") as shop:
        for index in range(LEARN + 1):
            shop.send(window(index))
            shop.step()
        assert shop.built == [MODEL]
        before = len(shop.whole())
        shop.clock.advance(40 * 60)
        shop.driver.close_idle()
        shop.step()
        assert len(shop.whole()) == before + 1
        last = shop.archive.reader.run(journal.last_seq)
        shop.driver.close_idle()
        assert shop.archive.reader.run(journal.last_seq) == last, "once is enough"
        assert shop.same_in_replay()


def test_what_is_learned_survives_restarts(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m}") as shop:
        for index in range(LEARN + 3):
            shop.send(window(index))
        shop.step()
        before = shop.active()
        shop.restart()
        shop.send(window(LEARN + 3), window(LEARN + 4))
        shop.step()
        assert shop.active() == before
        assert shop.built == [MODEL]
        assert isinstance(shop.driver.engine.models[MODEL], ModelEngine)
        assert shop.same_in_replay()


@pytest.mark.parametrize("after", ["before the transaction", "after the transaction"])
def test_a_crash_while_learning_neither_loses_nor_doubles(tmp_path: Path, after: str) -> None:
    with live(tmp_path, "{learn: 20m}") as shop:
        for index in range(LEARN + 3):
            shop.send(window(index))
        shop.crash = after.startswith("before")
        with pytest.raises(KeyboardInterrupt):
            shop.step_until_learned()
        shop.crash = False
        shop.restart()
        shop.step()
        assert shop.built == [MODEL]
        assert len(shop.archive.reader.run(lambda link: stored.history(link, MODEL))) == 1
        for index in range(LEARN + 3, LEARN + 8):
            shop.send(window(index))
        shop.step()
        indexes = [body["window"]["index"] for body in shop.whole()]
        assert indexes == sorted(set(indexes))
        assert shop.whole()[-1]["verdict"] == "stable"
        assert shop.same_in_replay()


def test_a_crash_before_a_rolling_baseline_is_in_force(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m, rolling: 20m, refresh: 12m}") as shop:
        for index in range(LEARN + 2):
            shop.send(window(index))
            shop.step()
        shop.driver.save()
        for index in range(LEARN + 2, LEARN + 16):
            shop.send(window(index))
        shop.crash = True
        with pytest.raises(KeyboardInterrupt):
            shop.step()
        shop.crash = False
        shop.restart()
        shop.step()
        assert len(shop.archive.reader.run(lambda link: stored.history(link, MODEL))) == 2
        assert shop.driver.engine.models[MODEL].baseline_id == shop.active()[MODEL]
        indexes = [body["window"]["index"] for body in shop.whole()]
        assert indexes == sorted(set(indexes))
        assert shop.same_in_replay()


def test_too_little_to_learn_from_is_learned_from_for_longer(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 2m}") as shop:
        for index in range(10):
            shop.send(window(index, count=1))
            shop.step()
        assert isinstance(shop.driver.engine.models[MODEL], LearningEngine)
        last = shop.whole()[-1]
        assert last["verdict"] == "insufficient"
        assert last["summary"].startswith("learning until 2024-03-04 00:48 UTC: ")
        assert shop.same_in_replay()


def test_segments_are_known_once_learned(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m}") as shop:
        for index in range(LEARN + 4):
            shop.send(window(index))
            shop.step()
        assert "region=north" in {row.segment for row in shop.rows()}


def test_a_version_has_its_own_baseline(tmp_path: Path) -> None:
    (tmp_path / "new.baseline").write_bytes(learned(segments=()).to_bytes())
    text = '{path: shop.baseline, versions: {"2": new.baseline}}'
    config = place(tmp_path, TEXT.format(baseline=text).replace("    segments: [region]\n", ""))
    with Archive(config.archive.url, ManualClock(LIVE)) as archive:
        shop = Live(archive, load(tmp_path / "driftd.yaml"))
        for index in range(4):
            shop.send(window(index), window(index, version="2"))
            shop.step()
        ids = {body["version"]: body["baseline"] for body in shop.whole()}
        assert ids == {"1": learned().id, "2": learned(segments=()).id}
        assert shop.active() == {"shop": ids["1"], "shop/2": ids["2"]}
        assert shop.same_in_replay()


def test_an_unknown_version_learns_for_itself(tmp_path: Path) -> None:
    with live(tmp_path, "{path: shop.baseline, handover: learn 20m}") as shop:
        shop.send(window(0))
        for index in range(1, LEARN + 6):
            shop.send(window(index), window(index, shift=1.5, version="2"))
            shop.step()
        mine = [body for body in shop.whole() if body["version"] == "2"]
        assert mine[0]["verdict"] == "insufficient"
        assert mine[-1]["verdict"] == "stable", "its own level is normal for it"
        assert mine[-1]["baseline"] == shop.active()["shop/2"]
        old = [body for body in shop.whole() if body["version"] == "1"]
        assert {body["baseline"] for body in old} == {learned().id}
        assert old[-1]["verdict"] == "stable"
        shop.restart()
        shop.send(window(LEARN + 6), window(LEARN + 6, shift=1.5, version="2"))
        shop.step()
        assert set(shop.driver.engine.models) == {"shop", "shop/2"}
        assert shop.same_in_replay()


def test_an_unknown_version_is_kept_with_the_others_by_default(tmp_path: Path) -> None:
    with live(tmp_path, "shop.baseline") as shop:
        for index in range(4):
            shop.send(window(index), window(index, shift=1.5, version="2"))
            shop.step()
        assert {body["baseline"] for body in shop.whole()} == {learned().id}
        assert "drift" in {body["verdict"] for body in shop.whole() if body["version"] == "2"}


def test_a_rolling_baseline_follows_and_leaves_out_what_alarmed(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m, rolling: 30m, refresh: 12m}") as shop:
        for index in range(70):
            shop.send(window(index, shift=4.0 if index == 41 else 0.0))
            shop.step()
        past = shop.archive.reader.run(lambda link: stored.history(link, MODEL))
        assert [one.reason for one in past][-1] == LEARNED
        assert {one.reason for one in past[:-1]} == {ROLLED}
        assert len(past) >= 3
        newest = shop.baseline()
        assert newest.start >= LIVE + 25 * EVERY
        rows = [body["window"]["records"] for body in shop.whole()]
        assert set(rows) == {100}, "no window was cut in two"
        indexes = [body["window"]["index"] for body in shop.whole()]
        assert indexes == sorted(set(indexes))
        for one in past[:-1]:
            found = ArchiveResolver(shop.archive.reader).baseline(one.baseline)
            if found.start <= LIVE + 41 * EVERY < found.end:
                mean = found.whole.profile.mean()[found.frame.columns.index("amount")]
                assert mean == pytest.approx(50, abs=1)
                assert found.rows % 100 == 0
                assert found.rows < (found.end - found.start) / EVERY * 100
        assert shop.same_in_replay()


def test_a_rolling_baseline_waits_while_something_drifts(tmp_path: Path) -> None:
    with live(tmp_path, "{learn: 20m, rolling: 20m, refresh: 12m}") as shop:
        for index in range(60):
            shop.send(window(index, shift=0.0 if index < 28 else 1.5))
            shop.step()
        assert shop.whole()[-1]["verdict"] == "drift"
        past = shop.archive.reader.run(lambda link: stored.history(link, MODEL))
        for one in past:
            found = ArchiveResolver(shop.archive.reader).baseline(one.baseline)
            assert found.end <= LIVE + 29 * EVERY

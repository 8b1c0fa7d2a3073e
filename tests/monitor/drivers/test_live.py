"""Decisions are stored once, with all they stand on, whatever fails and whenever it restarts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.profile.profile import Profile
from monitor.archive import alerts_sql, decisions, engine_state, journal, outbox_sql
from monitor.archive.journal import Entry
from monitor.archive.outbox_sql import SqlOutbox
from monitor.config.load import load
from monitor.drivers import live
from monitor.drivers.live import Durations, Notify
from monitor.engine.engine import control
from monitor.errors import StorageError
from monitor.packing import decompress, unpack
from tests.daemon import eventually
from tests.monitor.drivers.setting import (
    EVERY,
    LIVE,
    MODEL,
    config_text,
    learned,
    rows,
    setting,
    window,
    window_times,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.monitor.drivers.setting import Setting

CHANNELS = Notify(channels=lambda _model, _severity: ("ops", "dev"), link=lambda id_: f"/d/{id_}")


@pytest.fixture
def loud(tmp_path: Path) -> Iterator[Setting]:
    """Alerts go to two channels."""
    with setting(tmp_path / "loud", notify=CHANNELS) as made:
        yield made


def seq(shop: Setting) -> int:
    return shop.archive.reader.run(journal.last_seq)


def outbox(shop: Setting) -> int:
    found = SqlOutbox(shop.archive.writer, shop.archive.reader).backlog()
    return sum(channel.pending for channel in found.values())


def drifted(shop: Setting, windows: int = 6) -> None:
    """Two quiet windows, then a shift."""
    for index in range(windows):
        shop.append(window(index, shift=0 if index < 2 else 3))


def test_a_decision_is_stored_with_evidence_profile_and_state(shop: Setting) -> None:
    shop.append(window(0))
    shop.append(window(1))
    shop.step()
    whole, north, south = shop.decisions()
    assert [row.segment for row in (whole, north, south)] == ["", "region=north", "region=south"]
    assert (whole.records, north.records + south.records) == (100, 100)
    assert (whole.window_start, whole.window_end) == (LIVE, LIVE + EVERY)
    assert (whole.journal_from, whole.journal_to) == (2, 2)
    body = json.loads(whole.body)
    assert (body["decision_id"], body["verdict"]) == (whole.decision_id, whole.verdict)
    read = shop.archive.reader.run
    evidence = json.loads(read(lambda link: decisions.evidence(link, whole.decision_id)))
    assert evidence["decision_id"] == whole.decision_id
    stored = unpack(decompress(read(lambda link: decisions.profile(link, whole.decision_id))))
    assert Profile.restore(shop.baseline.frame, stored).rows == 100
    saved = read(engine_state.load)
    assert saved is not None
    assert saved.cursor == seq(shop) == unpack(decompress(saved.state))["cursor"]
    assert [decision.id for decision in shop.made] == [row.decision_id for row in shop.decisions()]


def test_nothing_is_saved_while_nothing_was_decided(shop: Setting) -> None:
    shop.append(window(0))
    shop.step()
    assert shop.archive.reader.run(engine_state.load) is None
    shop.driver.save()
    saved = shop.archive.reader.run(engine_state.load)
    assert saved is not None
    assert saved.cursor == seq(shop)


def test_state_is_saved_now_and_then(shop: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SAVE_RECORDS", 150)
    times = window_times(0, 300)
    for first in range(0, 300, 60):
        shop.append(rows(first, times[first : first + 60]))
    shop.driver.run_once()
    assert shop.archive.reader.run(engine_state.cursor) == 4


class Crash(Exception):  # noqa: N818 - it stands for SIGKILL
    """The process ends here."""


STEPS: list[tuple[Any, str]] = [
    (decisions, "add"),
    (engine_state, "save"),
    (engine_state, "keep_snapshot"),
    (alerts_sql, "save"),
    (outbox_sql, "add"),
]


@pytest.mark.parametrize(("module", "name"), STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_inside_the_transaction_leaves_nothing_and_costs_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    *,
    after: bool,
) -> None:
    with setting(tmp_path / "calm", notify=CHANNELS) as calm:
        drifted(calm)
        calm.step()
        expected, messages = [row.body for row in calm.decisions()], outbox(calm)
    assert messages > 0
    real = getattr(module, name)

    def dying(*arguments: Any) -> Any:
        if after:
            real(*arguments)
        raise Crash

    with setting(tmp_path / "crashing", notify=CHANNELS) as shop:
        drifted(shop)
        with monkeypatch.context() as patch:
            patch.setattr(module, name, dying)
            with pytest.raises(Crash):
                shop.step()
        done = shop.decisions()
        assert len({row.journal_to for row in done}) == len(done) // 3
        assert all(row.journal_to < shop.driver.engine.cursor for row in done)
        shop.restarted()
        shop.step()
        assert [row.body for row in shop.decisions()] == expected
        assert outbox(shop) == messages


@settings(max_examples=6, deadline=None)
@given(places=st.sets(st.integers(0, 9)), saves=st.sets(st.integers(0, 9)))
def test_restarts_anywhere_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, places: set[int], saves: set[int]
) -> None:
    with setting(tmp_path_factory.mktemp("shop") / "a") as shop:
        for index in range(10):
            times = window_times(index // 2, 100)
            half = times[:50] if index % 2 == 0 else times[50:]
            shop.append(rows(index, half, shift=0 if index < 4 else 2))
            shop.step()
            if index in saves:
                shop.driver.save()
            if index in places:
                shop.restarted()
        shop.step()
        assert [row.body for row in shop.decisions()] == undisturbed(tmp_path_factory)


_UNDISTURBED: list[bytes] = []


def undisturbed(factory: pytest.TempPathFactory) -> list[bytes]:
    """The same traffic without a restart."""
    if not _UNDISTURBED:
        with setting(factory.mktemp("undisturbed") / "a") as shop:
            for index in range(10):
                times = window_times(index // 2, 100)
                half = times[:50] if index % 2 == 0 else times[50:]
                shop.append(rows(index, half, shift=0 if index < 4 else 2))
            shop.step()
            _UNDISTURBED.extend(row.body for row in shop.decisions())
    return _UNDISTURBED


def test_two_drivers_cannot_decide_twice(shop: Setting) -> None:
    shop.append(window(0))
    shop.append(window(1))
    second = shop.driver
    shop.restarted()
    shop.step()
    with pytest.raises(decisions.DuplicateDecisionError):
        second.run_once()
    assert len(shop.decisions()) == 3


def test_a_configuration_one_returns_to_decides_on_no_window_again(
    shop: Setting, tmp_path: Path
) -> None:
    """A baseline is replaced and put back within one window."""
    first = (shop.config, shop.baseline)
    (tmp_path / "b.yaml").write_text(config_text(segments="[]"))
    second = (load(tmp_path / "b.yaml"), learned(segments=()))
    for number, (config, baseline) in enumerate([second, first, second, first]):
        shop.append(rows(number, window_times(0, 30)))
        shop.configure(config, baseline)
        shop.step()
    shop.append(window(1))
    shop.append(window(2))
    shop.step()
    found = shop.decisions()
    assert {row.window_index for row in found} == {LIVE // EVERY, LIVE // EVERY + 1}
    assert len({row.decision_id for row in found}) == len(found)
    assert [row.records for row in found if not row.segment] == [30, 30, 100]


def test_windows_of_another_configuration_are_not_taken_for_silence(
    shop: Setting, tmp_path: Path
) -> None:
    first = (shop.config, shop.baseline)
    (tmp_path / "b.yaml").write_text(config_text(segments="[]"))
    shop.append(window(0))
    shop.configure(load(tmp_path / "b.yaml"), learned(segments=()))
    for index in range(1, 8):
        shop.append(window(index))
    shop.configure(*first)
    for index in range(8, 11):
        shop.append(window(index))
    shop.step()
    assert [row.records for row in shop.decisions() if not row.segment] == [100] * 10


def test_count_windows_go_on_counting_after_a_change_back(tmp_path: Path) -> None:
    """All records at one time: only the index tells windows apart."""
    text = config_text(window="{records: 50}")
    with setting(tmp_path, text, baseline=learned(every=None, records=50)) as shop:
        first = (shop.config, shop.baseline)
        (tmp_path / "b.yaml").write_text(config_text(window="{records: 60}", segments="[]"))
        second = (
            load(tmp_path / "b.yaml"),
            learned(every=None, records=60, segments=()),
        )
        for number, (config, baseline) in enumerate([second, first, second, first]):
            shop.append(rows(number, [LIVE] * 130))
            shop.configure(config, baseline)
            shop.step()
        found = shop.decisions()
        assert len({row.decision_id for row in found}) == len(found)
        assert sum(row.records for row in found if not row.segment) == 4 * 130


def test_alerts_and_messages_come_with_the_decision(loud: Setting) -> None:
    drifted(loud)
    loud.step()
    verdicts = [row.verdict for row in loud.decisions() if not row.segment]
    assert verdicts == ["stable", "stable", "drift", "drift", "drift"]
    alerts = loud.archive.reader.run(alerts_sql.open_alerts)
    assert {key.segment for key in alerts} == {"", "region=north", "region=south"}
    assert {(key.column, key.kind) for key in alerts} == {("amount", "drift")}
    known = {row.decision_id for row in loud.decisions()}
    assert {alert.opening_decision for alert in alerts.values()} <= known
    assert outbox(loud) == 2 * 3, "one message per stream and channel"
    assert (
        alerts.keys()
        == loud.archive.reader.run(lambda link: alerts_sql.open_alerts(link, MODEL)).keys()
    )


def test_without_channels_alerts_open_and_nothing_is_sent(shop: Setting) -> None:
    drifted(shop)
    shop.step()
    assert shop.archive.reader.run(alerts_sql.open_alerts)
    assert outbox(shop) == 0


def test_snapshots_are_bounded_and_spread(shop: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SNAPSHOT_DECISIONS", 3)
    monkeypatch.setattr(live, "MAX_SNAPSHOTS", 4)
    for index in range(14):
        shop.append(window(index))
    shop.step()
    found = {
        state.cursor
        for place in range(seq(shop) + 1)
        if (state := shop.archive.reader.run(near(place))) is not None
    }
    assert len(found) == 4
    assert min(found) == 3, "the first decision's"
    assert max(found) == seq(shop)


def near(place: int) -> Callable[[Any], Any]:
    return lambda link: engine_state.nearest_snapshot(link, place)


def test_an_idle_stream_is_closed_by_an_entry_once(shop: Setting) -> None:
    shop.append(window(0))
    shop.step()
    shop.driver.close_idle()
    before = seq(shop)
    shop.clock.advance(29)
    shop.driver.close_idle()
    assert seq(shop) == before, "not idle for long enough"
    shop.clock.advance(71)
    shop.driver.close_idle()
    shop.step()
    assert seq(shop) == before + 1
    assert [row.records for row in shop.decisions() if not row.segment] == [100]
    for _ in range(20):
        shop.clock.advance(60)
        shop.driver.close_idle()
        shop.step()
    empty = [row.verdict for row in shop.decisions() if row.records == 0]
    assert empty == ["broken"] * 3, "a longer silence is one story"
    assert seq(shop) == before + 4


def test_check_closes_what_is_open(shop: Setting) -> None:
    shop.append(rows(1, window_times(0, 40)))
    number = shop.driver.append_control(control("check", model=MODEL))
    shop.step()
    assert shop.driver.wait_for(number, 0)
    assert next(row.records for row in shop.decisions()) == 40
    shop.driver.append_control(control("check", model=MODEL))
    shop.driver.append_control(control("check", model="nobody"))
    shop.driver.append_control(control("advance", model="nobody", to=LIVE))
    shop.step()
    assert len(shop.decisions()) == 3


def test_records_of_a_model_that_left_are_passed_over(shop: Setting) -> None:
    batch = window(0)
    object.__setattr__(batch, "model", "gone")
    shop.append(batch)
    shop.step()
    assert (shop.driver.engine.cursor, shop.decisions()) == (seq(shop), [])


def test_durations_are_a_histogram() -> None:
    durations = Durations()
    for seconds in (0.0, 0.001, 0.002, 99.0):
        durations.observe(seconds)
    cumulated = dict(durations.cumulated())
    assert (cumulated[0.001], cumulated[0.0025], cumulated[10.0]) == (2, 3, 3)
    assert sum(durations.counts) == 4
    assert durations.total == pytest.approx(99.003)


def test_the_thread_follows_the_journal_and_saves_at_the_end(shop: Setting) -> None:
    shop.driver.start()
    try:
        shop.append(window(0))
        last = shop.append(window(1))
        shop.driver.wake()
        assert shop.driver.wait_for(last, 10)
        assert shop.driver.alive
    finally:
        shop.driver.stop()
    assert not shop.driver.alive
    assert shop.archive.reader.run(engine_state.cursor) == last
    assert len(shop.decisions()) == 3
    shop.driver.stop()


def test_the_thread_recovers_from_a_saved_state_only(
    shop: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit fails, and then the state cannot be read for a while: no decision is lost."""
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(live, "POLL_SECONDS", 0.01)
    troubles = [Crash(), StorageError("disk full"), KeyError("x")]
    rebuilt: list[Exception] = []
    real_save, real_build = engine_state.save, shop.driver._build

    def save(*arguments: Any) -> None:
        if len(troubles) == 3:
            raise troubles.pop()
        real_save(*arguments)

    def build() -> Any:
        if troubles:
            rebuilt.append(troubles.pop())
            raise rebuilt[-1]
        return real_build()

    monkeypatch.setattr(engine_state, "save", save)
    monkeypatch.setattr(shop.driver, "_build", build)
    for index in range(3):
        shop.append(window(index))
    shop.driver.start()
    try:
        eventually(lambda: len(shop.decisions()) == 6, "both windows are decided", 10, 0.01)
        eventually(lambda: not shop.driver.failing, "it is well", 10, 0.01)
    finally:
        shop.driver.stop()
    assert [row.records for row in shop.decisions() if not row.segment] == [100, 100]
    assert [type(error) for error in rebuilt] == [StorageError, Crash]


def test_a_poisoned_entry_stops_the_engine_and_says_so(
    shop: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.01)
    poison = Entry("records", b"no block", 1, 0, 0)
    shop.write(lambda link: journal.append(link, poison))
    shop.driver.start()
    try:
        eventually(lambda: "StorageError" in shop.driver.failing, "it says so", 10, 0.01)
        assert shop.driver.alive
    finally:
        shop.driver.stop()
    assert shop.decisions() == []

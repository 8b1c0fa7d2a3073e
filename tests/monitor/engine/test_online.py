"""Detectors that read single records: their findings, their order, their state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors.online.adwin import Adwin
from detectors.online.cusum import Cusum
from detectors.online.kswin import KolmogorovSmirnovWindowing
from detectors.online.reference import Reference
from detectors.profile import Profile, fit_frame
from detectors.profile.sample import Sample
from monitor.columnar import encode_block, take
from monitor.drivers.signals import rings
from monitor.engine.decision import Verdict
from monitor.engine.engine import Engine
from monitor.engine.labelled import Labelled
from monitor.engine.online import OnlineWatch
from monitor.engine.windows import ClosedWindow, Stream
from monitor.model import OnlineSpec, WindowSpec
from monitor.packing import pack, unpack
from tests.monitor.engine.streams import (
    HOUR,
    ROWS,
    SPEC,
    START,
    WINDOWS,
    Resolver,
    baseline,
    configured,
    journal_of,
    rows,
)

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision, Finding
    from monitor.model import ModelSpec
    from monitor.record import RecordBatch
    from tests.monitor.engine.streams import Entry

CUSUM = OnlineSpec("cusum", Cusum(run_length=1e7), ("price",))
WATCHED = replace(SPEC, online=(CUSUM, OnlineSpec("adwin", Adwin(), ("price",))))
CHANGE = WINDOWS + 3


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return baseline()


def engine(learned: Baseline, spec: ModelSpec = WATCHED) -> Engine:
    return Engine(Resolver(learned, {"c1": spec}))


def hours(count: int, n: int = ROWS) -> list[RecordBatch]:
    rng = np.random.default_rng(5)
    return [
        rows(hour, rng, shift=1.0 if hour >= CHANGE else 0.0, n=n)
        for hour in range(WINDOWS, WINDOWS + count)
    ]


def played(
    learned: Baseline, entries: list[Entry], spec: ModelSpec = WATCHED
) -> tuple[Engine, list[Decision]]:
    run = engine(learned, spec)
    made = [decision for seq, entry in enumerate(entries, 1) for decision in run.step(seq, *entry)]
    return run, made


def online(decision: Decision) -> list[Finding]:
    return [finding for finding in decision.findings if finding.kind == "online"]


def whole(made: list[Decision]) -> list[Decision]:
    return [decision for decision in made if not decision.window.stream.segment]


def test_an_alarm_is_a_finding_of_its_window(learned: Baseline) -> None:
    _, made = played(learned, journal_of(learned, hours(6)))
    by_window = {d.window.index - START: online(d) for d in whole(made)}
    assert not any(by_window[hour] for hour in range(WINDOWS, CHANGE))
    cusum, adwin = by_window[CHANGE]
    assert (cusum.measure, adwin.measure) == ("cusum", "adwin")
    assert cusum.column == "price"
    assert cusum.severity == "warning"
    assert "price: cusum alarmed " in cusum.text
    assert "a false alarm about every 10,000,000 records, if they are independent" in cusum.text
    start = np.datetime64((START + CHANGE) * HOUR, "us")
    found = np.datetime64(cusum.since.rstrip("Z"), "us")
    assert start <= found < start + np.timedelta64(20, "m")
    assert not rings(cusum)


def test_segments_tell_nothing_of_single_records(learned: Baseline) -> None:
    _, made = played(learned, journal_of(learned, hours(6)))
    assert not any(online(decision) for decision in made if decision.window.stream.segment)


def test_without_a_detector_nothing_is_read(learned: Baseline) -> None:
    _, made = played(learned, journal_of(learned, hours(6)), SPEC)
    assert not any(map(online, made))


def test_an_alarm_can_be_called_drift(learned: Baseline) -> None:
    loud = replace(SPEC, online=(replace(CUSUM, severity="drift"),))
    _, made = played(learned, journal_of(learned, hours(6)), loud)
    finding = next(f for d in whole(made) for f in online(d))
    assert finding.severity == "drift"
    assert rings(finding)


def test_a_warning_alone_makes_the_verdict(learned: Baseline) -> None:
    quick = OnlineSpec("cusum", Cusum(run_length=50.0), ("price",))
    rng = np.random.default_rng(11)
    quiet = [rows(hour, rng) for hour in range(WINDOWS, WINDOWS + 3)]
    _, made = played(learned, journal_of(learned, quiet), replace(SPEC, online=(quick,)))
    first = whole(made)[0]
    assert first.verdict is Verdict.WARNING
    assert first.summary.startswith("price: cusum alarmed ")
    assert "times, first at the record of" in first.summary


def test_the_order_of_rows_inside_an_entry_does_not_matter(learned: Baseline) -> None:
    entries = journal_of(learned, hours(6))
    rng = np.random.default_rng(3)
    shuffled = journal_of(learned, [take(batch, rng.permutation(len(batch))) for batch in hours(6)])
    (first, made), (second, again) = played(learned, entries), played(learned, shuffled)
    assert [d.body for d in whole(made)] == [d.body for d in whole(again)]
    assert pack(first.models["shop"].online.state()) == pack(second.models["shop"].online.state())


def test_several_batches_of_an_entry_are_read_as_one(learned: Baseline) -> None:
    together = journal_of(learned, hours(6))
    halves = []
    for batch in hours(6):
        odd = np.arange(len(batch)) % 2 == 1
        halves.append(("records", encode_block([take(batch, odd), take(batch, ~odd)])))
    apart = [("control", configured(learned)), *halves]
    assert [d.body for d in whole(played(learned, together)[1])] == [
        d.body for d in whole(played(learned, apart)[1])
    ]


@pytest.mark.parametrize("at", [2, 4, 5])
def test_a_restored_engine_decides_the_same(learned: Baseline, at: int) -> None:
    spec = replace(
        SPEC,
        online=(*WATCHED.online, OnlineSpec("kswin", KolmogorovSmirnovWindowing(), ("price",))),
    )
    entries = journal_of(learned, hours(6, n=150))
    run, made = played(learned, entries, spec)
    first = engine(learned, spec)
    before = [d for seq, entry in enumerate(entries[:at], 1) for d in first.step(seq, *entry)]
    saved = unpack(pack(first.state()))
    second = Engine.restore(saved, Resolver(learned, {"c1": spec}))
    after = [d for seq, entry in enumerate(entries[at:], at + 1) for d in second.step(seq, *entry)]
    assert [d.body for d in before + after] == [d.body for d in made]
    assert pack(second.state()) == pack(run.state())


def test_a_changed_detector_begins_anew_and_the_others_go_on(learned: Baseline) -> None:
    entries = journal_of(learned, hours(4))
    run, _ = played(learned, entries)
    other = replace(SPEC, online=(CUSUM, OnlineSpec("adwin", Adwin(delta=0.1), ("price",))))
    run._resolve = Resolver(learned, {"c1": WATCHED, "c2": other})
    run.step(len(entries) + 1, "control", configured(learned, "c2"))
    state = run.models["shop"].online.state()["running"]
    assert [key.split(":")[0] for _, key, _ in state] == ["cusum"]


def test_versions_do_not_share_detectors(learned: Baseline) -> None:
    rng = np.random.default_rng(8)
    moved = [rows(h, rng, shift=1.0, version="b") for h in range(WINDOWS, WINDOWS + 2)]
    quiet = [rows(h, rng, version="a") for h in range(WINDOWS, WINDOWS + 2)]
    entries = [encode_block([b, a]) for a, b in zip(quiet, moved, strict=True)]
    journal = [("control", configured(learned)), *(("records", entry) for entry in entries)]
    run, made = played(learned, journal)
    made += run.step(len(journal) + 1, "control", b'{"type":"check","model":"shop"}')
    found = {d.window.stream.version for d in whole(made) if online(d)}
    assert found == {"b"}


def window(start: int, end: int, version: str = "") -> ClosedWindow:
    frame = fit_frame({}, {}, [], {})
    stream = Stream(version, "")
    return ClosedWindow(stream, 0, start, end, Profile(frame), Sample.empty(frame), 0, 0)


def errors_watch() -> OnlineWatch:
    spec = OnlineSpec("cusum", Cusum(run_length=1e5), ("error", "label", "price"))
    losses = (np.random.default_rng(1).random((4_000, 1)) < 0.1).astype(float)
    reference = Reference.of_rows(["error"], losses)
    return OnlineWatch((spec,), {"error": reference}, WindowSpec(every=HOUR))


def test_labels_are_read_when_they_come() -> None:
    watch = errors_watch()
    times = np.arange(200, dtype=np.int64) * 1_000_000
    keys = np.arange(200, dtype=np.uint64)
    watch.hear([Labelled("", times, keys, np.ones(200), np.zeros(200))])
    (finding,) = watch.take(window(0, HOUR))
    assert finding.column == ""
    assert finding.measure == "cusum error"
    assert finding.text.startswith("errors: cusum alarmed ")
    assert watch.take(window(0, HOUR)) == ()


def test_an_alarm_waits_for_a_window_that_ends_behind_it() -> None:
    watch = errors_watch()
    times = np.arange(200, dtype=np.int64) * 1_000_000 + HOUR
    keys = np.arange(200, dtype=np.uint64)
    watch.hear([Labelled("2", times, keys, np.ones(200), np.zeros(200))])
    assert watch.take(window(0, HOUR, "2")) == ()
    assert watch.take(window(HOUR, 2 * HOUR, "1")) == ()
    restored = errors_watch()
    restored.restore(unpack(pack(watch.state())))
    assert len(restored.take(window(3 * HOUR, 4 * HOUR, "2"))) == 1


def test_no_streams_no_detectors() -> None:
    watch = OnlineWatch((CUSUM,), {}, WindowSpec(records=100))
    watch.feed(hours(1))
    assert watch.state() == {"running": [], "waiting": []}

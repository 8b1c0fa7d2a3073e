"""Windows of the running daemon: by time, by count, by segment; late, idle, asked for; restarts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from monitor.packing import decompress, unpack
from tests import shop
from tests.crash.kill_oracle import query
from tests.daemon import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon import Daemon

PER = shop.PER_WINDOW


def send(daemon: Daemon, first: int, count: int, **options: Any) -> dict[str, Any]:
    receipt: dict[str, Any] = daemon.send(shop.lines(shop.stream(first, count, **options)))
    eventually(daemon.caught_up, "the engine has caught up")
    return receipt


def whole(daemon: Daemon) -> list[tuple[str, int, str]]:
    """Start, records and verdict of all windows over all records."""
    return [
        (one["window"]["start"], one["window"]["records"], one["verdict"])
        for one in daemon.decisions()
        if not one["segment"]
    ]


def start_of(index: int) -> str:
    """Start of a window of the stream, as decisions write it."""
    return shop.rfc3339(shop.LIVE + index * shop.EVERY)


def late(folder: Path) -> int:
    """Late records, as the engine's saved state counts them."""
    ((state,),) = query(folder / "driftd.db", "SELECT state FROM engine_state")
    counted: int = unpack(decompress(state))["models"][shop.MODEL]["windows"]["late"]
    return counted


def test_windows_of_time(tmp_path: Path, shop_baseline: bytes) -> None:
    with shop.place(tmp_path, shop_baseline) as daemon:
        daemon.start()
        send(daemon, 0, 2 * PER + PER // 2)
        # The watermark is 10 s behind the newest record, which is 30 s into the third window.
        assert whole(daemon) == [(start_of(0), PER, "stable"), (start_of(1), PER, "stable")]
        by_segment = {
            segment: sum(
                one["window"]["records"] for one in daemon.decisions() if one["segment"] == segment
            )
            for segment in ("", "region=north", "region=south")
        }
        assert by_segment["region=north"] + by_segment["region=south"] == by_segment[""] == 2 * PER
        assert min(by_segment.values()) > 0

        # Late rows are journalled and counted, and reopen nothing.
        before = daemon.decisions()
        assert send(daemon, 0, 7, prefix="late")["accepted"] == 7
        assert daemon.decisions() == before

        # What is open may be judged at once; it was not the whole window then.
        made = daemon.post(f"/v1/models/{shop.MODEL}/check")
        assert {(one["segment"], one["records"]) for one in made if not one["segment"]} == {
            ("", PER // 2)
        }
        assert daemon.stop() == 0
    assert late(tmp_path) == 7


def test_windows_go_on_after_a_crash(tmp_path: Path, shop_baseline: bytes) -> None:
    with shop.place(tmp_path, shop_baseline) as daemon:
        daemon.start()
        send(daemon, 0, PER // 2)
        daemon.kill()
        daemon.start()
        send(daemon, PER // 2, PER)
        assert whole(daemon) == [(start_of(0), PER, "stable")]


def test_repeats_are_known_after_a_restart(tmp_path: Path, shop_baseline: bytes) -> None:
    with shop.place(tmp_path, shop_baseline) as daemon:
        daemon.start()
        assert send(daemon, 0, 50)["accepted"] == 50
        daemon.stop()
        daemon.start()
        answer = send(daemon, 0, 60)
        assert (answer["duplicate"], answer["accepted"]) == (50, 10)
        daemon.kill()
        daemon.start()
        answer = send(daemon, 0, 70)
        assert (answer["duplicate"], answer["accepted"]) == (60, 10)
        assert daemon.get("/v1/status")["doors"] == {
            "received": 180, "accepted": 70, "duplicate": 110,
            "rejected": 0, "sampled_out": 0, "shed": 0,
        }  # fmt: skip


def test_sampling_keeps_the_same_records_and_their_labels(
    tmp_path: Path, shop_baseline: bytes
) -> None:
    sampled = "    sampling: {rate: 0.3}\n"
    with shop.place(tmp_path, shop_baseline, model=sampled) as daemon:
        daemon.start()
        first = send(daemon, 0, 1000)
        kept = first["accepted"]
        assert kept + first["sampled_out"] == 1000
        assert 230 < kept < 370  # five standard deviations
        daemon.stop()
        daemon.start()
        again = send(daemon, 0, 1000)
        assert (again["duplicate"], again["sampled_out"], again["accepted"]) == (
            kept,
            1000 - kept,
            0,
        )
        labels = shop.lines(shop.label(n, shop.LIVE) for n in range(1000))
        assert daemon.send(labels)["accepted"] == kept


def test_a_silent_stream_closes_its_window(tmp_path: Path, shop_baseline: bytes) -> None:
    window = "{every: 60s, lateness: 10s, idle: 1s}"
    with shop.place(tmp_path, shop_baseline, window=window) as daemon:
        daemon.start()
        send(daemon, 0, PER // 2)
        eventually(lambda: bool(whole(daemon)), "silence closed the window")
        assert [(start, rows) for start, rows, _ in whole(daemon)] == [(start_of(0), PER // 2)]
        send(daemon, PER // 2, 5)
        daemon.stop()
    assert late(tmp_path) == 5
    controls = query(tmp_path / "driftd.db", "SELECT payload FROM journal WHERE kind = 'control'")
    assert [json.loads(payload)["type"] for (payload,) in controls] == ["configure", "advance"]


def test_windows_of_records(tmp_path: Path, count_baseline: bytes) -> None:
    with shop.place(tmp_path, count_baseline, window="{records: 300}") as daemon:
        daemon.start()
        send(daemon, 0, 1000)
        assert [rows for _, rows, _ in whole(daemon)] == [300] * 3
        daemon.kill()
        daemon.start()
        send(daemon, 1000, 200)
        found = [one for one in daemon.decisions() if not one["segment"]]
        assert [one["window"]["records"] for one in found] == [300] * 4
        assert [one["window"]["index"] for one in found] == [0, 1, 2, 3]
        assert {one["verdict"] for one in found} == {"stable"}
        north = [one for one in daemon.decisions() if one["segment"] == "region=north"]
        assert [one["window"]["records"] for one in north] == [300]


def test_versions_are_windows_of_their_own(tmp_path: Path, shop_baseline: bytes) -> None:
    with shop.place(tmp_path, shop_baseline) as daemon:
        daemon.start()
        rows = [
            shop.record(n, shop.LIVE + n * shop.GAP, version=str(1 + n % 2)) for n in range(2 * PER)
        ]
        daemon.send(shop.lines(rows))
        eventually(daemon.caught_up, "the engine has caught up")
        found = {
            (one["version"], one["window"]["records"])
            for one in daemon.decisions()
            if not one["segment"]
        }
        assert found == {("1", PER // 2), ("2", PER // 2)}


def test_a_drift_is_found_and_dated(tmp_path: Path, shop_baseline: bytes) -> None:
    with shop.place(tmp_path, shop_baseline) as daemon:
        daemon.start()
        send(daemon, 0, 5 * PER)
        send(daemon, 5 * PER, 4 * PER, shift=1.0)
        send(daemon, 9 * PER, PER, shift=1.0)
        found = [one for one in daemon.decisions() if not one["segment"]]
        assert {one["verdict"] for one in found[:5]} == {"stable"}
        assert found[-1]["verdict"] == "drift"
        first = next(one for one in found if one["verdict"] == "drift")["findings"][0]
        assert (first["column"], first["kind"]) == ("amount", "drift")
        changed = shop.LIVE + 5 * shop.EVERY
        assert first["since_low"] <= shop.rfc3339(changed) <= first["since_high"]
        assert first["since"] <= shop.rfc3339(changed + timedelta(seconds=60))

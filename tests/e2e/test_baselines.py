"""A daemon that was given no baseline learns one from its traffic, whatever happens meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests import shop
from tests.daemon import CONFIG, Daemon, driftd, eventually, free_port

if TYPE_CHECKING:
    from pathlib import Path

LEARN = 20
"""Minutes, and windows, that teach."""
PER = 100


def placed(folder: Path) -> Daemon:
    """A daemon that has to learn, not started."""
    port = free_port()
    text = shop.configuration(port).replace(shop.BASELINE, f"{{learn: {LEARN}m}}")
    (folder / CONFIG).write_text(text)
    return Daemon(folder, port)


def minute(index: int, shift: float = 0.0) -> bytes:
    start = shop.LIVE + index * shop.EVERY
    rows = [
        shop.record(index * PER + n, start + n * shop.EVERY / PER, shift=shift) for n in range(PER)
    ]
    return shop.lines(rows)


def whole(daemon: Daemon) -> list[dict[str, Any]]:
    return [one for one in daemon.decisions(model=shop.MODEL) if not one["segment"]]


def test_learning_survives_kills_and_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with placed(tmp_path) as daemon:
        daemon.start()
        for index in range(8):
            daemon.send(minute(index))
        eventually(daemon.caught_up, "the first windows")
        model = daemon.get(f"/v1/models/{shop.MODEL}")
        assert model["model"]["verdict"] == "insufficient"
        assert model["model"]["summary"].startswith("learning until 2024-03-04 01:20 UTC")
        assert model["baseline"] is None
        daemon.kill()
        daemon.start()
        for index in range(8, LEARN + 1):
            daemon.send(minute(index))
        # Enough to make the baseline due: the next kill meets the learning or its transaction.
        daemon.kill()
        daemon.start()
        for index in range(LEARN + 1, LEARN + 16):
            daemon.send(minute(index, shift=2.0 if index > LEARN + 4 else 0.0))
        eventually(lambda: daemon.caught_up() and bool(daemon.get("/v1/baselines")), "a baseline")
        eventually(
            lambda: whole(daemon)[-1]["verdict"] in {"drift", "broken"}, "the shift", pause=1
        )
        found = whole(daemon)
        indexes = [one["window"]["index"] for one in found]
        assert indexes == list(range(indexes[0], indexes[0] + len(found))), "none lost, none twice"
        assert all(one["window"]["records"] == PER for one in found)
        verdicts = [one["verdict"] for one in found]
        learned = verdicts.index("stable")
        assert set(verdicts[:learned]) == {"insufficient"}
        assert "insufficient" not in verdicts[learned:]
        (baseline,) = daemon.get("/v1/baselines")
        assert baseline["records"] == LEARN * PER
        assert found[learned]["baseline"] == baseline["baseline_id"]
        assert daemon.get("/v1/status")["shares"]["columns"] > 0.5
        daemon.stop()
        done = driftd(tmp_path, "replay")
        assert done.returncode == 0, done.stderr + done.stdout
        assert "are identical" in done.stderr

"""`driftd labels import`, against a real daemon in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.app.app import Daemon
from monitor.archive import counters
from monitor.cli.main import main
from monitor.clock import ManualClock
from tests.daemon import free_port
from tests.monitor.drivers.setting import CONFIG, LIVE, MODEL, config_text, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KNOWN = "2024-03-04T00:00:00Z"


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    text = config_text().replace("port: 0", f"port: {free_port()}")
    place(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    daemon = Daemon(tmp_path / CONFIG, ManualClock(LIVE))
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()


def labels_of(daemon: Daemon) -> dict[str, int]:
    counts = daemon._archive.reader.run(counters.totals)
    return {c.outcome: c.count for c in counts if (c.model, c.reason) == (MODEL, "label")}


def test_a_table_of_labels(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"r-{i},{i % 2},{KNOWN}" for i in range(20)]
    (tmp_path / "truths.csv").write_text("\n".join(["key,bought,seen", *rows, "r-20,,"]))
    options = ["--id", "key", "--label", "bought", "--time", "seen"]
    assert main(["labels", "import", "truths.csv", *options]) == 0
    assert "20 labels were accepted, 0 were known, 0 were rejected." in capsys.readouterr().err
    assert labels_of(daemon) == {"accepted": 20}
    assert main(["labels", "import", "truths.csv", *options]) == 0
    assert "0 labels were accepted, 20 were known" in capsys.readouterr().err


def test_native_labels(daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = '{"type": "label", "id": "r-1", "model": "shop", "time": "%s", "label": true}'
    (tmp_path / "truths.ndjson").write_text(f"{line % KNOWN}\n{{broken\n")
    assert main(["labels", "import", "truths.ndjson"]) == 0
    out, err = capsys.readouterr()
    assert "1 labels were accepted, 0 were known, 1 were rejected." in err
    assert "line 2" in out + err


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("id,other\n1,2\n", [], "no row has an id and a label"),
        ("id,label\n1,2\n", ["--label", "truth"], "no column 'truth'"),
        ("id,label\n1,2\n", ["--model", "other"], "say which model"),
    ],
)
def test_what_cannot_be_imported_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    options: list[str],
    says: str,
) -> None:
    place(tmp_path, config_text())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "truths.csv").write_text(content)
    assert main(["labels", "import", "truths.csv", *options]) == 2
    assert says in capsys.readouterr().err

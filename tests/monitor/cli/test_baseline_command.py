"""`driftd baseline build|list|show|activate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from monitor.app.baselines import settle
from monitor.archive import baselines as stored
from monitor.archive.archive import Archive
from monitor.archive.baselines import StoredBaseline
from monitor.baseline import Baseline
from monitor.cli.main import main
from monitor.clock import ManualClock
from monitor.config.load import load
from tests import shop as lines
from tests.monitor.drivers.setting import BASELINE, CONFIG, MODEL, config_text, learned, place

if TYPE_CHECKING:
    from pathlib import Path

OTHER = learned(segments=("region", "country"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: configuration, baseline, rows."""
    place(tmp_path)
    (tmp_path / "rows.ndjson").write_bytes(lines.lines(lines.stream(0, 3000, start=lines.START)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def archived(folder: Path) -> Path:
    """With an archive that knows two baselines; the first is active."""
    with Archive(f"sqlite:///{folder / 'driftd.db'}", ManualClock()) as archive:
        settle(load(folder / CONFIG), archive, ManualClock())
        row = StoredBaseline(OTHER.id, MODEL, 1, OTHER.to_bytes())
        archive.writer.submit(lambda link: stored.add(link, row)).result(10)
    return folder


def test_build_writes_the_file_and_says_its_id(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "build", MODEL, "rows.ndjson", "-o", "new.baseline"]) == 0
    out, err = capsys.readouterr()
    built = Baseline.from_bytes((folder / "new.baseline").read_bytes())
    assert out == f"{built.id}\n"
    assert "new.baseline: 3,000 records in " in err
    assert "Guarantee: learning: only 10 baseline windows" in err
    assert (built.model, built.rows) == (MODEL, 3000)


def test_build_names_the_file_after_the_model(folder: Path) -> None:
    (folder / BASELINE).unlink()
    assert main(["baseline", "build", MODEL, "rows.ndjson"]) == 0
    assert (folder / f"{MODEL}.baseline").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "rows.ndjson"], "there is no model 'nobody' in driftd.yaml; models: shop"),
        ([MODEL, "absent.ndjson"], "absent.ndjson: cannot be read"),
        ([MODEL, "driftd.yaml"], "cannot tell its format"),
        ([MODEL, "few.ndjson"], "at least"),
        ([MODEL, "rows.ndjson", "-c", "absent.yaml"], "absent.yaml"),
    ],
)
def test_build_says_what_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (folder / "few.ndjson").write_bytes(lines.lines(lines.stream(0, 3)))
    assert main(["baseline", "build", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_score_that_is_a_category_keeps_no_range(folder: Path) -> None:
    """What is inferred of numbers does not hold for a column that is configured as none."""
    (folder / CONFIG).write_text(config_text(model="    columns: {score.1: {kind: categorical}}\n"))
    assert main(["baseline", "build", MODEL, "rows.ndjson"]) == 0


def test_list_marks_the_active_one(archived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "list"]) == 0
    table = capsys.readouterr().out
    rows = {row.split()[0]: row.split()[1:] for row in table.splitlines()[1:]}
    assert rows[learned().id[:12]] == ["shop", "1970-01-01T00:00:00Z", "active"]
    assert rows[OTHER.id[:12]] == ["shop", "1970-01-01T00:00:00.000001Z"]
    assert main(["baseline", "list", "--json"]) == 0
    found = {head["id"]: head["active"] for head in json.loads(capsys.readouterr().out)}
    assert found == {learned().id: True, OTHER.id: False}


@pytest.mark.parametrize("which", [BASELINE, learned().id, learned().id[:10]])
def test_show_takes_a_file_or_an_id(
    archived: Path, capsys: pytest.CaptureFixture[str], which: str
) -> None:
    assert main(["baseline", "show", which, "--json"]) == 0
    about: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (about["id"], about["model"], about["records"]) == (learned().id, MODEL, 4000)
    assert about["segments"] == "region=north, region=south"
    assert [column["name"] for column in about["columns"]] == ["amount", "age", "country", "note"]
    assert main(["baseline", "show", which]) == 0
    text = capsys.readouterr().out
    assert f"id: {learned().id}" in text
    assert "amount   numeric      EUR" in text


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("rows.ndjson", "rows.ndjson holds rows, not a built baseline"),
        ("0000000000", "there is no file and no baseline '0000000000'"),
        ("cut", "damaged"),
    ],
)
def test_show_says_what_is_wrong(
    archived: Path, capsys: pytest.CaptureFixture[str], which: str, said: str
) -> None:
    (archived / "cut").write_bytes(learned().to_bytes()[:500])
    assert main(["baseline", "show", which]) != 0
    assert said in capsys.readouterr().err


def test_activate_counts_from_the_next_start_on(
    archived: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "activate", OTHER.id[:12]]) == 0
    assert f"model shop is judged by baseline {OTHER.id[:12]}" in capsys.readouterr().err
    with Archive(f"sqlite:///{archived / 'driftd.db'}", ManualClock()) as archive:
        assert settle(load(archived / CONFIG), archive, ManualClock()) == {MODEL: OTHER.id}


def test_activate_needs_a_baseline_and_the_archive_for_itself(
    archived: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "activate", "00000000"]) != 0
    assert "there is no baseline 00000000" in capsys.readouterr().err
    with Archive(f"sqlite:///{archived / 'driftd.db'}", ManualClock()):
        assert main(["baseline", "activate", OTHER.id]) != 0
    assert "driftd.db" in capsys.readouterr().err


def test_without_an_archive_there_is_nothing_to_list(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "list"]) != 0
    assert "there is no archive" in capsys.readouterr().err


def test_a_baseline_without_rows_keeps_none_and_still_judges(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["baseline", "build", MODEL, "rows.ndjson", "-o", BASELINE, "--no-rows"]) == 0
    assert "says nothing of several columns together" in capsys.readouterr().err
    built = Baseline.from_bytes((folder / BASELINE).read_bytes())
    assert len(built.whole.sample) == 0
    assert built.whole.panel is None
    assert main(["baseline", "show", BASELINE]) == 0
    assert "row sample: none" in capsys.readouterr().out
    assert main(["backtest", "rows.ndjson", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    whole = next(stream for stream in found["streams"] if not stream["segment"])
    assert whole["verdicts"] == {"stable": 10}
    assert main(["config", "check"]) == 0
    assert "the baseline has no row sample" in capsys.readouterr().out

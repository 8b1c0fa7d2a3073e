"""`driftd replay`: exit code 0 for identical, 1 for different, 2 for a wrong call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, delete, update

from monitor.archive.tables import decisions, journal
from monitor.cli.main import main
from tests.monitor.drivers.setting import EVERY, LIVE, filled

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with an archive of 21 decisions."""
    filled(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    """The exit code."""
    try:
        return main(["replay", *arguments])
    except SystemExit as end:
        return int(end.code or 0)


def tamper(folder: Path, statement: Any) -> None:
    engine = create_engine(f"sqlite:///{folder / 'driftd.db'}")
    with engine.begin() as link:
        link.execute(statement)
    engine.dispose()


def listed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run("--json", *arguments) == code
    return json.loads(capsys.readouterr().out)


def test_everything_is_identical(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert capsys.readouterr() == ("", "21 of 21 decisions are identical.\n")
    found = listed(capsys)
    assert (found["identical"], found["extra"], len(found["decisions"])) == (True, [], 21)


def test_one_decision_by_the_beginning_of_its_id(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = listed(capsys)["decisions"][7]["decision_id"]
    assert listed(capsys, name[:8])["decisions"] == [{"decision_id": name, "identical": True}]


def test_a_span_of_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert LIVE + EVERY == 1_709_512_860_000_000
    span = ("--from", "2024-03-04T00:41:00Z", "--to", "2024-03-04 00:43:00")
    assert len(listed(capsys, *span)["decisions"]) == 6
    assert listed(capsys, "--from", "2025-01-01")["decisions"] == []


def test_a_changed_decision_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [one["decision_id"] for one in listed(capsys)["decisions"]]
    chosen = decisions.c.decision_id == names[0]
    body = json.dumps({"verdict": "drift", "summary": "x"}).encode()
    tamper(folder, update(decisions).where(chosen).values(body=body))
    chosen = decisions.c.decision_id == names[1]
    tamper(folder, update(decisions).where(chosen).values(evidence=b"{}"))
    tamper(folder, delete(decisions).where(decisions.c.decision_id == names[2]))
    assert run() == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{names[0]}: window 2024-03-04T00:40:00Z of shop: differs in verdict, summary",
        f"{names[1]}: window 2024-03-04T00:40:00Z of shop: same decision, other evidence",
        f"{names[2]}: made by replay, not in the archive",
    ]
    assert err == "18 of 20 decisions are identical.\n"
    assert listed(capsys, names[0], code=1)["identical"] is False


def test_a_missing_entry_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(folder, delete(journal).where(journal.c.seq == 2))
    assert run() == 1
    assert "replay did not come to this decision" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["00000000"], "there is no decision 00000000"),
        (["00"], "give at least 8 digits"),
        (["--from", "yesterday"], "'yesterday' is not a time such as"),
        (["00000000", "--from", "2024-01-01"], "a decision or a time span, not both"),
        (["-c", "absent.yaml"], "absent.yaml"),
    ],
)
def test_a_wrong_call(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(*arguments) not in {0, 1, 70}
    out, err = capsys.readouterr()
    assert (out, said in err, "Traceback" in err) == ("", True, False)


def test_a_damaged_entry_is_an_error_and_no_difference(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(folder, update(journal).where(journal.c.seq == 2).values(payload=b"other"))
    assert run() not in {0, 70}
    assert "journal entry 2 is damaged" in capsys.readouterr().err

"""The command line as a whole: help, exit codes, what is imported, how errors read."""

from __future__ import annotations

import os
import subprocess
import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING, NoReturn

import click
import pytest

from monitor.cli import main as cli
from monitor.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = ("numpy", "scipy", "pandas", "pydantic", "sqlalchemy", "pyarrow", "fastapi", "rich")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "monitor.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `driftd version` raise something."""

    def install(error: BaseException) -> None:
        def body() -> NoReturn:
            raise error

        command = click.Command("version", callback=body)
        monkeypatch.setattr(cli, "version", command)

    return install


def test_version_goes_to_standard_output() -> None:
    done = run("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("driftd ")


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from monitor.cli.main import main; main(['version']); main(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_command_and_an_example() -> None:
    text = run("--help").stdout
    assert all(f"  {name} " in text for name in cli.COMMANDS)
    assert "Example: driftd" in text


@pytest.mark.parametrize("name", ["check", "config", "init", "version"])
def test_every_command_has_help_with_an_example(name: str) -> None:
    assert_help(resolve_name(cli.COMMANDS[name][0]))


def assert_help(command: click.Command) -> None:
    assert command.help, command.name
    assert command.epilog, command.name
    assert "Example: driftd" in command.epilog
    if isinstance(command, click.Group):
        for below in command.commands.values():
            assert_help(below)


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["version", "--no-such-option"], ["config", "check", "x"]]
)
def test_a_wrong_call_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error: " in err


def test_driftd_errors_are_one_sentence(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(InputError("a.csv:3: no header"))
    assert cli.main(["version"]) == 2
    assert capsys.readouterr() == ("", "driftd: a.csv:3: no header\n")


def test_all_problems_of_a_configuration_are_printed(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ConfigError(["d.yaml:1: a", "d.yaml:2: b"]))
    assert cli.main(["version"]) == 2
    told = "d.yaml:1: a\nd.yaml:2: b\ndriftd: 2 problems in the configuration\n"
    assert capsys.readouterr().err == told


def test_interrupt_is_130_and_quiet(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(KeyboardInterrupt())
    assert cli.main(["version"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_is_70_with_its_traceback(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ZeroDivisionError("oops"))
    assert cli.main(["version"]) == 70
    err = capsys.readouterr().err
    assert "ZeroDivisionError: oops" in err
    assert "please report it" in err


def test_a_reader_that_goes_away_is_no_drama() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "monitor.cli.main", "config", "schema"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")

"""The pages in a real browser, where one is installed: the policy holds and the script works."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from webfakes import WINDOWS, identifier

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

CHROMIUM = shutil.which("chromium")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize(
    ("path", "made_by_script"),
    [
        ("/", 'class="tip"'),
        ("/models/flights", 'class="tip"'),
        ("/decisions/" + identifier("flights", WINDOWS - 1), 'class="copy"'),
    ],
    ids=["overview", "model", "decision"],
)
def test_the_console_is_silent_and_the_script_ran(
    client: httpx2.Client, tmp_path: Path, path: str, made_by_script: str
) -> None:
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
        "--disable-background-networking", f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom",
    ]  # fmt: skip
    url = str(client.base_url).rstrip("/") + path
    done = subprocess.run(
        [str(CHROMIUM), *options, url], capture_output=True, text=True, timeout=120, check=True
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert made_by_script in done.stdout

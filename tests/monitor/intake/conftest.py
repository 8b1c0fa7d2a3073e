"""An intake over a real archive in a temporary directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.monitor.intake import gate as parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[parts.Gate]:
    with parts.gate(tmp_path) as opened:
        yield opened

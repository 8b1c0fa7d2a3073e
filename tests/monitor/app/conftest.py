"""A folder with the shop's configuration and baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.monitor.drivers import setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    setting.place(tmp_path)
    return tmp_path


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[setting.Setting]:
    """The archive with a driver that is stepped by hand."""
    with setting.setting(tmp_path) as made:
        yield made

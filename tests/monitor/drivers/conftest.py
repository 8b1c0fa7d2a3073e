"""The shop's archive with a driver that is stepped by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.monitor.drivers import setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[setting.Setting]:
    with setting.setting(tmp_path) as made:
        yield made

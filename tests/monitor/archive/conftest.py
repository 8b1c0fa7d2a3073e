"""A real archive in a temporary directory, and a way to run one unit in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from monitor.archive.archive import Archive
from monitor.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

T = TypeVar("T")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'driftd.db'}"


@pytest.fixture
def archive(url: str) -> Iterator[Archive]:
    with Archive(url, ManualClock()) as opened:
        yield opened


@pytest.fixture
def write(archive: Archive) -> Callable[[Callable[[Connection], T]], T]:
    """Run one unit and wait until it is on disk."""
    return lambda unit: archive.writer.submit(unit).result(timeout=30)

"""Small values that the archive makes once and keeps, such as the key of the sampling hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from monitor.archive.tables import about
from monitor.archive.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection


def once(connection: Connection, key: str, value: str) -> str:
    """Return what is kept under `key`; keep `value` if nothing is."""
    upsert(connection, about, [{"key": key, "value": value}], keys=("key",))
    kept: str = connection.execute(select(about.c.value).where(about.c.key == key)).scalar_one()
    return kept

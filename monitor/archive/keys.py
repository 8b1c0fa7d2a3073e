"""Small values that the archive keeps: the key of the sampling hash, what rows were learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from monitor.archive.tables import about
from monitor.archive.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection


def known(connection: Connection, key: str) -> str | None:
    """Return what is kept under `key`, None when nothing is."""
    statement = select(about.c.value).where(about.c.key == key)
    found: str | None = connection.execute(statement).scalar_one_or_none()
    return found


def replace(connection: Connection, key: str, value: str) -> None:
    """Keep `value` under `key`, whatever was there."""
    upsert(connection, about, [{"key": key, "value": value}], keys=("key",), replace=("value",))


def once(connection: Connection, key: str, value: str) -> str:
    """Return what is kept under `key`; keep `value` if nothing is."""
    upsert(connection, about, [{"key": key, "value": value}], keys=("key",))
    kept: str = connection.execute(select(about.c.value).where(about.c.key == key)).scalar_one()
    return kept

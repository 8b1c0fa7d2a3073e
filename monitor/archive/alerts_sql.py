"""Alerts as rows, written in the transaction of the decision that changed them.

The row's columns are for finding; what comes back is made from the JSON body. That at most one
alert per key is open is a unique index, not a habit.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from alerts.alert import Alert, AlertKey, State
from monitor.archive.tables import alerts
from monitor.archive.upsert import upsert
from monitor.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_CHANGING = ("severity", "state", "fired_at", "resolved_at", "updated_at", "body")


def save(connection: Connection, changed: Iterable[Alert], now: int) -> None:
    """Store new and changed alerts; `now` is wall time, microseconds since the epoch.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        A second alert would be open under one key: the caller worked on stale state.
    """
    # Resolved ones first: their key may open anew in the same decision.
    ordered = sorted(changed, key=lambda alert: alert.state is not State.RESOLVED)
    rows = [
        {
            **alert.key._asdict(),
            "alert_id": alert.id,
            "severity": alert.severity.value,
            "state": alert.state.value,
            "opened_at": alert.opened_at,
            "fired_at": alert.fired_at,
            "resolved_at": alert.resolved_at,
            "updated_at": now,
            "body": json.dumps(alert.as_dict(), sort_keys=True, separators=(",", ":")).encode(),
        }
        for alert in ordered
    ]
    upsert(connection, alerts, rows, keys=("alert_id",), replace=_CHANGING)


def open_alerts(
    connection: Connection, model: str | None = None, segment: str | None = None
) -> dict[AlertKey, Alert]:
    """Return the pending and firing alerts by key, of one model and segment or of all."""
    statement = select(alerts.c.body).where(alerts.c.state != State.RESOLVED.value)
    if model is not None:
        statement = statement.where(alerts.c.model == model)
    if segment is not None:
        statement = statement.where(alerts.c.segment == segment)
    found = (_alert(body) for body in connection.execute(statement).scalars())
    return dict(sorted((alert.key, alert) for alert in found))


def newest(connection: Connection, limit: int) -> tuple[Alert, ...]:
    """Return at most `limit` alerts in any state, the last opened first."""
    order = (alerts.c.opened_at.desc(), alerts.c.alert_id)
    bodies = connection.execute(select(alerts.c.body).order_by(*order).limit(limit)).scalars()
    return tuple(_alert(body) for body in bodies)


def get(connection: Connection, alert_id: str) -> Alert:
    """Return one alert.

    Raises
    ------
    NotFoundError
        There is no such alert.
    """
    statement = select(alerts.c.body).where(alerts.c.alert_id == alert_id)
    body = connection.execute(statement).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"there is no alert {alert_id}")
    return _alert(body)


def counts(connection: Connection) -> dict[tuple[str, str, str], int]:
    """Count alerts by model, severity and state."""
    keys = (alerts.c.model, alerts.c.severity, alerts.c.state)
    rows = connection.execute(select(*keys, func.count()).group_by(*keys).order_by(*keys))
    return {(model, severity, state): count for model, severity, state, count in rows}


def _alert(body: bytes) -> Alert:
    return Alert.from_dict(json.loads(body))

"""Baselines and configurations: immutable, named by their content, and which baseline is active.

Nothing is overwritten. A model's active baseline is the last one that was activated; going back
to an earlier one is one more activation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from monitor.archive.tables import activations, baselines, configs
from monitor.archive.upsert import upsert
from monitor.errors import NotFoundError, StorageError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    """One baseline; `body` is opaque here, `id` the hex SHA-256 of what it says."""

    id: str
    model: str
    created_at: int
    body: bytes


@dataclass(frozen=True, slots=True)
class BaselineHead:
    """A baseline in a list: `size` in bytes, `active` for its model now."""

    id: str
    model: str
    created_at: int
    size: int
    active: bool


@dataclass(frozen=True, slots=True)
class Activation:
    """From `activated_at` on (microseconds) the model was judged by this baseline, and why.

    `model` is a name, or `name/version` where the baseline is that of a single version.
    """

    model: str
    baseline: str
    activated_at: int
    reason: str


def add(connection: Connection, baseline: StoredBaseline) -> None:
    """Store a baseline; storing the same one again changes nothing.

    Raises
    ------
    StorageError
        Another model or other content has this id already.
    """
    upsert(connection, baselines, [asdict(baseline)], keys=("id",))
    kept = get(connection, baseline.id)
    if (kept.model, kept.body) != (baseline.model, baseline.body):
        raise StorageError(f"baseline {baseline.id} exists with other content: it was not replaced")


def get(connection: Connection, baseline_id: str) -> StoredBaseline:
    """Return the baseline whose id is, or begins with, `baseline_id`.

    Raises
    ------
    NotFoundError
        There is none.
    UsageError
        There are several.
    """
    # "g" sorts after every hex digit; a range can use the index where LIKE cannot.
    statement = select(baselines).where(
        baselines.c.id >= baseline_id, baselines.c.id < baseline_id + "g"
    )
    rows = connection.execute(statement.limit(2)).all()
    if not rows:
        raise NotFoundError(f"there is no baseline {baseline_id}: see `driftd baseline list`")
    if len(rows) > 1:
        raise UsageError(f"baseline {baseline_id!r}: several begin like this, give more digits")
    row = rows[0]
    return StoredBaseline(row.id, row.model, row.created_at, row.body)


def heads(connection: Connection, model: str | None = None) -> tuple[BaselineHead, ...]:
    """Return all baselines (of `model`), by model and then the newest first."""
    statement = select(
        baselines.c.id,
        baselines.c.model,
        baselines.c.created_at,
        func.length(baselines.c.body).label("size"),
    ).order_by(baselines.c.model, baselines.c.created_at.desc(), baselines.c.id)
    if model is not None:
        statement = statement.where(baselines.c.model == model)
    current = set(active(connection).items())
    return tuple(
        BaselineHead(row.id, row.model, row.created_at, row.size, (row.model, row.id) in current)
        for row in connection.execute(statement)
    )


def activate(connection: Connection, activation: Activation, *, again: bool = False) -> None:
    """Judge the model by this baseline from now on.

    When it is active already nothing happens, unless `again` asks to remember that reason too.

    Raises
    ------
    NotFoundError
        There is no such baseline.
    UsageError
        It is a baseline of another model.
    """
    model = get(connection, activation.baseline).model
    if model != activation.model.partition("/")[0]:
        raise UsageError(
            f"baseline {activation.baseline} is of model {model}, not of {activation.model}"
        )
    if again or active(connection).get(activation.model) != activation.baseline:
        connection.execute(insert(activations), asdict(activation))


def active(connection: Connection) -> dict[str, str]:
    """Return the id of the active baseline of every model that has one."""
    last = select(func.max(activations.c.seq)).group_by(activations.c.model)
    statement = select(activations.c.model, activations.c.baseline)
    rows = connection.execute(statement.where(activations.c.seq.in_(last)))
    return {row.model: row.baseline for row in rows}


def history(connection: Connection, model: str) -> tuple[Activation, ...]:
    """Return the activations of `model`, the newest first."""
    statement = select(activations).where(activations.c.model == model)
    return tuple(
        Activation(row.model, row.baseline, row.activated_at, row.reason)
        for row in connection.execute(statement.order_by(activations.c.seq.desc()))
    )


def add_config(connection: Connection, digest: str, body: bytes, now: int) -> None:
    """Archive a configuration under its hex SHA-256; a second time changes nothing."""
    row = {"digest": digest, "body": body, "archived_at": now}
    upsert(connection, configs, [row], keys=("digest",))


def get_config(connection: Connection, digest: str) -> bytes:
    """Return an archived configuration.

    Raises
    ------
    NotFoundError
        It was never archived.
    """
    statement = select(configs.c.body).where(configs.c.digest == digest)
    body: bytes | None = connection.execute(statement).scalar_one_or_none()
    if body is None:
        raise NotFoundError(f"there is no archived configuration {digest}")
    return body

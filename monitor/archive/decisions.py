"""Decisions: written once, found again by id, by series, or page by page.

`decision_id` is unique in the database (promise P2): whoever makes a decision a second time is
told so and his whole transaction is undone. `seq` is the order in which decisions were made; a
page's cursor stands on it, so decisions made while somebody turns pages move nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from monitor.archive.tables import decisions
from monitor.errors import NotFoundError, StorageError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

MAX_PAGE: Final = 1000
MIN_PREFIX: Final = 8
"""Fewest hex digits by which a decision may be called."""


class DuplicateDecisionError(StorageError):
    """The decision has been made before; `decision_id` says which."""

    def __init__(self, decision_id: str) -> None:
        super().__init__(f"decision {decision_id} has already been made")
        self.decision_id = decision_id


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A stored decision without its bulky parts; see `evidence` and `profile` for those.

    Attributes
    ----------
    decision_id, model, version, segment, verdict, baseline, config
        As in the decision's JSON; `baseline` and `config` are hex digests.
    window_start, window_end
        Microseconds since the epoch, `[start, end)`.
    records
        How many the window held.
    journal_from, journal_to
        Numbers of the first and last journal entry that had a part in the window.
    made_at
        Wall time, microseconds since the epoch.
    body
        Canonical JSON.
    seq
        Order of making: 1, 2, ...; 0 in a row that is not stored yet.
    """

    decision_id: str
    model: str
    version: str
    segment: str
    window_start: int
    window_end: int
    window_index: int
    verdict: str
    baseline: str
    config: str
    records: int
    journal_from: int
    journal_to: int
    made_at: int
    body: bytes
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """Which decisions to list; None means all. Times in microseconds: windows that touch them."""

    model: str | None = None
    verdict: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Decisions, newest first, and the cursor of the next page (None on the last one)."""

    decisions: tuple[DecisionRow, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many decisions of a model, as far as they are kept, had a verdict."""

    model: str
    verdict: str
    count: int


_ROW: Final = [decisions.c[name] for name in DecisionRow.__dataclass_fields__]


def add(connection: Connection, decision: DecisionRow, evidence: bytes, profile: bytes) -> int:
    """Store a new decision and return its `seq`.

    Parameters
    ----------
    evidence, profile : bytes
        Opaque here: canonical JSON, and the compressed profile of the window.

    Raises
    ------
    DuplicateDecisionError
        One with this id exists; let the unit fail with it.
    """
    values = {**asdict(decision), "evidence": evidence, "profile": profile}
    del values["seq"]
    statement = insert(decisions).returning(decisions.c.seq)
    try:
        seq: int = connection.execute(statement, values).scalar_one()
    except IntegrityError as error:
        raise DuplicateDecisionError(decision.decision_id) from error
    return seq


def get(connection: Connection, decision_id: str) -> DecisionRow:
    """Return the decision whose id is, or begins with, `decision_id` (8 hex digits or more).

    Raises
    ------
    NotFoundError
        There is none.
    UsageError
        There are several, or the prefix is too short.
    """
    if len(decision_id) < MIN_PREFIX:
        raise UsageError(f"decision {decision_id!r}: give at least {MIN_PREFIX} digits of its id")
    # "g" sorts after every hex digit; a range can use the index where LIKE cannot.
    statement = _rows().where(
        decisions.c.decision_id >= decision_id, decisions.c.decision_id < decision_id + "g"
    )
    rows = connection.execute(statement.limit(2)).all()
    if not rows:
        raise NotFoundError(f"there is no decision {decision_id}")
    if len(rows) > 1:
        raise UsageError(f"decision {decision_id!r}: several begin like this, give more digits")
    return _decision(rows[0])


def evidence(connection: Connection, decision_id: str) -> bytes:
    """Return what the detectors measured, canonical JSON; errors as in `get`."""
    return _blob(connection, decision_id, "evidence")


def profile(connection: Connection, decision_id: str) -> bytes:
    """Return the window's profile as it was given to `add`; errors as in `get`."""
    return _blob(connection, decision_id, "profile")


def page(connection: Connection, query: Query, limit: int = 100, cursor: str | None = None) -> Page:
    """Return one page of decisions, the last made first.

    Parameters
    ----------
    limit : int
        1 to 1000.
    cursor : str, optional
        From the page before.

    Raises
    ------
    UsageError
        `limit` or `cursor` is not usable.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"limit must be between 1 and {MAX_PAGE}, got {limit}")
    statement = _filtered(query).order_by(decisions.c.seq.desc()).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(decisions.c.seq < _parse(cursor))
    rows = connection.execute(statement).all()
    found = tuple(_decision(row) for row in rows[:limit])
    return Page(found, str(found[-1].seq) if len(rows) > limit else None)


def following(
    connection: Connection, query: Query, after_seq: int, limit: int
) -> tuple[DecisionRow, ...]:
    """Return at most `limit` decisions made after number `after_seq`, in the order of making."""
    statement = _filtered(query).where(decisions.c.seq > after_seq)
    rows = connection.execute(statement.order_by(decisions.c.seq).limit(limit))
    return tuple(_decision(row) for row in rows)


def latest(
    connection: Connection, model: str, version: str, segment: str, limit: int
) -> tuple[DecisionRow, ...]:
    """Return the last `limit` decisions on one series of windows, oldest first (to draw them)."""
    statement = _rows().where(
        decisions.c.model == model,
        decisions.c.version == version,
        decisions.c.segment == segment,
    )
    rows = connection.execute(statement.order_by(decisions.c.seq.desc()).limit(limit)).all()
    return tuple(_decision(row) for row in reversed(rows))


def heads(connection: Connection, model: str | None = None) -> tuple[DecisionRow, ...]:
    """Return the last decision of every model, version and segment, in that order."""
    series = (decisions.c.model, decisions.c.version, decisions.c.segment)
    newest = select(func.max(decisions.c.seq)).group_by(*series)
    if model is not None:
        newest = newest.where(decisions.c.model == model)
    rows = connection.execute(_rows().where(decisions.c.seq.in_(newest)).order_by(*series))
    return tuple(_decision(row) for row in rows)


def tallies(connection: Connection) -> tuple[Tally, ...]:
    """Count decisions by model and verdict, in that order."""
    keys = (decisions.c.model, decisions.c.verdict)
    rows = connection.execute(select(*keys, func.count()).group_by(*keys).order_by(*keys))
    return tuple(Tally(model, verdict, count) for model, verdict, count in rows)


def _rows() -> Select[Any]:
    return select(*_ROW)


def _filtered(query: Query) -> Select[Any]:
    statement = _rows()
    if query.model is not None:
        statement = statement.where(decisions.c.model == query.model)
    if query.verdict is not None:
        statement = statement.where(decisions.c.verdict == query.verdict)
    if query.start is not None:
        statement = statement.where(decisions.c.window_end > query.start)
    if query.end is not None:
        statement = statement.where(decisions.c.window_start < query.end)
    return statement


def _parse(cursor: str) -> int:
    try:
        return int(cursor)
    except ValueError:
        raise UsageError(f"cursor {cursor!r} is not one that driftd gave out") from None


def _blob(connection: Connection, decision_id: str, name: str) -> bytes:
    found = get(connection, decision_id)
    statement = select(decisions.c[name]).where(decisions.c.seq == found.seq)
    return bytes(connection.execute(statement).scalar_one())


def _decision(row: Row[Any]) -> DecisionRow:
    return DecisionRow(**row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)

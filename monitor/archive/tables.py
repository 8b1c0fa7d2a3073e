"""Every table of the archive and nothing else; `migrations` says how they came to be.

Times are int64 microseconds since the epoch, UTC. Wide blobs come last in their table, so that
SQLite can read the columns before them without following overflow pages.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata: Final = MetaData()

Serial: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only under the exact type INTEGER."""

about = Table(
    "about",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    # AUTOINCREMENT: a number never comes back after retention emptied the table,
    # or the engine's cursor would point past new entries.
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("records", Integer, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

journal_ids = Table(
    "journal_ids",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("appended_at", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

intake_counts = Table(
    "intake_counts",
    metadata,
    Column("model", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("outcome", String, primary_key=True),
    Column("reason", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("source", String, primary_key=True),
    Column("state", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("received_at", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("model", String, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("reingested_at", BigInteger),
    Column("size", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

quarantine_size = Table(
    "quarantine_size",
    metadata,
    Column("name", String, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("decision_id", String, nullable=False, unique=True),
    Column("model", String, nullable=False),
    Column("version", String, nullable=False),
    Column("segment", String, nullable=False),
    Column("window_start", BigInteger, nullable=False),
    Column("window_end", BigInteger, nullable=False),
    Column("window_index", BigInteger, nullable=False),
    Column("verdict", String, nullable=False),
    Column("baseline", String, nullable=False),
    Column("config", String, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("journal_from", BigInteger, nullable=False),
    Column("journal_to", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("profile", LargeBinary, nullable=False),
    Index("decisions_by_series", "model", "version", "segment", "seq"),
    # The columns after `seq` let a filtered list skip rows without reading them.
    Index("decisions_by_model", "model", "seq", "window_start", "window_end", "verdict"),
    Index("decisions_by_verdict", "verdict", "seq", "window_start", "window_end"),
    sqlite_autoincrement=True,
)

engine_state = Table(
    "engine_state",
    metadata,
    Column("name", String, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("saved_at", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("made_at", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

baselines = Table(
    "baselines",
    metadata,
    Column("id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("baselines_by_model", "model", "created_at"),
)

activations = Table(
    "activations",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("model", String, nullable=False),
    Column("baseline", String, nullable=False),
    Column("activated_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Index("activations_by_model", "model", "seq"),
    sqlite_autoincrement=True,
)

configs = Table(
    "configs",
    metadata,
    Column("digest", String, primary_key=True),
    Column("archived_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

performance = Table(
    "performance",
    metadata,
    Column("model", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("segment", String, primary_key=True),
    Column("window_start", BigInteger, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("window_end", BigInteger, nullable=False),
    Column("window_index", BigInteger, nullable=False),
    Column("value", Float),
    Column("lower", Float),
    Column("upper", Float),
    Column("rows", BigInteger, nullable=False),
    Column("labelled", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("restated_at", BigInteger, nullable=False),
    Index("performance_by_time", "model", "kind", "window_start"),
    Index("performance_by_age", "restated_at"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("segment", String, nullable=False),
    Column("column", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("fired_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(
        "alerts_open",
        "model",
        "segment",
        "column",
        "kind",
        unique=True,  # at most one open alert per key
        sqlite_where=text("state <> 'resolved'"),
        postgresql_where=text("state <> 'resolved'"),
    ),
    Index("alerts_by_opening", "opened_at", "alert_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("content_type", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger),
    Column("state", String, nullable=False),
    Column("last_outcome", String, nullable=False),
    Column("last_reason", String, nullable=False),
    Column("last_attempt_at", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Index("outbox_due", "state", "channel", "next_attempt_at", "created_at", "id"),
)

disabled_channels = Table(
    "disabled_channels",
    metadata,
    Column("channel", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("disabled_at", BigInteger, nullable=False),
)

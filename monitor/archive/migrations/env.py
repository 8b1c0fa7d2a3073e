"""Alembic's entry point: run the asked-for revisions on the connection that `schema` hands over."""

from __future__ import annotations

from alembic import context

from monitor.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
# The caller owns the transaction: tables and their revision number appear together or not at all.
context.run_migrations()

"""How the archive's tables came to be, one Alembic revision per change; run by `schema`."""

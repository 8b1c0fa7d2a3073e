"""The archive's schema: created when there is none, checked at every start, never changed unasked.

Revisions are numbered, so an older archive has a smaller one. Alembic is imported only when
tables are made or altered; the usual start reads one row.
"""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError

from monitor import __version__
from monitor.archive.connection import ArchiveLock, database_path, write_engine
from monitor.archive.tables import about
from monitor.archive.upsert import upsert
from monitor.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

HEAD: Final = "0002"
"""The revision that this driftd reads and writes."""

_WRITTEN_BY: Final = "written_by"


def ensure_schema(url: str) -> None:
    """Create the tables of a new archive, or check that an old one fits this driftd.

    The caller holds the `ArchiveLock` of an SQLite archive.

    Raises
    ------
    StorageError
        The archive is older (the message has the command that upgrades it), newer (the command
        that installs a fitting driftd), or another program's database.
    """
    with _transaction(url) as connection:
        revision = _revision(connection, url)
        if revision is None:
            _migrate(connection)
        elif revision < HEAD:
            raise StorageError(
                f"archive {_shown(url)} has schema {revision}, this driftd needs {HEAD}: "
                f"stop all daemons, back it up, then run: {_upgrade_command(url)}"
            )
        elif revision > HEAD:
            raise StorageError(_newer(connection, url, revision))


def upgrade(url: str) -> None:
    """Bring an older archive to the head revision; does nothing to one that is there.

    Raises
    ------
    StorageError
        The archive is in use, newer than this driftd, or another program's database.
    """
    path = database_path(url)
    if path is not None and not path.exists():
        raise StorageError(f"there is no archive {path}")
    with nullcontext() if path is None else ArchiveLock(path), _transaction(url) as connection:
        revision = _revision(connection, url)
        if revision is not None and revision > HEAD:
            raise StorageError(_newer(connection, url, revision))
        _migrate(connection)


def require_schema(connection: Connection, url: str) -> None:
    """Check, without writing, that `connection` sees an archive of the head revision.

    Raises
    ------
    StorageError
        It does not; the message says how to get there.
    """
    revision = _revision(connection, url)
    if revision != HEAD:
        raise StorageError(
            f"archive {_shown(url)} has schema {revision or 'none'}, this driftd needs {HEAD}: "
            "start the daemon once, it creates the schema or says what to do"
        )


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    """One write transaction on a connection of its own."""
    engine = write_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StorageError(f"cannot open archive {_shown(url)}: {error.orig}") from error
    finally:
        engine.dispose()


def _revision(connection: Connection, url: str) -> str | None:
    """Return the archive's revision, None when the database is empty."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if "alembic_version" not in names or about.name not in names:
        raise StorageError(
            f"{_shown(url)} holds tables of another program: give driftd its own archive.url"
        )
    statement = text("SELECT version_num FROM alembic_version")
    return str(connection.execute(statement).scalar_one())


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  (0.1 s that the usual start need not spend)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise StorageError(f"the archive cannot be upgraded: {error}") from error
    row = {"key": _WRITTEN_BY, "value": __version__}
    upsert(connection, about, [row], keys=("key",), replace=("value",))


def _newer(connection: Connection, url: str, revision: str) -> str:
    statement = select(about.c.value).where(about.c.key == _WRITTEN_BY)
    version = connection.execute(statement).scalar_one_or_none() or __version__
    return (
        f"archive {_shown(url)} has schema {revision}, written by driftd {version}; this is "
        f"driftd {__version__}, which knows schemas up to {HEAD}: run: pip install "
        f"'driftd>={version}'"
    )


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _upgrade_command(url: str) -> str:
    return shlex.join([sys.executable, "-m", "monitor.archive", "upgrade", _shown(url)])

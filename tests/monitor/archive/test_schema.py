"""A new archive gets the tables, an old one is refused with the command that helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from monitor.archive import schema
from monitor.archive.__main__ import main
from monitor.archive.connection import ArchiveLock, write_engine
from monitor.archive.reader import Reader
from monitor.archive.tables import metadata
from monitor.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable


def _execute(url: str, *statements: str) -> None:
    engine = write_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_migrations_make_exactly_the_tables(url: str) -> None:
    schema.ensure_schema(url)
    engine = write_engine(url)
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert difference == []


def test_head_is_the_last_migration() -> None:
    config = Config()
    place = Path(schema.__file__).with_name("migrations")
    config.set_main_option("script_location", str(place))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_is_harmless_when_repeated(url: str) -> None:
    schema.ensure_schema(url)
    schema.ensure_schema(url)
    with Reader(url) as reader:
        reader.run(lambda connection: schema.require_schema(connection, url))


def test_usual_start_does_not_import_alembic(url: str) -> None:
    schema.ensure_schema(url)
    code = (
        "import sys; from monitor.archive.schema import ensure_schema;"
        f"ensure_schema({url!r}); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_older_archive_is_refused_with_the_command_that_upgrades_it(url: str) -> None:
    # There is no older revision yet: a made-up one, which `upgrade` cannot know either.
    _execute(
        url,
        "CREATE TABLE about (key VARCHAR PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('0000')",
    )
    with pytest.raises(StorageError) as refusal:
        schema.ensure_schema(url)
    assert "has schema 0000, this driftd needs 0002" in str(refusal.value)
    command = f"{sys.executable} -m monitor.archive upgrade {url}"
    assert str(refusal.value).endswith(f"run: {command}")
    ran = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("the archive cannot be upgraded: Can't locate revision")


def test_upgrade_command_brings_an_archive_to_head(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _execute(url, "CREATE TABLE about (key VARCHAR)", "DROP TABLE about")
    assert main(["upgrade", url]) == 0
    assert capsys.readouterr().out == "schema 0002\n"
    schema.ensure_schema(url)


def test_newer_archive_is_refused_with_the_version_to_install(url: str) -> None:
    schema.ensure_schema(url)
    _execute(
        url,
        "UPDATE alembic_version SET version_num = '0417'",
        "UPDATE about SET value = '7.5.0' WHERE key = 'written_by'",
    )
    for attempt in (schema.ensure_schema, schema.upgrade):
        with pytest.raises(StorageError, match=r"pip install 'driftd>=7\.5\.0'"):
            attempt(url)


def test_database_of_another_program_is_refused(url: str) -> None:
    _execute(url, "CREATE TABLE customers (name TEXT)")
    with pytest.raises(StorageError, match="tables of another program"):
        schema.ensure_schema(url)


def test_file_that_is_no_database_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "driftd.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        schema.ensure_schema(url)


def test_upgrade_refuses_an_archive_in_use(url: str, tmp_path: Path) -> None:
    schema.ensure_schema(url)
    with ArchiveLock(tmp_path / "driftd.db"), pytest.raises(StorageError, match="in use"):
        schema.upgrade(url)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (lambda _: [], "usage:"),
        (lambda url: ["downgrade", url], "usage:"),
        (lambda url: ["upgrade", url], "there is no archive"),
    ],
)
def test_upgrade_command_explains_itself(
    url: str,
    arguments: Callable[[str], list[str]],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments(url)) == 2
    assert capsys.readouterr().err.startswith(complaint)


def test_readers_are_told_when_there_is_no_schema(url: str) -> None:
    _execute(url, "CREATE TABLE about (key VARCHAR)", "DROP TABLE about")
    with Reader(url) as reader, pytest.raises(StorageError, match="start the daemon once"):
        reader.run(lambda connection: schema.require_schema(connection, url))

"""Bring a database's schema to the one that ``db.models`` describes.

Invariant: one transaction under a lock, so two processes that start at once migrate once, and a
migration that fails leaves the schema as it was. A database that is up to date needs no Alembic, which takes
a start 0.3 s to import. Non-goal: going back to an older schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK_KEY = 0x626C656E646572
"""PostgreSQL's advisory lock for migrating ("blender" in ASCII)."""


class SchemaVersionError(Exception):
    """The database's schema is not the one that this code was written for.

    Attributes:
        found: The database's revision, None where it has no tables of ours.
        expected: This code's revision.
        can_migrate: Whether ``migrate`` would bring it to ``expected``.
    """

    def __init__(self, *, found: str | None, expected: str, can_migrate: bool) -> None:
        state = f"is at revision {found}" if found else "has no schema yet"
        advice = "migrate it first" if can_migrate else "this code does not know it: use the newer code"
        super().__init__(f"the database {state}, this code expects revision {expected}; {advice}")
        self.found = found
        self.expected = expected
        self.can_migrate = can_migrate


def migrate(engine: Engine) -> bool:
    """Bring an empty or older database to the newest schema.

    Args:
        engine: From ``db.engine.create_store``.

    Returns:
        Whether there was anything to do.

    Raises:
        SchemaVersionError: If the database is newer than this code.
    """
    expected = newest_revision()
    with locked(engine) as connection:
        found = _revision_of(connection)
        if found == expected:
            return False
        if found is not None and found not in list_revisions():
            raise SchemaVersionError(found=found, expected=expected, can_migrate=False)
        from alembic import command

        command.upgrade(alembic_config(connection), "head")
        _check_foreign_keys(connection)
    return True


@contextmanager
def filling_older(engine: Engine, revision: str) -> Iterator[Connection]:
    """Give an empty database the schema of a revision, and a connection that fills it.

    References between the rows are not held there; ``migrate`` looks at them.
    """
    with locked(engine) as connection:
        from alembic import command

        command.upgrade(alembic_config(connection), revision)
        for name in set(inspect(connection).get_table_names()) - {"alembic_version"}:
            connection.execute(text(f"DELETE FROM {name}"))  # what a new store begins with, as a project
        yield connection


def check_schema(engine: Engine) -> None:
    """Refuse a database whose schema is not this code's.

    Raises:
        SchemaVersionError: If it is older, newer, or empty.
    """
    expected = newest_revision()
    with engine.connect() as connection:
        found = _revision_of(connection)
    if found != expected:
        can_migrate = found is None or found in list_revisions()
        raise SchemaVersionError(found=found, expected=expected, can_migrate=can_migrate)


def newest_revision() -> str:
    """The revision that ``migrate`` leads to."""
    return list_revisions()[-1]


@cache  # the folder does not change while the app runs
def list_revisions() -> tuple[str, ...]:
    """Every revision by its place, which is the number that its file's name begins with."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*_*.py")
    revisions = tuple(sorted(file.name.partition("_")[0] for file in files))
    if not revisions:
        raise RuntimeError("db/migrations/versions holds no revision")
    return revisions


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made here so that no alembic.ini need lie in the working folder."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar_one_or_none()
    return found


@contextmanager
def locked(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that no other migrating process can hold as well."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            # Rebuilding a table, SQLite's way to alter one, would cascade through its foreign
            # keys; and the switch does nothing inside a transaction.
            _set_foreign_keys(connection, on=False)
            connection = connection.execution_options(sqlite_begin="IMMEDIATE")
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
                yield connection
        finally:
            if is_sqlite:
                _set_foreign_keys(connection, on=True)


def _set_foreign_keys(connection: Connection, *, on: bool) -> None:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    if broken:
        raise RuntimeError(f"the migration would leave {len(broken)} references to nothing: {broken[:3]}")

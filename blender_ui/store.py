"""The one edge at which what databases and their drivers raise becomes an error of Blender UI.

Invariant: an engine from here raises sentences: ``StorageError`` where the database does not do its part,
``MalformedInput`` where it cannot keep what it was given, the same on SQLite and PostgreSQL. What is left as
SQLAlchemy raises it is a broken constraint, which the caller expects, or a fault of the program.
Non-goal: rows.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from blender_ui.errors import MalformedInput, MissingPackage, SchemaMismatch, SettingsError, StorageError
from blender_ui.faults import describe_os_error
from blender_ui.settings import Settings
from db.engine import (
    BUSY_TIMEOUT_SECONDS,
    count_bytes,
    create_store,
    find_damage,
    is_read_only,
    try_to_write,
)
from db.migrations import SchemaVersionError, check_schema, migrate

MOST_READ_BYTES = 64 * 2**20
"""Of a SQLite file that is read through before pages open: half a second. A million preferences are 1 GB."""
OPENING_SECONDS = 20
"""How long a start waits for another program's lock: somebody sits before it and sees nothing."""
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
EXPECTED = (
    "expected an address such as sqlite:////folder/blender.sqlite or "
    "postgresql+psycopg://user:password@host/name; BLENDER_UI_DATABASE_URL sets it"
)

_LOCKED = "another program holds the database locked. Wait until it is done, or end it, then try again"
_READ_ONLY = (
    "the database cannot be written: give this user the right; SQLite writes to its file and its folder"
)
_DAMAGED = (
    "the database is damaged. Keep the file, put a backup in its place, or save what can be read with "
    "`sqlite3 FILE .recover`"
)
_FULL = "the disk of the database is full. Make room there, then try again"
_DISK = (
    "the disk of the database cannot be read or written: it is full, limited or broken. See to it, then try "
    "again"
)
_NOT_OPENED = "the database's file cannot be opened: check that its folder is there and may be written"
_AWAY = "the database does not answer. Start it, or check the address, then try again"
_BARRED = "the database does not let this user in: check the name, the password and the rights"
_TOO_MANY = "the database has no connection or memory to spare. Try again, or raise its limits"
_UNSUITABLE = (
    "a text or a number cannot be kept by the database: take out control characters, write smaller numbers"
)

_BY_SQLITE_CODE = {
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CANTOPEN: _NOT_OPENED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_AUTH: _READ_ONLY,
    sqlite3.SQLITE_NOMEM: _TOO_MANY,
}
# PostgreSQL's codes, the longest beginning first; docs: "PostgreSQL Error Codes", appendix A.
_BY_STATE = {
    "25006": _READ_ONLY,
    "3D000": _AWAY,
    "40": _LOCKED,
    "42501": _BARRED,
    "53100": _FULL,
    "55P03": _LOCKED,
    "08": _AWAY,
    "28": _BARRED,
    "53": _TOO_MANY,
    "57": _AWAY,
    "58": _DISK,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
_STATES_OF_VALUES = ("22",)


def open_home_store(settings: Settings, *, leaves_large: bool = False) -> Engine:
    """Open an installation's database, with its home folder made where it is not there yet.

    Args:
        settings: Name both.
        leaves_large: See ``open_store``.

    Raises:
        SettingsError: If the folder cannot be made, or the database's address is none.
        BlenderError: As ``open_store``.
    """
    make_home(settings)
    waits = settings.wait_for_disk == "yes"
    return open_store(
        settings.store_url, name=settings.store_name, waits_for_disk=waits, leaves_large=leaves_large
    )


def make_home(settings: Settings) -> None:
    """Make the home folder where it is not there yet.

    Raises:
        SettingsError: If it cannot be made.
    """
    try:
        settings.home_path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the home folder cannot be made: {describe_os_error(error, settings.home_path)}. "
            "BLENDER_UI_HOME names another"
        ) from error


def open_store(url: str, *, name: str, waits_for_disk: bool = True, leaves_large: bool = False) -> Engine:
    """Open a database that was looked at and brought to this code's schema.

    Args:
        url: Of SQLAlchemy; one of ``DRIVERS``.
        name: The same for people, without a password.
        waits_for_disk: See ``db.engine.create_store``.
        leaves_large: Do not read a SQLite file of more than ``MOST_READ_BYTES`` through, which takes seconds;
            the caller calls ``check_left`` once it serves.

    Raises:
        SettingsError: If the address is none.
        MissingPackage: If the database's driver is not installed.
        StorageError: If it cannot be reached, read or written, or is damaged.
        SchemaMismatch: If it was written by newer code.
    """
    opening = connect_store(url, name=name, wait_seconds=OPENING_SECONDS)
    try:
        check_writable(opening, reads_through=not (leaves_large and _is_large(opening)))
        migrate(opening)
    except SchemaVersionError as error:
        raise SchemaMismatch(f"{name}: {error}") from error
    except StorageError as error:
        raise StorageError(f"{name}: {error}{_in_driver_s_words(error)}") from error
    except DBAPIError as error:
        if error.statement is not None:  # not the address but what was asked there: a fault of the program
            raise
        raise SettingsError(f"{name} cannot be opened{_in_driver_s_words(error)}; {EXPECTED}") from error
    finally:
        opening.dispose()
    return connect_store(url, name=name, waits_for_disk=waits_for_disk)


def check_store(url: str, *, name: str) -> None:
    """Look at a database as ``open_store`` does and change nothing.

    Raises:
        BlenderError: As ``open_store``; ``SchemaMismatch`` also where the schema is older.
    """
    engine = connect_store(url, name=name, wait_seconds=OPENING_SECONDS)
    try:
        check_writable(engine)
        check_schema(engine)
    except SchemaVersionError as error:
        advice = ". Back it up, then start the app, which migrates it" if error.can_migrate else ""
        raise SchemaMismatch(f"{error}{advice}") from error
    finally:
        engine.dispose()


def check_jobs(url: str) -> None:
    """Look at the job queue's own SQLite file; on PostgreSQL it lies in the store, which was looked at.

    Raises:
        StorageError: If it cannot be read or written, or is damaged.
    """
    if not url.startswith("sqlite"):
        return
    engine = connect_store(url, name=url, wait_seconds=OPENING_SECONDS)
    try:
        check_writable(engine)
    except StorageError as error:
        raise StorageError(
            f"{url}: {error}. This is the queue of trainings only: without its file it is made anew, and "
            "trainings that wait begin anew"
        ) from error
    finally:
        engine.dispose()


def connect_store(
    url: str, *, name: str, wait_seconds: float = BUSY_TIMEOUT_SECONDS, waits_for_disk: bool = False
) -> Engine:
    """An engine whose errors are translated; nothing is opened yet.

    Raises:
        SettingsError: If the address is none.
        MissingPackage: If the database's driver is not installed.
        StorageError: If a SQLite file's folder cannot be made.
    """
    parsed = _read_url(url, name)
    try:
        engine = create_store(url, wait_seconds=wait_seconds, waits_for_disk=waits_for_disk)
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"the driver of {parsed.drivername} is not installed; run: pip install -c constraints.txt -e ."
        ) from error
    except OSError as error:
        folder = Path(parsed.database or "").parent
        raise StorageError(
            f"{name}: its folder cannot be made: {describe_os_error(error, folder)}"
        ) from error
    event.listen(engine, "handle_error", _translate)
    return engine


def check_left(engine: Engine, *, name: str) -> None:
    """Read a SQLite file through that ``open_store`` left, because it is large.

    Raises:
        StorageError: If it is damaged.
    """
    if _is_large(engine):
        try:
            _check_damage(engine)
        except StorageError as error:
            raise StorageError(f"{name}: {error}") from error


def check_writable(engine: Engine, *, reads_through: bool = True) -> None:
    """See whether a database can be written, and read SQLite's file through, which shows damage.

    Raises:
        StorageError: If it is away, locked, damaged, or may only be read.
    """
    if is_read_only(engine):
        raise StorageError(_READ_ONLY)
    if reads_through:
        _check_damage(engine)
    try_to_write(engine)


def _check_damage(engine: Engine) -> None:
    damage = find_damage(engine)
    if damage:
        raise StorageError(f"{_DAMAGED} ({damage})")


def _is_large(engine: Engine) -> bool:
    return count_bytes(engine) > MOST_READ_BYTES


def _read_url(url: str, name: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(f"{name} is no database's address; {EXPECTED}") from error
    if parsed.drivername not in DRIVERS:
        raise SettingsError(f"{parsed.drivername} is no database that Blender UI knows; {EXPECTED}")
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.query and "uri" not in parsed.query:
        raise SettingsError(f"{name}: a SQLite address takes options only with uri=true; {EXPECTED}")
    if is_sqlite and parsed.database in (None, "", ":memory:"):
        raise SettingsError(f"{name} names no file, and a database in memory is lost; {EXPECTED}")
    return parsed


def _in_driver_s_words(error: Exception) -> str:
    """The first line of what the driver said, which has no SQL; for the terminal, not for pages."""
    cause = error.__cause__
    lines = str(cause).strip().splitlines() if cause is not None else []
    return f" ({lines[0]})" if lines else ""


def _translate(context: ExceptionContext) -> Exception | None:
    """What SQLAlchemy raises instead, ``from`` the driver's own; None leaves it as it is."""
    if context.is_pre_ping:  # SQLAlchemy connects anew by itself
        return None
    return _find_error(context.original_exception, is_lost=context.is_disconnect)


def _find_error(error: BaseException, *, is_lost: bool) -> Exception | None:
    wrapped = getattr(error, "orig", None)  # SQLAlchemy's own, around what a value's type refused
    if isinstance(error, SQLAlchemyError) and isinstance(wrapped, Exception):
        return _find_error(wrapped, is_lost=is_lost)
    if isinstance(error, OverflowError | UnicodeError):
        return MalformedInput(_UNSUITABLE)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        sentence = _BY_SQLITE_CODE.get(code & 0xFF) if isinstance(code, int) else None
        return StorageError(sentence) if sentence else None
    if type(error).__module__.partition(".")[0] == "psycopg":
        return _find_postgresql_error(error, is_lost=is_lost)
    return None


def _find_postgresql_error(error: Any, *, is_lost: bool) -> Exception | None:
    """By the server's code; without one by the driver's class, which has a few words for all."""
    state, kind = error.sqlstate or "", type(error).__name__
    if state.startswith(_STATES_OF_VALUES) or (not state and kind == "DataError"):
        return MalformedInput(_UNSUITABLE)
    sentence = next((said for start, said in _BY_STATE.items() if state.startswith(start)), None)
    if sentence is None and (is_lost or (not state and kind in ("OperationalError", "ConnectionTimeout"))):
        sentence = _AWAY
    return StorageError(sentence) if sentence else None

"""Connections and transactions.

Invariant: every SQLite connection has foreign keys on, WAL, and waits for a lock instead of
failing at once. Non-goal: what is in the tables.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlmodel import Session, create_engine

BUSY_TIMEOUT_SECONDS = 120
"""Longer than a large import holds the write lock, so that a worker's sign of life waits for it."""
CONNECT_SECONDS = 10
"""How long a PostgreSQL server is given to answer when a connection is made."""

_WAITS_FOR_DISK = "waits_for_disk"

_writers: WeakKeyDictionary[Engine, AbstractContextManager[object]] = WeakKeyDictionary()
_writers_guard = threading.Lock()


def create_store(
    url: str, *, wait_seconds: float = BUSY_TIMEOUT_SECONDS, waits_for_disk: bool = False
) -> Engine:
    """Open the database at a SQLAlchemy URL, making a SQLite file's folder if need be.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://...``.
        wait_seconds: How long a SQLite connection waits for another one's lock.
        waits_for_disk: Whether a ``durable`` transaction on SQLite ends only when the disk has it. What the
            process wrote survives its end in any case, and a power cut only so. A server decides itself.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        # A server that is off would else be waited for as long as the system's own patience, minutes.
        own = {} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_SECONDS}
        return create_engine(url, pool_pre_ping=True, connect_args=own)
    if parsed.database and not parsed.database.startswith("file:"):
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"timeout": wait_seconds, "check_same_thread": False},
        execution_options={_WAITS_FOR_DISK: waits_for_disk},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own implicit BEGIN comes too late for IMMEDIATE, so it is switched off and the
    # engine's "begin" event sends the statement instead.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def transaction(engine: Engine, *, immediate: bool = False, durable: bool = False) -> Iterator[Session]:
    """Give a session whose work is committed at the end, or rolled back on any error.

    Args:
        engine: From ``create_store``.
        immediate: Take SQLite's write lock at the start, so that what is read here cannot be
            changed by another writer before the commit. Ask for it wherever a write follows a
            read. On PostgreSQL the rows are locked by the queries themselves.
        durable: It holds what people said, which a power cut must not take; see ``create_store``.
    """
    with (
        _turn_to_write(engine) if immediate else nullcontext(),
        engine.connect() as connection,
        _written_through(connection) if durable else nullcontext(),
    ):
        if immediate:
            connection = connection.execution_options(sqlite_begin="IMMEDIATE")
        with Session(connection, expire_on_commit=False) as session, connection.begin():
            yield session
            session.flush()


@contextmanager
def _written_through(connection: Connection) -> Iterator[None]:
    """Have commits of a SQLite connection wait until the disk has them, with all that came before."""
    if not connection.get_execution_options().get(_WAITS_FOR_DISK):
        yield
        return
    raw: Any = connection.connection.dbapi_connection  # the setting cannot change inside a transaction
    raw.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        raw.execute("PRAGMA synchronous=NORMAL")


def _turn_to_write(engine: Engine) -> AbstractContextManager[object]:
    """Let this process's writers wait for each other here, before they take a connection.

    SQLite lets in one writer at a time and makes the others poll, up to 100 ms apart, which under
    eight annotators was most of a vote's time; a lock wakes the next one at once.
    """
    if engine.dialect.name != "sqlite":
        return nullcontext()
    with _writers_guard:
        return _writers.setdefault(engine, threading.RLock())


def is_read_only(engine: Engine) -> bool:
    """Whether a server lets nobody write; a SQLite file says so only when it is written to."""
    if engine.dialect.name == "sqlite":
        return False
    with engine.connect() as connection:
        return bool(connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on")


def count_bytes(engine: Engine) -> int:
    """What SQLite says that its file has; 0 on a server."""
    if engine.dialect.name != "sqlite":
        return 0
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        return int(pages) * int(connection.execute(text("PRAGMA page_size")).scalar_one())


def find_damage(engine: Engine) -> str:
    """What SQLite finds wrong when it reads its file through; empty where nothing is, and on a server."""
    if engine.dialect.name != "sqlite":
        return ""
    with engine.connect() as connection:
        found = connection.execute(text("PRAGMA quick_check(1)")).scalars().first()
    return "" if found == "ok" else str(found).splitlines()[-1]


def try_to_write(engine: Engine) -> None:
    """Write to a SQLite file and roll it back: beginning to write succeeds even where writing does not."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        version = connection.execute(text("PRAGMA user_version")).scalar_one()
        connection.execute(text(f"PRAGMA user_version = {version}"))

"""Locks that a PostgreSQL server keeps for as long as a connection lives, or a transaction."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlmodel import Session

_FAMILY = 7860
"""Keeps these locks apart from those of other programs in the same database."""
_QUIET_SECONDS, _PROBES = 10, 3


def notice_silence(connection: Connection) -> None:
    """Have the server end this connection soon after its machine is gone, and its locks with it."""
    for name, value in (
        ("tcp_keepalives_idle", _QUIET_SECONDS),
        ("tcp_keepalives_interval", _QUIET_SECONDS),
        ("tcp_keepalives_count", _PROBES),
    ):
        connection.execute(text(f"SET {name} = {value}"))


def try_lock(connection: Connection, name: str) -> bool:
    """Take a lock by its name, unless another connection holds it."""
    return bool(
        connection.scalar(
            text("SELECT pg_try_advisory_lock(:family, hashtext(:name))"), {"family": _FAMILY, "name": name}
        )
    )


def lock_until_commit(session: Session, name: str) -> None:
    """Wait for a lock by its name and hold it until the transaction ends.

    On SQLite nothing is done: there an immediate transaction is such a lock.
    """
    if session.get_bind().dialect.name != "sqlite":
        session.connection().execute(
            text("SELECT pg_advisory_xact_lock(:family, hashtext(:name))"), {"family": _FAMILY, "name": name}
        )


def unlock(connection: Connection, name: str) -> None:
    """Let a lock go that this connection holds."""
    connection.execute(
        text("SELECT pg_advisory_unlock(:family, hashtext(:name))"), {"family": _FAMILY, "name": name}
    )


def unlock_all(connection: Connection) -> None:
    """Let all locks go that this connection holds."""
    connection.execute(text("SELECT pg_advisory_unlock_all()"))


def ask(connection: Connection) -> None:
    """Ask for nothing, which fails where the connection, and its locks, are gone."""
    connection.execute(text("SELECT 1"))

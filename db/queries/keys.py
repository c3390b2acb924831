"""Keys of programs, and their use by day."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from db.models import Annotator, ApiKey, KeyUse, Project, Role


class Keeper(NamedTuple):
    """What a key that was not revoked stands for."""

    key_id: int
    annotator_id: int
    name: str
    role: Role
    project_id: int | None
    requests_a_minute: int
    tokens_a_day: int


class Use(NamedTuple):
    """What was done with a key."""

    n_requests: int
    n_tokens: int


class KeyRow(NamedTuple):
    """A key with its project's name, its maker's, and its use."""

    key: ApiKey
    project: str | None
    maker: str | None
    today: Use
    ever: Use


def find_keeper(session: Session, *, secret_hash: str) -> Keeper | None:
    """What a key stands for; None where there is none, or it was revoked."""
    row = session.connection().execute(_keeper_query(), {"secret_hash": secret_hash}).first()
    return None if row is None else Keeper(*row)


def list_keys(session: Session, *, day: str) -> list[KeyRow]:
    """Every key, revoked ones too, the newest first."""
    n_requests, n_tokens = func.sum(col(KeyUse.n_requests)), func.sum(col(KeyUse.n_tokens))
    by_key = select(col(KeyUse.key_id), n_requests, n_tokens).group_by(col(KeyUse.key_id))
    ever = {row[0]: Use(int(row[1]), int(row[2])) for row in session.execute(by_key)}
    today = {row[0]: Use(int(row[1]), int(row[2])) for row in session.execute(_with_day(by_key, day))}
    rows = session.execute(
        select(ApiKey, col(Project.name), col(Annotator.name))
        .outerjoin(Project, col(Project.id) == col(ApiKey.project_id))
        .outerjoin(Annotator, col(Annotator.id) == col(ApiKey.made_by_id))
        .order_by(col(ApiKey.id).desc())
    )
    nothing = Use(0, 0)
    return [
        KeyRow(key, project, maker, today.get(key.id, nothing), ever.get(key.id, nothing))
        for key, project, maker in rows
    ]


def find_use(session: Session, *, key_id: int, day: str) -> Use:
    """What was done with a key on one day."""
    row = session.get(KeyUse, (key_id, day))
    return Use(0, 0) if row is None else Use(row.n_requests, row.n_tokens)


def add_use(session: Session, *, uses: Mapping[tuple[int, str], Use]) -> None:
    """Count what was done, by key and day."""
    rows = [
        {"key_id": key_id, "day": day, "n_requests": use.n_requests, "n_tokens": use.n_tokens}
        for (key_id, day), use in uses.items()
    ]
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(KeyUse)
    added = {
        name: getattr(KeyUse, name) + getattr(statement.excluded, name) for name in ("n_requests", "n_tokens")
    }
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["key_id", "day"], set_=added), rows
    )


def _with_day(query: Select[*tuple[Any, ...]], day: str) -> Select[*tuple[Any, ...]]:
    return query.where(col(KeyUse.day) == day)


@cache
def _keeper_query() -> Select[*tuple[Any, ...]]:
    # Built once: every request of a program asks it.
    return select(
        col(ApiKey.id),
        col(ApiKey.annotator_id),
        col(ApiKey.name),
        col(ApiKey.role),
        col(ApiKey.project_id),
        col(ApiKey.requests_a_minute),
        col(ApiKey.tokens_a_day),
    ).where(col(ApiKey.secret_hash) == bindparam("secret_hash"), col(ApiKey.revoked_at).is_(None))

"""Members: the LLMs that answered."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from db.models import Member


def list_names(session: Session, *, backend: str) -> list[str]:
    """The names of the members of a backend, each once."""
    return sorted({*session.scalars(select(col(Member.name)).where(col(Member.backend) == backend))})


def get_or_add(session: Session, *, member: Member) -> Member:
    """The row with the name and fingerprint of ``member``, which is added where there is none."""
    same = select(Member).where(
        col(Member.name) == member.name, col(Member.fingerprint) == member.fingerprint
    )
    found = session.scalars(same).first()
    if found is not None:
        return found
    try:
        with session.begin_nested():
            session.add(member)
    except IntegrityError:
        # On PostgreSQL another process may have added it since; SQLite holds the write lock.
        return session.scalars(same).one()
    return member

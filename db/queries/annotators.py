"""Annotators: who labels."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from db.models import Annotator


def find_by_key(session: Session, *, key: str) -> Annotator | None:
    """The annotator with a stored key."""
    return session.scalars(select(Annotator).where(col(Annotator.key) == key)).first()


def lock_annotator(session: Session, *, annotator_id: int) -> Annotator | None:
    """One annotator, locked where the database locks rows, so that their tabs take turns."""
    return session.get(Annotator, annotator_id, with_for_update=True)

"""Annotators: who labels."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlmodel import Session, col

from db.models import Annotator


def find_by_key(session: Session, *, key: str) -> Annotator | None:
    """The annotator with a stored key."""
    return session.scalars(select(Annotator).where(col(Annotator.key) == key)).first()


def lock_annotator(session: Session, *, annotator_id: int) -> bool:
    """Lock an annotator where the database locks rows, so that their tabs take turns; False for nobody."""
    row = session.connection().execute(_lock_query(), {"annotator_id": annotator_id}).first()
    return row is not None


@cache
def _lock_query() -> Select[*tuple[Any, ...]]:
    return select(col(Annotator.id)).where(col(Annotator.id) == bindparam("annotator_id")).with_for_update()

"""The audit trail, as it was written."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import String, cast, or_, select
from sqlmodel import Session, col

from db.models import Annotator, AuditEvent


class Entry(NamedTuple):
    """An event, with the name of who made the change; None for the app itself."""

    event: AuditEvent
    by: str | None


def list_latest(
    session: Session, *, limit: int, before_id: int | None, object_type: str | None, containing: str = ""
) -> list[Entry]:
    """The latest events, the newest first; older ones than one, of a kind, or with a text, if asked."""
    query = (
        select(AuditEvent, col(Annotator.name))
        .outerjoin(Annotator, col(Annotator.id) == col(AuditEvent.annotator_id))
        .order_by(col(AuditEvent.id).desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(col(AuditEvent.id) < before_id)
    if object_type is not None:
        query = query.where(col(AuditEvent.object_type) == object_type)
    if containing:
        searched = (
            col(Annotator.name),
            col(AuditEvent.action),
            col(AuditEvent.object_id),
            cast(col(AuditEvent.before), String),
            cast(col(AuditEvent.after), String),
        )
        query = query.where(or_(*(one.icontains(containing, autoescape=True) for one in searched)))
    return [Entry(*row) for row in session.execute(query)]

"""Annotators without an account: guests, who have done nothing that is kept, and those who have.

A guest's row is used again when no pair is lent to it, so rows grow with votes, not with page views.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlmodel import Session, col

from db.models import Annotator, Lease, LeaseStatus

GUEST, KEPT = "guest:", "browser:"
"""How the keys of the two begin; a hash of the browser's secret follows."""


class HeldLeases(NamedTuple):
    """Pairs that visitors hold."""

    n: int
    first_ends_at: datetime | None


def find_key(session: Session, *, annotator_id: int) -> str:
    """An annotator's key; empty for nobody."""
    key = session.execute(select(col(Annotator.key)).where(col(Annotator.id) == annotator_id)).scalar()
    return key or ""


def is_visitor(key: str) -> bool:
    """Whether a key is an anonymous browser's."""
    return key.startswith((GUEST, KEPT))


def count_guests(session: Session) -> int:
    """How many rows are guests'."""
    n_guests: int = session.execute(
        select(func.count()).select_from(Annotator).where(_begins(GUEST))
    ).scalar_one()
    return n_guests


def find_idle_guest(session: Session, *, now: datetime) -> Annotator | None:
    """The guest who has been without a lent pair for longest, locked where the database locks rows."""
    holds = select(col(Lease.id)).where(
        col(Lease.annotator_id) == col(Annotator.id),
        col(Lease.status) == LeaseStatus.ACTIVE,
        col(Lease.expires_at) > now,
    )
    return session.scalars(
        select(Annotator)
        .where(_begins(GUEST), ~holds.exists())
        .order_by(col(Annotator.created_at), col(Annotator.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def keep(session: Session, *, annotator_id: int) -> None:
    """Keep a guest's row for good; any other row stays as it is."""
    session.execute(
        update(Annotator)
        .where(col(Annotator.id) == annotator_id, _begins(GUEST))
        .values(key=func.replace(col(Annotator.key), GUEST, KEPT))
        .execution_options(synchronize_session=False)
    )


def count_held(
    session: Session, *, now: datetime, annotator_ids: Collection[int] | None = None
) -> HeldLeases:
    """The pairs that visitors hold now, or those of some annotators."""
    query = select(func.count(), func.min(col(Lease.expires_at))).where(
        col(Lease.status) == LeaseStatus.ACTIVE, col(Lease.expires_at) > now
    )
    if annotator_ids is None:
        query = query.join(Annotator, col(Annotator.id) == col(Lease.annotator_id)).where(
            or_(_begins(GUEST), _begins(KEPT))
        )
    else:
        query = query.where(col(Lease.annotator_id).in_(annotator_ids))
    return HeldLeases(*session.execute(query).one())


def _begins(start: str) -> ColumnElement[bool]:
    # A range, not LIKE, so that the index of keys is used.
    return (col(Annotator.key) >= start) & (col(Annotator.key) < start[:-1] + ";")

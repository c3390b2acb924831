"""Bets: the ranking that stood while a lease was still to be answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from db.models import Bet, Lease, LeaseStatus


def lay(session: Session, *, lease_ids: Sequence[int], ranking_id: int, now: datetime) -> int:
    """Keep a ranking as the bet on leases that are active and have none; says on how many.

    Of a write transaction that was begun as such: a vote comes before it or after it, never between.
    """
    has_bet = select(col(Bet.lease_id)).where(col(Bet.lease_id).in_(lease_ids))
    open_ids = session.scalars(
        select(col(Lease.id))
        .where(
            col(Lease.id).in_(lease_ids),
            col(Lease.status) == LeaseStatus.ACTIVE,
            col(Lease.id).not_in(has_bet),
        )
        .with_for_update()
    ).all()
    session.add_all(
        Bet(lease_id=one, ranking_id=ranking_id, created_at=now) for one in open_ids if one is not None
    )
    session.flush()
    return len(open_ids)


def find(session: Session, *, lease_id: int) -> Bet | None:
    """The bet on a lease; None where none was laid in time."""
    return session.get(Bet, lease_id)

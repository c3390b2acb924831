"""Bets: the ranking that stood while a lease was still to be answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import Bet, Lease, LeaseStatus, Ranking, RankingEntry


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


def lay_latest(session: Session, *, lease_ids: Sequence[int], candidate_ids: Sequence[int]) -> None:
    """Keep the latest ranking of all these candidates as the bet on leases that are being answered.

    Nothing is kept where there is none. Of the transaction that writes the answer, before which it was made.
    """
    ranked = (
        select(col(RankingEntry.ranking_id))
        .where(col(RankingEntry.candidate_id).in_(candidate_ids))
        .group_by(col(RankingEntry.ranking_id))
        .having(func.count() == len(candidate_ids))
        .order_by(col(RankingEntry.ranking_id).desc())
        .limit(1)
    )
    ranking_id = session.scalars(ranked).first()
    if ranking_id is None:
        return
    has_bet = set(session.scalars(select(col(Bet.lease_id)).where(col(Bet.lease_id).in_(lease_ids))))
    at = session.get_one(Ranking, ranking_id).created_at
    fresh = [one for one in lease_ids if one not in has_bet]
    session.add_all(Bet(lease_id=one, ranking_id=ranking_id, created_at=at) for one in fresh)
    session.flush()


def find(session: Session, *, lease_id: int) -> Bet | None:
    """The bet on a lease; None where none was laid in time."""
    return session.get(Bet, lease_id)

"""Rankings that were stored."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import Ranking, RankingEntry


def list_of_prompt(session: Session, *, prompt_id: int) -> Sequence[Ranking]:
    """The rankings of a prompt, newest first."""
    query = select(Ranking).where(col(Ranking.prompt_id) == prompt_id)
    return session.scalars(query.order_by(col(Ranking.id).desc())).all()


def list_best(session: Session) -> list[int]:
    """The candidates that the latest ranking of their prompt put first."""
    latest = select(func.max(col(Ranking.id))).group_by(col(Ranking.prompt_id))
    query = select(col(RankingEntry.candidate_id)).where(
        col(RankingEntry.ranking_id).in_(latest), col(RankingEntry.rank) == 1
    )
    return list(session.scalars(query))

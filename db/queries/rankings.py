"""Rankings that were stored."""

from __future__ import annotations

from collections import defaultdict
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


def list_last_scores(session: Session, *, up_to_candidate_id: int) -> dict[int, dict[int, float]]:
    """Scores by prompt and candidate, of each prompt's last ranking that has a candidate up to an id."""
    last = (
        select(func.max(Ranking.id))
        .join(RankingEntry, col(RankingEntry.ranking_id) == col(Ranking.id))
        .where(col(RankingEntry.candidate_id) <= up_to_candidate_id)
        .group_by(col(Ranking.prompt_id))
    )
    rows = session.execute(
        select(col(Ranking.prompt_id), col(RankingEntry.candidate_id), col(RankingEntry.score))
        .join(RankingEntry, col(RankingEntry.ranking_id) == col(Ranking.id))
        .where(col(Ranking.id).in_(last))
    )
    scores: dict[int, dict[int, float]] = defaultdict(dict)
    for prompt_id, candidate_id, score in rows:
        scores[prompt_id][candidate_id] = score
    return scores

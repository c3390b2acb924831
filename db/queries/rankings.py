"""Rankings that were stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import Candidate, Member, PairwiseLogit, Ranking, RankingEntry


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


class First(NamedTuple):
    """What a ranking put first, and when."""

    prompt_id: int
    candidate_id: int
    at: datetime


def list_firsts(session: Session) -> list[First]:
    """The candidates that each ranking put first, in the order in which the rankings were made."""
    query = (
        select(col(Ranking.prompt_id), col(RankingEntry.candidate_id), col(Ranking.created_at))
        .join(RankingEntry, col(RankingEntry.ranking_id) == col(Ranking.id))
        .where(col(RankingEntry.rank) == 1)
        .order_by(col(Ranking.id))
    )
    return [First(*row) for row in session.execute(query)]


def find_last_id(session: Session) -> int:
    """The newest ranking; 0 where there is none."""
    last: int = session.execute(select(func.coalesce(func.max(col(Ranking.id)), 0))).scalar_one()
    return last


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


def find_id(
    session: Session,
    *,
    prompt_id: int,
    version_id: int,
    refitted_preference_id: int | None,
    candidate_ids: Collection[int],
) -> int | None:
    """The latest ranking of exactly these candidates by this version, refitted up to this preference."""
    query = select(col(Ranking.id)).where(
        col(Ranking.prompt_id) == prompt_id,
        col(Ranking.ranker_version_id) == version_id,
        col(Ranking.refitted_preference_id).is_not_distinct_from(refitted_preference_id),
    )
    for ranking_id in session.scalars(query.order_by(col(Ranking.id).desc())):
        entries = select(col(RankingEntry.candidate_id)).where(col(RankingEntry.ranking_id) == ranking_id)
        if set(session.scalars(entries)) == set(candidate_ids):
            return ranking_id
    return None


def find_last_of(session: Session, *, candidate_id: int) -> int | None:
    """The latest ranking that a candidate is in; None where there is none."""
    query = select(func.max(col(RankingEntry.ranking_id))).where(
        col(RankingEntry.candidate_id) == candidate_id
    )
    last: int | None = session.execute(query).scalar_one()
    return last


def list_entries(session: Session, *, ranking_id: int) -> list[tuple[RankingEntry, str, int]]:
    """The entries of a ranking, best first, with their members' names and which of their answers each is."""
    query = (
        select(RankingEntry, col(Member.name), col(Candidate.sample))
        .join(Candidate, col(Candidate.id) == col(RankingEntry.candidate_id))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(RankingEntry.ranking_id) == ranking_id)
        .order_by(col(RankingEntry.rank), col(RankingEntry.candidate_id))
    )
    return [(entry, name, sample) for entry, name, sample in session.execute(query)]


def list_logits(session: Session, *, ranking_id: int) -> Sequence[PairwiseLogit]:
    """Both orders of every pair of a ranking."""
    return session.scalars(select(PairwiseLogit).where(col(PairwiseLogit.ranking_id) == ranking_id)).all()


def known_logits(session: Session, *, prompt_id: int, version_id: int) -> dict[tuple[int, int], float]:
    """Logits that a version as trained has given before, by (first, second) candidate id."""
    query = (
        select(col(PairwiseLogit.first_id), col(PairwiseLogit.second_id), col(PairwiseLogit.logit))
        .join(Ranking, col(Ranking.id) == col(PairwiseLogit.ranking_id))
        .where(
            col(Ranking.prompt_id) == prompt_id,
            col(Ranking.ranker_version_id) == version_id,
            col(Ranking.refitted_preference_id).is_(None),
        )
    )
    return {(first, second): logit for first, second, logit in session.execute(query)}

"""What trainers' files say beyond a vote's outcome: how its pair was chosen, what was marked, and scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Lease, PairwiseLogit, Preference, Prompt, Ranking


class VoteDetail(NamedTuple):
    """Of a preference; no policy where it was imported."""

    policy: str | None
    propensity: float | None
    spans: Sequence[dict[str, Any]]


class Logit(NamedTuple):
    """What a ranking says of one candidate shown before another."""

    first_id: int
    second_id: int
    logit: float


def list_details_between(session: Session, *, first_id: int, last_id: int) -> dict[int, VoteDetail]:
    """By preference, of those that stand about the prompts from one id to another."""
    rows = session.execute(
        select(col(Preference.id), col(Lease.policy), col(Lease.propensity), col(Preference.spans))
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .outerjoin(Lease, col(Lease.id) == col(Preference.lease_id))
        .where(col(Comparison.prompt_id).between(first_id, last_id), col(Preference.retracted_at).is_(None))
    )
    return {row[0]: VoteDetail(row[1], row[2], row[3] or ()) for row in rows}


def list_logits_between(
    session: Session, *, version_id: int, first_id: int, last_id: int
) -> dict[int, list[Logit]]:
    """By prompt, the logits of a version's last ranking of it."""
    last = _select_last(version_id).where(col(Ranking.prompt_id).between(first_id, last_id))
    rows = session.execute(
        select(
            col(Ranking.prompt_id),
            col(PairwiseLogit.first_id),
            col(PairwiseLogit.second_id),
            col(PairwiseLogit.logit),
        )
        .join(PairwiseLogit, col(PairwiseLogit.ranking_id) == col(Ranking.id))
        .where(col(Ranking.id).in_(last))
    )
    logits: dict[int, list[Logit]] = defaultdict(list)
    for prompt_id, first, second, logit in rows:
        logits[prompt_id].append(Logit(first, second, logit))
    return logits


def list_unranked(session: Session, *, version_id: int, project_id: int | None) -> list[int]:
    """Prompts with two answers or more that a version never ranked, in order."""
    query = (
        select(col(Candidate.prompt_id))
        .join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
        .where(
            col(Candidate.prompt_id).not_in(
                select(col(Ranking.prompt_id)).where(col(Ranking.ranker_version_id) == version_id)
            )
        )
        .group_by(col(Candidate.prompt_id))
        .having(func.count() > 1)
        .order_by(col(Candidate.prompt_id))
    )
    if project_id is not None:
        query = query.where(col(Prompt.project_id) == project_id)
    return list(session.scalars(query))


def _select_last(version_id: int) -> Select[int | None]:
    return (
        select(func.max(Ranking.id))
        .where(col(Ranking.ranker_version_id) == version_id)
        .group_by(col(Ranking.prompt_id))
    )

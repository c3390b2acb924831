"""Fused answers, their sources and spans, what the last ranking says of them, and people's votes on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, func, or_, select
from sqlmodel import Session, col

from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Fusion,
    FusionSource,
    FusionSpan,
    Member,
    Outcome,
    Preference,
    Ranking,
    RankingEntry,
)
from db.queries import rulings
from db.queries.checks import select_checks


class Source(NamedTuple):
    """One of the answers that were fused."""

    position: int
    candidate_id: int
    member: str
    sample: int
    text: str
    share: float | None


class FusedVote(NamedTuple):
    """One person's vote on a pair with a fused side."""

    fuser: str
    is_left: bool
    """Whether the fused answer was the left one."""
    outcome: Outcome
    preference_id: int
    ballot_id: int
    """What it follows from; 0 where the pair itself was answered."""


def find_latest(session: Session, *, prompt_id: int) -> Fusion | None:
    """The latest fusion of a prompt."""
    query = select(Fusion).where(col(Fusion.prompt_id) == prompt_id).order_by(col(Fusion.id).desc())
    return session.scalars(query.limit(1)).first()


def list_sources(session: Session, *, fusion_id: int) -> tuple[Source, ...]:
    """What was fused, in the order in which the fuser saw it."""
    query = (
        select(
            col(FusionSource.position),
            col(FusionSource.candidate_id),
            col(Member.name),
            col(Candidate.sample),
            col(Candidate.text),
            col(FusionSource.share),
        )
        .join(Candidate, col(FusionSource.candidate_id) == col(Candidate.id))
        .join(Member, col(Candidate.member_id) == col(Member.id))
        .where(col(FusionSource.fusion_id) == fusion_id)
        .order_by(col(FusionSource.position))
    )
    return tuple(Source(*row) for row in session.execute(query))


def list_spans(session: Session, *, fusion_id: int) -> Sequence[FusionSpan]:
    """The spans of the fused text, in its order."""
    query = select(FusionSpan).where(col(FusionSpan.fusion_id) == fusion_id).order_by(col(FusionSpan.start))
    return session.scalars(query).all()


def scores_of_latest_ranking(session: Session, *, prompt_id: int, candidate_id: int) -> dict[int, float]:
    """Scores by candidate from a prompt's last ranking with this candidate in it; empty without one."""
    latest = (
        select(col(Ranking.id))
        .join(RankingEntry, col(RankingEntry.ranking_id) == col(Ranking.id))
        .where(col(Ranking.prompt_id) == prompt_id, col(RankingEntry.candidate_id) == candidate_id)
        .order_by(col(Ranking.id).desc())
        .limit(1)
    )
    query = select(col(RankingEntry.candidate_id), col(RankingEntry.score))
    rows = session.execute(query.where(col(RankingEntry.ranking_id) == latest.scalar_subquery()))
    return {int(candidate_id): float(score) for candidate_id, score in rows}


def list_votes(session: Session, *, backend: str, fuser: str | None = None) -> list[FusedVote]:
    """The standing votes of people on pairs with a fused side, checks left out and rulings in their place.

    Args:
        session: In a transaction.
        backend: Of the members that stand for fusers.
        fuser: Only this one's; None for all.
    """
    fused: Select[*tuple[Any, ...]] = (
        select(col(Candidate.id).label("id"), col(Member.model).label("fuser"))
        .join(Member, col(Candidate.member_id) == col(Member.id))
        .where(col(Member.backend) == backend)
    )
    if fuser is not None:
        fused = fused.where(col(Member.model) == fuser)
    side = fused.subquery()
    query = (
        select(
            side.c.fuser,
            side.c.id == col(Comparison.left_id),
            col(Comparison.id),
            col(Preference.outcome),
            col(Preference.id),
            func.coalesce(col(Preference.ballot_id), 0),
        )
        .select_from(Preference)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(side, or_(side.c.id == col(Comparison.left_id), side.c.id == col(Comparison.right_id)))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(
            col(Preference.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            col(Comparison.id).not_in(select_checks()),
        )
    )
    ruled = rulings.find_ruled(session)
    return [
        FusedVote(name, bool(is_left), ruled.get(comparison_id, outcome), *ids)
        for name, is_left, comparison_id, outcome, *ids in session.execute(query)
    ]

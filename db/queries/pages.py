"""Rows a page at a time, by ascending id: what programs list."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Lease,
    Member,
    Outcome,
    Preference,
    Prompt,
)


class PromptRow(NamedTuple):
    """A prompt."""

    id: int
    project_id: int
    instruction: str
    input: str
    history: list[dict[str, str]]
    source: str | None
    created_at: datetime


class CandidateRow(NamedTuple):
    """An answer and who wrote it."""

    id: int
    prompt_id: int
    member: str
    backend: str
    text: str
    finish_reason: str | None
    created_at: datetime


class PreferenceRow(NamedTuple):
    """A preference that stands; no policy where it was imported."""

    id: int
    prompt_id: int
    left_id: int
    right_id: int
    outcome: Outcome
    strength: float | None
    reason: str | None
    annotator_id: int
    kind: AnnotatorKind
    policy: str | None
    propensity: float | None
    created_at: datetime


def list_prompts(session: Session, *, project_id: int | None, after_id: int, limit: int) -> list[PromptRow]:
    """Prompts after an id, of one project or of all."""
    query = select(*(getattr(Prompt, name) for name in PromptRow._fields)).where(col(Prompt.id) > after_id)
    if project_id is not None:
        query = query.where(col(Prompt.project_id) == project_id)
    rows = session.execute(query.order_by(col(Prompt.id)).limit(limit))
    return [PromptRow(*row) for row in rows]


def list_candidates(
    session: Session, *, project_id: int | None, prompt_id: int | None, after_id: int, limit: int
) -> list[CandidateRow]:
    """Answers after an id, of one project or prompt or of all, the fused ones too."""
    query = (
        select(
            col(Candidate.id),
            col(Candidate.prompt_id),
            col(Member.name),
            col(Member.backend),
            col(Candidate.text),
            col(Candidate.finish_reason),
            col(Candidate.created_at),
        )
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
        .where(col(Candidate.id) > after_id)
    )
    if project_id is not None:
        query = query.where(col(Prompt.project_id) == project_id)
    if prompt_id is not None:
        query = query.where(col(Candidate.prompt_id) == prompt_id)
    rows = session.execute(query.order_by(col(Candidate.id)).limit(limit))
    return [CandidateRow(*row) for row in rows]


def list_preferences(
    session: Session, *, project_id: int | None, after_id: int, limit: int
) -> list[PreferenceRow]:
    """Standing preferences after an id, of one project or of all."""
    query = (
        select(
            col(Preference.id),
            col(Comparison.prompt_id),
            col(Comparison.left_id),
            col(Comparison.right_id),
            col(Preference.outcome),
            col(Preference.strength),
            col(Preference.reason),
            col(Preference.annotator_id),
            col(Annotator.kind),
            col(Lease.policy),
            col(Lease.propensity),
            col(Preference.created_at),
        )
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .outerjoin(Lease, col(Lease.id) == col(Preference.lease_id))
        .where(col(Preference.id) > after_id, col(Preference.retracted_at).is_(None))
    )
    if project_id is not None:
        query = query.where(col(Comparison.project_id) == project_id)
    rows = session.execute(query.order_by(col(Preference.id)).limit(limit))
    return [PreferenceRow(*row) for row in rows]

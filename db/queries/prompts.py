"""Prompts: what people asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from db.models import Candidate, Prompt


def list_known(session: Session, *, project_id: int, fingerprints: Collection[str]) -> set[str]:
    """Which of some fingerprints a project has a prompt of."""
    query = select(col(Prompt.fingerprint)).where(
        col(Prompt.project_id) == project_id, col(Prompt.fingerprint).in_(fingerprints)
    )
    return set(session.scalars(query))


def list_ids(session: Session, *, project_id: int) -> list[int]:
    """The ids of a project's prompts, ascending."""
    query = select(col(Prompt.id)).where(col(Prompt.project_id) == project_id).order_by(col(Prompt.id))
    return [prompt_id for prompt_id in session.scalars(query) if prompt_id is not None]


def list_answered_since(session: Session, *, project_id: int, since: datetime) -> list[int]:
    """The ids of a project's prompts that got an answer since a time."""
    query = (
        select(col(Candidate.prompt_id))
        .join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
        .where(col(Prompt.project_id) == project_id, col(Candidate.created_at) >= since)
        .distinct()
    )
    return list(session.scalars(query))

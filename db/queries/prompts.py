"""Prompts: what people asked."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import Session, col

from db.models import Prompt


def list_known(session: Session, *, project_id: int, fingerprints: Collection[str]) -> set[str]:
    """Which of some fingerprints a project has a prompt of."""
    query = select(col(Prompt.fingerprint)).where(
        col(Prompt.project_id) == project_id, col(Prompt.fingerprint).in_(fingerprints)
    )
    return set(session.scalars(query))

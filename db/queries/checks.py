"""Gold pairs and attention checks, and the pairs that can become one.

Their answers say something of people and nothing of candidates.

Invariant: what rates candidates or learns from preferences leaves these comparisons out, all by the one
query here. Non-goal: judging people by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from db.models import Comparison, Project, Prompt, Purpose

CHECKS = (Purpose.GOLD, Purpose.ATTENTION)


def select_checks() -> Select[Any]:
    """Ids of the comparisons that are checks.

    Projects and purposes are both named, so that the queue's index gives the few there are among a
    million comparisons.
    """
    return select(col(Comparison.id)).where(
        col(Comparison.project_id).in_(select(col(Project.id))), col(Comparison.purpose).in_(CHECKS)
    )


def list_pairs(
    session: Session, *, project_id: int, containing: str, checks_only: bool, limit: int
) -> Sequence[Comparison]:
    """Pairs of a project, checks first and then the latest; with a text in the question if one is given."""
    query = select(Comparison).where(col(Comparison.project_id) == project_id)
    if checks_only:
        query = query.where(col(Comparison.purpose) != Purpose.LABEL)
    if containing:
        query = query.join(Prompt, col(Prompt.id) == col(Comparison.prompt_id)).where(
            col(Prompt.instruction).icontains(containing, autoescape=True)
        )
    order = (col(Comparison.purpose) == Purpose.LABEL, col(Comparison.id).desc())
    return session.scalars(query.order_by(*order).limit(limit)).all()

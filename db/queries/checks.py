"""Gold pairs and attention checks, and the pairs that can become one.

Their answers say something of people and nothing of candidates.

Invariant: what rates candidates or learns from preferences leaves these comparisons out, all by the one
query here. Non-goal: judging people by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, or_, select
from sqlmodel import Session, col

from db.models import Annotator, AnnotatorKind, Comparison, Preference, Project, Prompt, Purpose

CHECKS = (Purpose.GOLD, Purpose.ATTENTION)


class CheckAnswers(NamedTuple):
    """Standing answers of people to a check, and those that are right."""

    n_answered: int
    n_right: int


NO_ANSWERS = CheckAnswers(0, 0)


def count_answers(session: Session, *, comparison_ids: Sequence[int]) -> dict[int, CheckAnswers]:
    """What people said of some checks, by id; those without an answer are left out."""
    is_right = case((col(Preference.outcome) == col(Comparison.gold_outcome), 1), else_=0)
    rows = session.execute(
        select(col(Comparison.id), func.count(), func.sum(is_right))
        .join(Preference, col(Preference.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(
            col(Comparison.id).in_(comparison_ids),
            col(Preference.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
        )
        .group_by(col(Comparison.id))
    )
    return {id_: CheckAnswers(int(n), int(right)) for id_, n, right in rows if id_ is not None}


def count_checks(session: Session, *, project_id: int) -> dict[Purpose, int]:
    """How many gold pairs and attention checks a project has."""
    rows = session.execute(
        select(col(Comparison.purpose), func.count())
        .where(col(Comparison.project_id) == project_id, col(Comparison.purpose).in_(CHECKS))
        .group_by(col(Comparison.purpose))
    )
    return {purpose: n for purpose, n in rows}


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
    """Pairs of a project, checks first and then the latest; with a text in the question or reason."""
    query = select(Comparison).where(col(Comparison.project_id) == project_id)
    if checks_only:
        query = query.where(col(Comparison.purpose) != Purpose.LABEL)
    if containing:
        query = query.join(Prompt, col(Prompt.id) == col(Comparison.prompt_id)).where(
            or_(
                col(Prompt.instruction).icontains(containing, autoescape=True),
                col(Comparison.gold_reason).icontains(containing, autoescape=True),
            )
        )
    order = (col(Comparison.purpose) == Purpose.LABEL, col(Comparison.id).desc())
    return session.scalars(query.order_by(*order).limit(limit)).all()

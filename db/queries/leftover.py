"""Where the pairs of a project are that an annotator is not lent; asked when none is left for them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session, col

from db.models import Comparison, Lease, LeaseStatus, Prompt, Purpose, SeenPrompt


class LentOut(NamedTuple):
    """Comparisons that others hold."""

    n: int
    back_at: datetime | None


def count_prompts(session: Session, *, project_id: int) -> int:
    """How many prompts a project has."""
    n_prompts: int = session.execute(
        select(func.count()).select_from(Prompt).where(col(Prompt.project_id) == project_id)
    ).scalar_one()
    return n_prompts


def count_pairs(session: Session, *, project_id: int) -> int:
    """How many comparisons people are asked, gold pairs and attention checks aside."""
    n_pairs: int = session.execute(
        select(func.count()).select_from(Comparison).where(*_to_label(project_id))
    ).scalar_one()
    return n_pairs


def count_by_own_lease(session: Session, *, annotator_id: int, project_id: int) -> dict[LeaseStatus, int]:
    """How many comparisons the annotator was lent, by what became of it; skipped ones while they are open."""
    is_done = col(Lease.status) == LeaseStatus.ANSWERED
    is_left = (col(Lease.status) == LeaseStatus.SKIPPED) & col(Comparison.is_open).is_(True)
    rows = session.execute(
        select(col(Lease.status), func.count())
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .where(col(Lease.annotator_id) == annotator_id, *_to_label(project_id), is_done | is_left)
        .group_by(col(Lease.status))
    )
    return {status: n for status, n in rows}


def count_seen(session: Session, *, annotator_id: int, project_id: int) -> int:
    """How many comparisons are open whose names the annotator has seen, besides those they skipped."""
    own = select(col(Lease.id)).where(
        col(Lease.comparison_id) == col(Comparison.id),
        col(Lease.annotator_id) == annotator_id,
        col(Lease.status) == LeaseStatus.SKIPPED,
    )
    n_seen: int = session.execute(
        select(func.count())
        .select_from(Comparison)
        .join(SeenPrompt, col(SeenPrompt.prompt_id) == col(Comparison.prompt_id))
        .where(
            col(SeenPrompt.annotator_id) == annotator_id,
            *_to_label(project_id),
            col(Comparison.is_open).is_(True),
            ~own.exists(),
        )
    ).scalar_one()
    return n_seen


def find_lent(session: Session, *, annotator_id: int, project_id: int) -> LentOut:
    """Comparisons without a place left of which others hold one, and when the first comes back."""
    answered = select(col(Lease.comparison_id)).where(
        col(Lease.annotator_id) == annotator_id, col(Lease.status) == LeaseStatus.ANSWERED
    )
    row = session.execute(
        select(func.count(col(Comparison.id).distinct()), func.min(col(Lease.expires_at)))
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .where(
            col(Lease.status) == LeaseStatus.ACTIVE,
            col(Lease.annotator_id) != annotator_id,
            *_to_label(project_id),
            col(Comparison.is_open).is_(False),
            col(Comparison.id).not_in(answered),
        )
    ).one()
    return LentOut(*row)


def _to_label(project_id: int) -> list[ColumnElement[bool]]:
    return [
        col(Comparison.project_id) == project_id,
        col(Comparison.purpose) == Purpose.LABEL,
        col(Comparison.overlap) > 0,
    ]

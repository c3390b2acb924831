"""Pairs that a ranker may look at ahead: those voted on last, and those that are open."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col

from db.models import Comparison, Preference, Project, Purpose, Reading


class OpenPair(NamedTuple):
    """An open comparison."""

    comparison_id: int
    prompt_id: int
    left_id: int
    right_id: int


def list_voted_candidates(session: Session, *, limit: int) -> list[int]:
    """The two candidates of each of the latest standing votes, the last vote first."""
    query = (
        select(col(Comparison.left_id), col(Comparison.right_id))
        .join(Preference, col(Preference.comparison_id) == col(Comparison.id))
        .where(col(Preference.retracted_at).is_(None))
        .order_by(col(Preference.id).desc())
    )
    return _flatten(session, query.limit(limit))


def list_next_candidates(session: Session, *, limit: int) -> list[int]:
    """The two candidates of each of the open comparisons that the queue's random order has first."""
    query = (
        select(col(Comparison.left_id), col(Comparison.right_id))
        .where(col(Comparison.is_open))
        .order_by(col(Comparison.n_taken), col(Comparison.priority), col(Comparison.id))
    )
    return _flatten(session, query.limit(limit))


def list_read(session: Session, *, policy: str, fingerprint: str, n_prompts: int) -> list[OpenPair]:
    """Open comparisons with both answers read, of the prompts that have waited longest.

    Whatever cannot be measured or is not asked by its information is left out first, or it would take
    the places for good.

    Args:
        session: In a transaction.
        policy: Only of projects with this one.
        fingerprint: Of the reader.
        n_prompts: Of how many prompts.
    """
    # Asked of each comparison, so that SQLite walks them by prompt and stops at the last one wanted.
    is_ordered = (
        select(col(Project.id))
        .where(
            col(Project.id) == col(Comparison.project_id),
            col(Project.archived_at).is_(None),
            col(Project.policy) == policy,
        )
        .exists()
    )
    is_asked = (
        is_ordered,
        col(Comparison.purpose) == Purpose.LABEL,
        col(Comparison.is_open).is_(True),
        _is_read(col(Comparison.left_id), fingerprint),
        _is_read(col(Comparison.right_id), fingerprint),
    )
    prompts = (
        select(col(Comparison.prompt_id))
        .where(*is_asked)
        .group_by(col(Comparison.prompt_id))
        .order_by(col(Comparison.prompt_id))
        .limit(n_prompts)
    )
    query = select(
        col(Comparison.id), col(Comparison.prompt_id), col(Comparison.left_id), col(Comparison.right_id)
    ).where(*is_asked, col(Comparison.prompt_id).in_(prompts))
    return [OpenPair(*row) for row in session.execute(query)]


def _is_read(candidate_id: Mapped[int], fingerprint: str) -> ColumnElement[bool]:
    return (
        select(col(Reading.candidate_id))
        .where(col(Reading.candidate_id) == candidate_id, col(Reading.reader_fingerprint) == fingerprint)
        .exists()
    )


def _flatten(session: Session, query: Select[int, int]) -> list[int]:
    return [int(candidate_id) for pair in session.execute(query) for candidate_id in pair]

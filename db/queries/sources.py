"""How much there is of each source: a data set, or None for what was asked here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Lease, LeaseStatus, Preference, Prompt


class ComparisonCount(NamedTuple):
    """Comparisons, and those of them with a place left."""

    n: int
    n_open: int


class LeaseCount(NamedTuple):
    """Leases that are active, those of them past their time, and those that ended in each way."""

    n_active: int = 0
    n_overdue: int = 0
    n_answered: int = 0
    n_skipped: int = 0
    n_expired: int = 0


def count_prompts(session: Session) -> dict[str | None, int]:
    """Prompts by source."""
    return _count(session, select(col(Prompt.source), func.count()))


def count_candidates(session: Session) -> dict[str | None, int]:
    """Candidates by source."""
    query = select(col(Prompt.source), func.count())
    return _count(session, query.join(Candidate, col(Candidate.prompt_id) == col(Prompt.id)))


def count_preferences(session: Session) -> dict[str | None, int]:
    """Standing preferences by source, of people and judges."""
    query = (
        select(col(Prompt.source), func.count())
        .join(Comparison, col(Comparison.prompt_id) == col(Prompt.id))
        .join(Preference, col(Preference.comparison_id) == col(Comparison.id))
        .where(col(Preference.retracted_at).is_(None))
    )
    return _count(session, query)


def count_comparisons(session: Session) -> dict[str | None, ComparisonCount]:
    """Comparisons by source."""
    by_prompt = (
        select(
            col(Comparison.prompt_id).label("prompt_id"),
            func.count().label("n"),
            _count_where(col(Comparison.is_open)).label("n_open"),
        )
        .group_by(col(Comparison.prompt_id))
        .subquery()
    )
    query = (
        select(col(Prompt.source), func.sum(by_prompt.c.n), func.sum(by_prompt.c.n_open))
        .join(by_prompt, by_prompt.c.prompt_id == col(Prompt.id))
        .group_by(col(Prompt.source))
    )
    return {source: ComparisonCount(int(n), int(n_open)) for source, n, n_open in session.execute(query)}


def count_leases(session: Session, *, now: datetime) -> dict[str | None, LeaseCount]:
    """Leases by source."""
    status = col(Lease.status)
    active = status == LeaseStatus.ACTIVE
    ended = (LeaseStatus.ANSWERED, LeaseStatus.SKIPPED, LeaseStatus.EXPIRED)
    conditions = (active, active & (col(Lease.expires_at) < now), *(status == one for one in ended))
    rows = session.execute(
        select(col(Prompt.source), *(_count_where(one) for one in conditions))
        .select_from(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .group_by(col(Prompt.source))
    )
    return {row[0]: LeaseCount(*(int(value) for value in row[1:])) for row in rows}


def _count(session: Session, query: Select[str | None, int]) -> dict[str | None, int]:
    rows = session.execute(query.select_from(Prompt).group_by(col(Prompt.source)))
    return {source: int(count) for source, count in rows}


def _count_where(condition: ColumnElement[bool] | Mapped[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))

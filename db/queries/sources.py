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
    rows = session.execute(select(col(Prompt.source), func.count()).group_by(col(Prompt.source)))
    return {source: int(count) for source, count in rows}


def count_candidates(session: Session) -> dict[str | None, int]:
    """Candidates by source."""
    return _count_by_prompt_first(session, select(col(Candidate.prompt_id)))


def count_preferences(session: Session) -> dict[str | None, int]:
    """Standing preferences by source, of people and judges."""
    of_prompt = select(col(Comparison.prompt_id)).join(
        Preference, col(Preference.comparison_id) == col(Comparison.id)
    )
    return _count_by_prompt_first(session, of_prompt.where(col(Preference.retracted_at).is_(None)))


def count_comparisons(
    session: Session, *, project_id: int | None = None
) -> dict[str | None, ComparisonCount]:
    """Comparisons by source, of a project or of all."""
    of_prompt = select(col(Comparison.prompt_id))
    if project_id is not None:
        of_prompt = of_prompt.where(col(Comparison.project_id) == project_id)
    n = _count_by_prompt_first(session, of_prompt)
    n_open = _count_by_prompt_first(session, of_prompt.where(col(Comparison.is_open)))
    return {source: ComparisonCount(count, n_open.get(source, 0)) for source, count in n.items()}


def count_leases(
    session: Session, *, now: datetime, project_id: int | None = None
) -> dict[str | None, LeaseCount]:
    """Leases by source, of a project or of all."""
    status = col(Lease.status)
    active = status == LeaseStatus.ACTIVE
    ended = (LeaseStatus.ANSWERED, LeaseStatus.SKIPPED, LeaseStatus.EXPIRED)
    conditions = (active, active & (col(Lease.expires_at) < now), *(status == one for one in ended))
    query = (
        select(col(Prompt.source), *(_count_where(one) for one in conditions))
        .select_from(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .group_by(col(Prompt.source))
    )
    if project_id is not None:
        query = query.where(col(Comparison.project_id) == project_id)
    rows = session.execute(query)
    return {row[0]: LeaseCount(*(int(value) for value in row[1:])) for row in rows}


def _count_by_prompt_first(session: Session, prompt_ids: Select[int]) -> dict[str | None, int]:
    """How many rows there are of each source's prompts, from the prompt of each row.

    Rows are counted by prompt first. The indexes have them in that order, and no row of a million needs its
    source looked up.
    """
    (prompt_id,) = prompt_ids.selected_columns
    by_prompt = prompt_ids.add_columns(func.count().label("n")).group_by(prompt_id).subquery()
    rows = session.execute(
        select(col(Prompt.source), func.sum(by_prompt.c.n))
        .join(by_prompt, by_prompt.c[0] == col(Prompt.id))
        .group_by(col(Prompt.source))
    )
    return {source: int(count) for source, count in rows}


def _count_where(condition: ColumnElement[bool] | Mapped[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))

"""What a project's dashboard counts: when answers came, who is at work, and what the answers cost."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, case, cast, extract, func, select
from sqlmodel import Session, col

from db.models import Annotator, Candidate, Comparison, Lease, LeaseStatus, Member, Preference, Prompt
from db.queries.columns import Columns, fetch_columns


class AtWork(NamedTuple):
    """Somebody who holds pairs at this moment."""

    annotator: str
    n_held: int
    since: datetime


class Tokens(NamedTuple):
    """What one member's answers to a project's prompts took; counted are those with both figures."""

    member: str
    n_answers: int
    n_counted: int
    n_prompt_tokens: int
    n_tokens: int


def list_times(session: Session, *, after_id: int = 0) -> Columns:
    """Id of every preference, when it was given in seconds since 1970, and whether its pair was lent."""
    seconds = cast(extract("epoch", col(Preference.created_at)), BigInteger)
    is_lent = case((col(Preference.lease_id).is_not(None), 1), else_=0)
    return fetch_columns(session, col(Preference.id), seconds, is_lent, after_id=after_id)


def list_at_work(session: Session, *, project_id: int, now: datetime) -> list[AtWork]:
    """Who holds pairs of a project, the one who was lent theirs last first."""
    since = func.max(col(Lease.created_at))
    query = (
        select(col(Annotator.name), func.count(), since)
        .select_from(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .join(Annotator, col(Annotator.id) == col(Lease.annotator_id))
        .where(
            col(Lease.status) == LeaseStatus.ACTIVE,
            col(Lease.expires_at) > now,
            col(Comparison.project_id) == project_id,
        )
        .group_by(col(Annotator.id), col(Annotator.name))
        .order_by(since.desc())
    )
    return [AtWork(*row) for row in session.execute(query)]


def sum_tokens(session: Session, *, project_id: int, without_backends: tuple[str, ...]) -> list[Tokens]:
    """What the members' answers to a project's prompts took, by member."""
    is_counted = col(Candidate.n_tokens).is_not(None) & col(Candidate.n_prompt_tokens).is_not(None)
    counts = (
        func.count(),
        func.count().filter(is_counted),
        func.coalesce(func.sum(col(Candidate.n_prompt_tokens)).filter(is_counted), 0),
        func.coalesce(func.sum(col(Candidate.n_tokens)).filter(is_counted), 0),
    )
    query = (
        select(col(Member.name), *counts)
        .select_from(Candidate)
        .join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Prompt.project_id) == project_id, col(Member.backend).not_in(without_backends))
        .group_by(col(Member.name))
        .order_by(col(Member.name))
    )
    return [Tokens(row[0], *(int(one) for one in row[1:])) for row in session.execute(query)]


def count_answered(session: Session, *, project_id: int) -> int:
    """How many pairs of a project people answered that were lent to them, checks among them."""
    n_answered: int = session.execute(
        select(func.count())
        .select_from(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .where(col(Lease.status) == LeaseStatus.ANSWERED, col(Comparison.project_id) == project_id)
    ).scalar_one()
    return n_answered

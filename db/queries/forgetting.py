"""Delete questions that nobody voted on, with all that hangs on them.

Invariants: a prompt with a preference, taken back or not, a ballot, a ruling or a further turn is never
deleted, nor one with a pair that somebody holds; no later row gets the number of a deleted one, by which a
link, an open tab or a cache may still name it. Non-goal: whose questions may be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Table, delete, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from db.models import (
    Adjudication,
    Ballot,
    Candidate,
    Comparison,
    Continuation,
    Lease,
    LeaseStatus,
    Preference,
    Prompt,
    Purpose,
)


def count_prompts(session: Session, *, project_id: int) -> int:
    """How many prompts a project has."""
    n: int = session.execute(
        select(func.count()).select_from(Prompt).where(col(Prompt.project_id) == project_id)
    ).scalar_one()
    return n


def list_unvoted(
    session: Session, *, project_id: int, before: datetime, now: datetime, limit: int
) -> list[int]:
    """The oldest prompts of a project that nobody has said anything about.

    Args:
        project_id: Of the prompts.
        before: Only those asked earlier than this.
        now: Leases that end later are held.
        limit: How many at most.
    """
    of_prompt = (
        select(col(Comparison.id)).where(col(Comparison.prompt_id) == col(Prompt.id)).correlate(Prompt)
    )
    answers = select(col(Candidate.id)).where(col(Candidate.prompt_id) == col(Prompt.id)).correlate(Prompt)
    leases = select(col(Lease.id)).where(col(Lease.comparison_id).in_(of_prompt))
    keeps = (
        select(col(Preference.id)).where(col(Preference.comparison_id).in_(of_prompt)),
        select(col(Adjudication.id)).where(col(Adjudication.comparison_id).in_(of_prompt)),
        select(col(Ballot.id)).where(col(Ballot.prompt_id) == col(Prompt.id)),
        select(col(Continuation.prompt_id)).where(col(Continuation.candidate_id).in_(answers)),
        of_prompt.where(col(Comparison.purpose) != Purpose.LABEL),
        leases.where(col(Lease.status) == LeaseStatus.ACTIVE, col(Lease.expires_at) > now),
        # SQLite counts on from the highest number there is, so a row that has it stays.
        answers.where(col(Candidate.id) == _highest(Candidate)),
        of_prompt.where(col(Comparison.id) == _highest(Comparison)),
        leases.where(col(Lease.id) == _highest(Lease)),
    )
    found = session.scalars(
        select(col(Prompt.id))
        .where(
            col(Prompt.project_id) == project_id,
            col(Prompt.created_at) < before,
            col(Prompt.id) < _highest(Prompt),
            *(~kept.exists() for kept in keeps),
        )
        .order_by(col(Prompt.created_at), col(Prompt.id))
        .limit(limit)
    )
    return [number for number in found if number is not None]


def _highest(table: type[Prompt | Candidate | Comparison | Lease]) -> ScalarSelect[int | None]:
    own = aliased(table)
    return select(func.max(own.id)).scalar_subquery()


def delete_prompts(session: Session, *, prompt_ids: Sequence[int]) -> None:
    """Delete prompts and every row that refers to them, by the foreign keys; ids as ``list_unvoted`` gives.

    A preference is never reached: the database refuses what one still refers to.
    """
    if not prompt_ids:
        return
    tables = SQLModel.metadata.sorted_tables  # what is referred to comes first
    prompt = tables[[table.name for table in tables].index("prompt")]
    doomed: dict[str, ColumnElement[bool]] = {"prompt": prompt.c.id.in_(prompt_ids)}
    for table in tables:
        if table.name not in ("prompt", "preference") and (reached := _reach(table, doomed)) is not None:
            doomed[table.name] = reached
    for table in reversed(tables):
        if table.name in doomed:
            session.execute(delete(table).where(doomed[table.name]))


def _reach(table: Table, doomed: dict[str, ColumnElement[bool]]) -> ColumnElement[bool] | None:
    """The rows of a table that refer to rows that go; None where none can."""
    found = [
        key.parent.in_(select(key.column).where(doomed[key.column.table.name]))
        for key in table.foreign_keys
        # A key of two columns names the project beside the prompt, which goes on.
        if key.column.primary_key and key.column.table.name in doomed and key.column.table is not table
    ]
    return or_(*found) if found else None

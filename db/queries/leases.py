"""Leases: which annotator holds which comparison, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Lease, LeaseStatus, Member, Prompt, SeenPrompt
from db.queries.queue import Scope, give_back_places


class LeasedTexts(NamedTuple):
    """What a lease shows its annotator."""

    instruction: str
    input: str
    left: str
    right: str


class MemberNames(NamedTuple):
    """Who wrote the two answers of a comparison."""

    left: str
    right: str


def find_lease(session: Session, *, lease_id: int) -> Lease | None:
    """One lease, locked where the database locks rows."""
    return session.get(Lease, lease_id, with_for_update=True)


def list_active(session: Session, *, annotator_id: int, scope: Scope | None = None) -> Sequence[Lease]:
    """The annotator's active leases, the oldest first; of a project or of one prompt if asked."""
    values = {"annotator_id": annotator_id, **(scope._asdict() if scope else {})}
    return session.scalars(_active_query(*_kind_of(scope)), values).all()


def find_resumable(session: Session, *, annotator_id: int, scope: Scope, besides: int = 0) -> Lease | None:
    """The annotator's oldest expired lease, but one, whose comparison still has a place and is blind."""
    values = {"annotator_id": annotator_id, "besides": besides, **scope._asdict()}
    return session.scalars(_resumable_query(*_kind_of(scope)), values).first()


def find_last_ended(session: Session, *, annotator_id: int, project_id: int) -> Lease | None:
    """The lease that the annotator answered or skipped last in a project."""
    in_project = select(col(Comparison.id)).where(
        col(Comparison.id) == col(Lease.comparison_id), col(Comparison.project_id) == project_id
    )
    return session.scalars(
        select(Lease)
        .where(
            in_project.exists(),
            col(Lease.annotator_id) == annotator_id,
            col(Lease.ended_at).is_not(None),
            col(Lease.status).in_((LeaseStatus.ANSWERED, LeaseStatus.SKIPPED)),
        )
        .order_by(col(Lease.ended_at).desc(), col(Lease.id).desc())
        .limit(1)
    ).first()


def expire_due(session: Session, *, now: datetime) -> int:
    """End every active lease whose time is over, and open its place again; say how many."""
    due = session.scalars(
        select(Lease).where(col(Lease.status) == LeaseStatus.ACTIVE, col(Lease.expires_at) <= now)
    ).all()
    return end_unanswered(session, leases=due, status=LeaseStatus.EXPIRED, now=now)


def expire_active(session: Session, *, annotator_id: int, now: datetime, scope: Scope | None = None) -> int:
    """End the annotator's active leases, all or of a project or prompt, and open their places again."""
    leases = list_active(session, annotator_id=annotator_id, scope=scope)
    return end_unanswered(session, leases=leases, status=LeaseStatus.EXPIRED, now=now)


def end_unanswered(session: Session, *, leases: Sequence[Lease], status: LeaseStatus, now: datetime) -> int:
    """End leases without an outcome and open their places again; say how many."""
    for lease in leases:
        lease.status = status
        lease.ended_at = now
    session.flush()
    give_back_places(session, comparison_ids=[lease.comparison_id for lease in leases])
    return len(leases)


def extend_active(session: Session, *, annotator_id: int, expires_at: datetime) -> set[int]:
    """Move the end of an annotator's active leases; give their ids."""
    held = list_active(session, annotator_id=annotator_id)
    for lease in held:
        lease.expires_at = expires_at
    session.flush()
    return {lease.id for lease in held if lease.id is not None}


def is_seen(session: Session, *, lease: Lease) -> bool:
    """Whether the lease's annotator has seen the names behind its prompt."""
    seen = (
        select(col(SeenPrompt.prompt_id))
        .join(Comparison, col(Comparison.prompt_id) == col(SeenPrompt.prompt_id))
        .where(col(SeenPrompt.annotator_id) == lease.annotator_id, col(Comparison.id) == lease.comparison_id)
    )
    return session.execute(seen).first() is not None


def get_texts(session: Session, *, comparison_id: int) -> LeasedTexts:
    """The prompt and the two answers of a comparison, without names."""
    return LeasedTexts(*session.connection().execute(_texts_query(), {"comparison_id": comparison_id}).one())


def get_member_names(session: Session, *, comparison_id: int) -> MemberNames:
    """The names behind a comparison, for after the vote."""
    return MemberNames(*session.connection().execute(_names_query(), {"comparison_id": comparison_id}).one())


def get_last_id(session: Session) -> int:
    """The highest id of any lease, 0 where there is none."""
    last: int = session.execute(select(func.coalesce(func.max(col(Lease.id)), 0))).scalar_one()
    return last


# Building a statement takes longer than running it, so the ones of the label loop are built once.


def _kind_of(scope: Scope | None) -> tuple[bool, bool]:
    """Whether leases are looked for in a project, or of one prompt."""
    return scope is not None and not scope.is_prompt, scope is not None and scope.is_prompt


@cache
def _active_query(of_project: bool, of_prompt: bool) -> Select[Lease]:
    query = select(Lease).where(
        col(Lease.annotator_id) == bindparam("annotator_id"), col(Lease.status) == LeaseStatus.ACTIVE
    )
    comparison = select(col(Comparison.id)).where(
        col(Comparison.id) == col(Lease.comparison_id), *_within(of_project, of_prompt)
    )
    if of_project or of_prompt:
        query = query.where(comparison.exists())
    return query.order_by(col(Lease.id))


@cache
def _resumable_query(of_project: bool, of_prompt: bool) -> Select[Lease]:
    seen = select(col(SeenPrompt.prompt_id)).where(col(SeenPrompt.annotator_id) == bindparam("annotator_id"))
    return (
        select(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .where(
            col(Lease.annotator_id) == bindparam("annotator_id"),
            col(Lease.status) == LeaseStatus.EXPIRED,
            col(Lease.id) != bindparam("besides"),
            col(Comparison.is_open).is_(True),
            col(Comparison.prompt_id).not_in(seen),
            *_within(of_project, of_prompt),
        )
        .order_by(col(Lease.id))
        .limit(1)
    )


def _within(of_project: bool, of_prompt: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if of_project:
        conditions.append(col(Comparison.project_id) == bindparam("project_id"))
    if of_prompt:
        conditions.append(col(Comparison.prompt_id) == bindparam("prompt_id"))
    return conditions


@cache
def _texts_query() -> Select[*tuple[Any, ...]]:
    left, right = aliased(Candidate), aliased(Candidate)
    return (
        select(col(Prompt.instruction), col(Prompt.input), col(left.text), col(right.text))
        .select_from(Comparison)
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .where(col(Comparison.id) == bindparam("comparison_id"))
    )


@cache
def _names_query() -> Select[*tuple[Any, ...]]:
    left, right = aliased(Candidate), aliased(Candidate)
    left_member, right_member = aliased(Member), aliased(Member)
    return (
        select(col(left_member.name), col(right_member.name))
        .select_from(Comparison)
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .join(left_member, col(left_member.id) == col(left.member_id))
        .join(right_member, col(right_member.id) == col(right.member_id))
        .where(col(Comparison.id) == bindparam("comparison_id"))
    )

"""Leases: which annotator holds which comparison, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Lease, LeaseStatus, Member, Prompt, SeenPrompt
from db.queries.queue import give_back_places


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


def find_active(session: Session, *, annotator_id: int, prompt_id: int | None = None) -> Lease | None:
    """The annotator's active lease, the oldest if there are more; of one prompt if asked."""
    values = {"annotator_id": annotator_id, "prompt_id": prompt_id}
    return session.scalars(_active_query(prompt_id is not None), values).first()


def find_resumable(session: Session, *, annotator_id: int, prompt_id: int | None = None) -> Lease | None:
    """The annotator's oldest expired lease whose comparison still has a place and is still blind."""
    values = {"annotator_id": annotator_id, "prompt_id": prompt_id}
    return session.scalars(_resumable_query(prompt_id is not None), values).first()


def find_last_ended(session: Session, *, annotator_id: int) -> Lease | None:
    """The lease that the annotator answered or skipped last."""
    return session.scalars(
        select(Lease)
        .where(
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


def expire_active(session: Session, *, annotator_id: int, now: datetime, prompt_id: int | None = None) -> int:
    """End the annotator's active leases, of one prompt if asked, and open their places again."""
    values = {"annotator_id": annotator_id, "prompt_id": prompt_id}
    leases = session.scalars(_active_query(prompt_id is not None).limit(None), values).all()
    return end_unanswered(session, leases=leases, status=LeaseStatus.EXPIRED, now=now)


def end_unanswered(session: Session, *, leases: Sequence[Lease], status: LeaseStatus, now: datetime) -> int:
    """End leases without an outcome and open their places again; say how many."""
    for lease in leases:
        lease.status = status
        lease.ended_at = now
    session.flush()
    give_back_places(session, comparison_ids=[lease.comparison_id for lease in leases])
    return len(leases)


def extend(session: Session, *, annotator_id: int, lease_id: int, expires_at: datetime) -> bool:
    """Move an active lease's end; False where the annotator does not hold it any more."""
    moved = session.execute(
        update(Lease)
        .where(
            col(Lease.id) == lease_id,
            col(Lease.annotator_id) == annotator_id,
            col(Lease.status) == LeaseStatus.ACTIVE,
        )
        .values(expires_at=expires_at)
    )
    return bool(moved.rowcount)  # type: ignore[attr-defined]


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


@cache
def _active_query(of_prompt: bool) -> Select[Lease]:
    query = select(Lease).where(
        col(Lease.annotator_id) == bindparam("annotator_id"), col(Lease.status) == LeaseStatus.ACTIVE
    )
    return _of_prompt(query, of_prompt).order_by(col(Lease.id)).limit(1)


@cache
def _resumable_query(of_prompt: bool) -> Select[Lease]:
    seen = select(col(SeenPrompt.prompt_id)).where(col(SeenPrompt.annotator_id) == bindparam("annotator_id"))
    query = (
        select(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .where(
            col(Lease.annotator_id) == bindparam("annotator_id"),
            col(Lease.status) == LeaseStatus.EXPIRED,
            col(Comparison.is_open).is_(True),
            col(Comparison.prompt_id).not_in(seen),
        )
    )
    return _of_prompt(query, of_prompt).order_by(col(Lease.id)).limit(1)


def _of_prompt(query: Select[Lease], of_prompt: bool) -> Select[Lease]:
    if not of_prompt:
        return query
    comparisons = select(col(Comparison.id)).where(col(Comparison.prompt_id) == bindparam("prompt_id"))
    return query.where(col(Lease.comparison_id).in_(comparisons))


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

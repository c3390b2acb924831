"""Leases: which annotator holds which comparison, and what became of it.

Plain values, not rows of the session, whose bookkeeping would cost more than the work: a vote waits
for these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Update, bindparam, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session, col

from db.models import Comparison, Lease, LeaseStatus, SeenPrompt
from db.queries.queue import Scope, give_back_places


class Lent(NamedTuple):
    """A lease as it was read."""

    id: int
    comparison_id: int
    annotator_id: int
    status: LeaseStatus
    policy: str
    propensity: float
    ballot_id: int | None


def add_lease(
    session: Session,
    *,
    comparison_id: int,
    annotator_id: int,
    policy: str,
    propensity: float,
    expires_at: datetime,
    now: datetime,
    ballot_id: int | None = None,
) -> Lent:
    """Lend a comparison whose place has been taken, alone or among others of a ballot."""
    values = {
        "comparison_id": comparison_id,
        "annotator_id": annotator_id,
        "status": LeaseStatus.ACTIVE,
        "policy": policy,
        "propensity": propensity,
        "expires_at": expires_at,
        "created_at": now,
        "ballot_id": ballot_id,
    }
    lease_id = session.connection().execute(_add_statement(), values).scalar_one()
    return Lent(lease_id, comparison_id, annotator_id, LeaseStatus.ACTIVE, policy, propensity, ballot_id)


def answer_unlent(
    session: Session,
    *,
    comparison_id: int,
    annotator_id: int,
    policy: str,
    propensity: float,
    now: datetime,
) -> int:
    """Keep how a comparison was chosen that somebody answered without being lent it; gives the lease's id.

    It brings its own place, so that as many people are asked as without it. The lease that an annotator has
    on the comparison already is answered anew.
    """
    known = session.scalars(
        select(Lease)
        .where(col(Lease.comparison_id) == comparison_id, col(Lease.annotator_id) == annotator_id)
        .with_for_update()
    ).first()
    has_place = known is not None and known.status in (LeaseStatus.ACTIVE, LeaseStatus.ANSWERED)
    lease = known or Lease(
        comparison_id=comparison_id,
        annotator_id=annotator_id,
        status=LeaseStatus.ANSWERED,
        policy=policy,
        propensity=propensity,
        expires_at=now,
        created_at=now,
    )
    lease.status, lease.policy, lease.propensity = LeaseStatus.ANSWERED, policy, propensity
    lease.ended_at = now
    session.add(lease)
    if not has_place:
        session.execute(
            update(Comparison)
            .where(col(Comparison.id) == comparison_id)
            .values(overlap=col(Comparison.overlap) + 1, n_taken=col(Comparison.n_taken) + 1)
        )
    session.flush()
    assert lease.id is not None
    return lease.id


def find_lease(session: Session, *, lease_id: int) -> Lent | None:
    """One lease, locked where the database locks rows."""
    return _find(session, _by_id_query(), {"lease_id": lease_id})


def list_beside(session: Session, *, lease: Lent) -> list[Lent]:
    """A lease and those that began and end with it, the first one first; itself alone for a pair."""
    if lease.ballot_id is None:
        return [lease]
    return list_of_ballot(session, ballot_id=lease.ballot_id)


def list_of_ballot(session: Session, *, ballot_id: int) -> list[Lent]:
    """The leases of the answers that a ballot shows, the first one first."""
    return _list(session, _beside_query(), {"ballot_id": ballot_id})


def move(session: Session, *, leases: Iterable[Lent], ballot_id: int) -> list[Lent]:
    """Make leases those of another ballot."""
    moved = [lease._replace(ballot_id=ballot_id) for lease in leases]
    _change(session, [lease.id for lease in moved], ballot_id=ballot_id)
    return moved


def list_active(session: Session, *, annotator_id: int, scope: Scope | None = None) -> list[Lent]:
    """The annotator's active leases, the oldest first; of a project or of one prompt if asked."""
    values = {"annotator_id": annotator_id, **(scope._asdict() if scope else {})}
    return _list(session, _active_query(*_kind_of(scope)), values)


def is_beginning(session: Session, *, annotator_id: int, project_id: int, policy: str, n: int) -> bool:
    """Whether an annotator was lent nothing of a project but by one policy, and fewer than n times."""
    of_project = _is_of_comparison(col(Comparison.project_id) == project_id)
    query = select(func.count()).select_from(Lease).where(col(Lease.annotator_id) == annotator_id, of_project)
    by_others = select(col(Lease.id)).where(
        col(Lease.annotator_id) == annotator_id, col(Lease.policy) != policy, of_project
    )
    if session.execute(by_others.limit(1)).first() is not None:
        return False
    n_lent: int = session.execute(query).scalar_one()
    return n_lent < n


def list_unanswered(session: Session, *, annotator_id: int, project_id: int, policy: str) -> list[Lent]:
    """An annotator's active and expired leases of a project by one policy."""
    query = _lent_query(
        col(Lease.annotator_id) == annotator_id,
        col(Lease.policy) == policy,
        col(Lease.status).in_((LeaseStatus.ACTIVE, LeaseStatus.EXPIRED)),
        _is_of_comparison(col(Comparison.project_id) == project_id),
    )
    return _list(session, query, {})


def find_resumable(
    session: Session, *, annotator_id: int, scope: Scope, besides: int = 0, with_ballots: bool = False
) -> Lent | None:
    """The annotator's oldest expired lease, but one, whose comparison still has a place and is blind.

    One of a ballot's leases only if asked, and if the comparisons of all of them have a place.
    """
    values = {"annotator_id": annotator_id, "besides": besides, **scope._asdict()}
    return _find(session, _resumable_query(*_kind_of(scope), with_ballots), values)


def find_last_ended(session: Session, *, annotator_id: int, scope: Scope) -> Lent | None:
    """The lease that the annotator answered or skipped last in a project or of one prompt."""
    values = {"annotator_id": annotator_id, **scope._asdict()}
    return _find(session, _last_ended_query(*_kind_of(scope)), values)


def activate(session: Session, *, leases: Iterable[Lent], expires_at: datetime) -> None:
    """Make leases active until a time."""
    lease_ids = [lease.id for lease in leases]
    _change(session, lease_ids, status=LeaseStatus.ACTIVE, expires_at=expires_at, ended_at=None)


def end(session: Session, *, leases: Iterable[Lent], status: LeaseStatus, now: datetime) -> None:
    """End leases and leave their places as they are."""
    _change(session, [lease.id for lease in leases], status=status, ended_at=now)


def expire_due(session: Session, *, now: datetime) -> int:
    """End every active lease whose time is over, and open its place again; say how many.

    Not those that another transaction is ending or answering at this moment.
    """
    return end_unanswered(
        session, leases=_list(session, _due_query(), {"now": now}), status=LeaseStatus.EXPIRED, now=now
    )


def expire_active(session: Session, *, annotator_id: int, now: datetime, scope: Scope | None = None) -> int:
    """End the annotator's active leases, all or of a project or prompt, and open their places again."""
    leases = list_active(session, annotator_id=annotator_id, scope=scope)
    return end_unanswered(session, leases=leases, status=LeaseStatus.EXPIRED, now=now)


def end_unanswered(session: Session, *, leases: Sequence[Lent], status: LeaseStatus, now: datetime) -> int:
    """End leases without an outcome and open their places again; say how many."""
    _change(session, [lease.id for lease in leases], status=status, ended_at=now)
    give_back_places(session, comparison_ids=[lease.comparison_id for lease in leases])
    return len(leases)


def end_unlent(session: Session, *, leases: Sequence[Lent], now: datetime) -> None:
    """End leases of ``answer_unlent`` whose outcome was taken back, and the places that they brought."""
    end_unanswered(session, leases=leases, status=LeaseStatus.EXPIRED, now=now)
    ids = [lease.comparison_id for lease in leases]
    session.execute(
        update(Comparison)
        .where(col(Comparison.id).in_(ids))
        .values(
            overlap=col(Comparison.overlap) - 1, is_open=col(Comparison.n_taken) < col(Comparison.overlap) - 1
        )
    )


def extend_active(session: Session, *, annotator_id: int, expires_at: datetime) -> set[int]:
    """Move the end of an annotator's active leases; give their ids."""
    held = {lease.id for lease in list_active(session, annotator_id=annotator_id)}
    _change(session, held, expires_at=expires_at)
    return held


def is_seen(session: Session, *, lease: Lent) -> bool:
    """Whether the lease's annotator has seen the names behind its prompt."""
    seen = (
        select(col(SeenPrompt.prompt_id))
        .join(Comparison, col(Comparison.prompt_id) == col(SeenPrompt.prompt_id))
        .where(col(SeenPrompt.annotator_id) == lease.annotator_id, col(Comparison.id) == lease.comparison_id)
    )
    return session.execute(seen).first() is not None


def get_last_id(session: Session) -> int:
    """The highest id of any lease, 0 where there is none."""
    last: int = session.connection().execute(_last_id_query()).scalar_one()
    return last


# Building a statement takes longer than running it, so the ones of the label loop are built once.


def _find(session: Session, query: Select[*tuple[Any, ...]], values: dict[str, Any]) -> Lent | None:
    row = session.connection().execute(query, values).first()
    return None if row is None else Lent(*row)


def _list(session: Session, query: Select[*tuple[Any, ...]], values: dict[str, Any]) -> list[Lent]:
    return [Lent(*row) for row in session.connection().execute(query, values)]


def _change(session: Session, lease_ids: Iterable[int], **values: Any) -> None:
    rows = [{"lease_id": lease_id, **values} for lease_id in lease_ids]
    if rows:
        session.connection().execute(_change_statement(), rows)


def _kind_of(scope: Scope | None) -> tuple[bool, bool]:
    """Whether leases are looked for in a project, or of one prompt."""
    return scope is not None and not scope.is_prompt, scope is not None and scope.is_prompt


@cache
def _add_statement() -> ReturningInsert[Any]:
    return insert(Lease).returning(col(Lease.id))


@cache
def _change_statement() -> Update:
    return update(Lease).where(col(Lease.id) == bindparam("lease_id"))


@cache
def _last_id_query() -> Select[int]:
    return select(func.coalesce(func.max(col(Lease.id)), 0))


def _lent_query(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return select(*(getattr(Lease, name) for name in Lent._fields)).where(*conditions)


@cache
def _by_id_query() -> Select[*tuple[Any, ...]]:
    return _lent_query(col(Lease.id) == bindparam("lease_id")).with_for_update()


@cache
def _beside_query() -> Select[*tuple[Any, ...]]:
    of_ballot = col(Lease.ballot_id) == bindparam("ballot_id")
    return _lent_query(of_ballot).order_by(col(Lease.id)).with_for_update()


@cache
def _due_query() -> Select[*tuple[Any, ...]]:
    is_due = col(Lease.expires_at) <= bindparam("now")
    return _lent_query(col(Lease.status) == LeaseStatus.ACTIVE, is_due).with_for_update(skip_locked=True)


@cache
def _active_query(of_project: bool, of_prompt: bool) -> Select[*tuple[Any, ...]]:
    query = _lent_query(
        col(Lease.annotator_id) == bindparam("annotator_id"), col(Lease.status) == LeaseStatus.ACTIVE
    )
    if of_project or of_prompt:
        query = query.where(_is_of_comparison(*_within(of_project, of_prompt)))
    return query.order_by(col(Lease.id))


@cache
def _last_ended_query(of_project: bool, of_prompt: bool) -> Select[*tuple[Any, ...]]:
    return (
        _lent_query(
            _is_of_comparison(*_within(of_project, of_prompt)),
            col(Lease.annotator_id) == bindparam("annotator_id"),
            col(Lease.ended_at).is_not(None),
            col(Lease.status).in_((LeaseStatus.ANSWERED, LeaseStatus.SKIPPED)),
        )
        .order_by(col(Lease.ended_at).desc(), col(Lease.id).desc())
        .limit(1)
    )


@cache
def _resumable_query(of_project: bool, of_prompt: bool, with_ballots: bool) -> Select[*tuple[Any, ...]]:
    seen = select(col(SeenPrompt.prompt_id)).where(col(SeenPrompt.annotator_id) == bindparam("annotator_id"))
    return (
        _lent_query(
            col(Lease.annotator_id) == bindparam("annotator_id"),
            col(Lease.status) == LeaseStatus.EXPIRED,
            col(Lease.id) != bindparam("besides"),
            col(Comparison.is_open).is_(True),
            col(Comparison.prompt_id).not_in(seen),
            *_within(of_project, of_prompt),
            _is_whole() if with_ballots else col(Lease.ballot_id).is_(None),
        )
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .order_by(col(Lease.id))
        .limit(1)
    )


def _is_whole() -> ColumnElement[bool]:
    """Whether all leases of the same ballot can go on, and none of them is the one to leave out."""
    beside, others = aliased(Lease), aliased(Comparison)
    hindered = (
        select(col(beside.id))
        .join(others, col(others.id) == col(beside.comparison_id))
        .where(
            col(beside.ballot_id) == col(Lease.ballot_id),
            (col(others.is_open).is_(False)) | (col(beside.id) == bindparam("besides")),
        )
    )
    return ~hindered.exists()


def _is_of_comparison(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    comparison = select(col(Comparison.id)).where(col(Comparison.id) == col(Lease.comparison_id), *conditions)
    return comparison.exists()


def _within(of_project: bool, of_prompt: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if of_project:
        conditions.append(col(Comparison.project_id) == bindparam("project_id"))
    if of_prompt:
        conditions.append(col(Comparison.prompt_id) == bindparam("prompt_id"))
    return conditions

"""Projects, their members, and how far each is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select
from sqlmodel import Session, col

from db.models import (
    Annotator,
    Ask,
    Audience,
    Comparison,
    Lease,
    LeaseStatus,
    Project,
    ProjectMember,
    Prompt,
    Purpose,
    Workspace,
)
from db.queries.checks import CHECKS


class Size(NamedTuple):
    """How much there is in a project.

    ``n_wanted`` counts all places, ``n_taken`` those that were answered or are lent now, ``n_answered`` those
    that were answered; gold pairs and attention checks are counted apart.
    """

    n_prompts: int
    n_pairs: int
    n_wanted: int
    n_taken: int
    n_answered: int
    n_checks: int


class Admission(NamedTuple):
    """What decides whether somebody may label a project."""

    name: str
    audience: Audience
    is_archived: bool
    is_member: bool


class Order(NamedTuple):
    """How a project's pairs are asked."""

    policy: str
    random_share: float
    gold_share: float
    attention_share: float
    ask: Ask
    n_answers: int
    has_practice: bool
    """Whether a gold pair says why its answer is right, so that people who begin may learn from it."""


def find_admission(session: Session, *, project_id: int, annotator_id: int) -> Admission | None:
    """What decides whether an annotator may label a project; None where there is none."""
    values = {"project_id": project_id, "annotator_id": annotator_id}
    row = session.connection().execute(_admission_query(), values).first()
    return None if row is None else Admission(*row)


def get_order(session: Session, *, project_id: int) -> Order:
    """How a project's pairs are asked."""
    return Order(*session.connection().execute(_order_query(), {"project_id": project_id}).one())


def find_by_name(session: Session, *, name: str) -> Project | None:
    """The project of a name, archived or not."""
    return session.scalars(select(Project).where(col(Project.name) == name)).first()


def list_projects(session: Session, *, with_archived: bool) -> Sequence[Project]:
    """The projects by their age, the oldest first."""
    query = select(Project).order_by(col(Project.id))
    if not with_archived:
        query = query.where(col(Project.archived_at).is_(None))
    return session.scalars(query).all()


def list_open_to(session: Session, *, annotator_id: int) -> Sequence[Project]:
    """The projects that an annotator may label, the oldest first."""
    member = (
        select(col(ProjectMember.project_id))
        .where(
            col(ProjectMember.project_id) == col(Project.id),
            col(ProjectMember.annotator_id) == annotator_id,
            col(ProjectMember.removed_at).is_(None),
        )
        .exists()
    )
    return session.scalars(
        select(Project)
        .where(col(Project.archived_at).is_(None), (col(Project.audience) == Audience.EVERYBODY) | member)
        .order_by(col(Project.id))
    ).all()


def find_last_joined(session: Session, *, annotator_id: int) -> int | None:
    """The project that an annotator became a member of last, and still is; None for none."""
    project_id: int | None = session.execute(
        select(col(ProjectMember.project_id))
        .where(col(ProjectMember.annotator_id) == annotator_id, col(ProjectMember.removed_at).is_(None))
        .order_by(col(ProjectMember.created_at).desc(), col(ProjectMember.project_id).desc())
        .limit(1)
    ).scalar()
    return project_id


def find_workspace(session: Session, *, annotator_id: int) -> Workspace | None:
    """Which project somebody chose last, or all; None where they never chose."""
    return session.get(Workspace, annotator_id)


def set_workspace(session: Session, *, annotator_id: int, project_id: int | None, now: datetime) -> None:
    """Remember which project somebody works in, or all."""
    session.merge(Workspace(annotator_id=annotator_id, project_id=project_id, chosen_at=now))


def list_members(session: Session, *, project_id: int) -> list[tuple[int, str]]:
    """Id and name of a project's members, by name."""
    rows = session.execute(
        select(col(Annotator.id), col(Annotator.name))
        .join(ProjectMember, col(ProjectMember.annotator_id) == col(Annotator.id))
        .where(col(ProjectMember.project_id) == project_id, col(ProjectMember.removed_at).is_(None))
        .order_by(col(Annotator.name))
    )
    return [(annotator_id, name) for annotator_id, name in rows if annotator_id is not None]


def measure(session: Session, *, project_id: int) -> Size:
    """How much there is in a project, and how far it is."""
    n_prompts: int = session.execute(
        select(func.count()).select_from(Prompt).where(col(Prompt.project_id) == project_id)
    ).scalar_one()
    in_project = col(Comparison.project_id) == project_id
    asked = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(col(Comparison.overlap)), 0),
            func.coalesce(func.sum(col(Comparison.n_taken)), 0),
        ).where(in_project, col(Comparison.purpose) == Purpose.LABEL, col(Comparison.overlap) > 0)
    ).one()
    n_checks: int = session.execute(
        select(func.count()).select_from(Comparison).where(in_project, col(Comparison.purpose).in_(CHECKS))
    ).scalar_one()
    n_lent: int = session.execute(
        select(func.count())
        .select_from(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .where(in_project, col(Comparison.purpose) == Purpose.LABEL, col(Lease.status) == LeaseStatus.ACTIVE)
    ).scalar_one()
    n_taken = int(asked[2])
    return Size(n_prompts, int(asked[0]), int(asked[1]), n_taken, max(n_taken - n_lent, 0), n_checks)


# Building a statement takes longer than running it, so the ones of the label loop are built once.


@cache
def _admission_query() -> Select[*tuple[Any, ...]]:
    member = select(col(ProjectMember.project_id)).where(
        col(ProjectMember.project_id) == col(Project.id),
        col(ProjectMember.annotator_id) == bindparam("annotator_id"),
        col(ProjectMember.removed_at).is_(None),
    )
    return select(
        col(Project.name), col(Project.audience), col(Project.archived_at).is_not(None), member.exists()
    ).where(col(Project.id) == bindparam("project_id"))


@cache
def _order_query() -> Select[*tuple[Any, ...]]:
    explained = select(col(Comparison.id)).where(
        col(Comparison.project_id) == col(Project.id),
        col(Comparison.purpose) == Purpose.GOLD,
        col(Comparison.gold_reason).is_not(None),
    )
    of_project = (getattr(Project, name) for name in Order._fields[:-1])
    return select(*of_project, explained.exists()).where(col(Project.id) == bindparam("project_id"))

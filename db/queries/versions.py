"""Versions of trained models, and the decisions about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session, col, select

from db.models import Annotator, ModelRole, ModelVersion, Promotion


def find_version(session: Session, *, version_id: int) -> ModelVersion | None:
    """The version of this id."""
    return session.get(ModelVersion, version_id)


def find_active(session: Session, *, role: ModelRole) -> ModelVersion | None:
    """The version that serves in a role; None before the first was promoted."""
    query = select(ModelVersion).where(col(ModelVersion.is_active), col(ModelVersion.role) == role)
    return session.exec(query).one_or_none()


def list_served(session: Session, *, role: ModelRole) -> list[ModelVersion]:
    """The versions of a role that a promotion took the place of, the latest first."""
    query = (
        select(ModelVersion)
        .join(Promotion, col(Promotion.previous_id) == col(ModelVersion.id))
        .where(col(Promotion.promoted), col(ModelVersion.role) == role)
        .order_by(col(Promotion.id).desc())
    )
    return list({row.id: row for row in session.exec(query)}.values())


def find_by_job(session: Session, *, job_id: int) -> int | None:
    """The id of the version that a job made."""
    return session.exec(select(ModelVersion.id).where(col(ModelVersion.job_id) == job_id)).first()


def find_by_path(session: Session, *, role: ModelRole, path: str) -> int | None:
    """The id of the version of a role whose checkpoint lies in a folder."""
    query = select(ModelVersion.id).where(col(ModelVersion.role) == role, col(ModelVersion.path) == path)
    return session.exec(query).first()


def list_versions(session: Session, *, role: ModelRole) -> Sequence[ModelVersion]:
    """All versions of a role, newest first."""
    query = select(ModelVersion).where(col(ModelVersion.role) == role).order_by(col(ModelVersion.id).desc())
    return session.exec(query).all()


class Decision(NamedTuple):
    """A decision about a version, the version's role, and the name of the person who took it."""

    row: Promotion
    role: ModelRole
    decided_by: str | None


def list_decisions(session: Session, *, version_id: int) -> list[Decision]:
    """Every decision about a version, oldest first."""
    query = (
        select(Promotion, ModelVersion.role, Annotator.name)
        .join(ModelVersion, col(ModelVersion.id) == col(Promotion.version_id))
        .join(Annotator, col(Annotator.id) == col(Promotion.decided_by_id), isouter=True)
        .where(col(Promotion.version_id) == version_id)
        .order_by(col(Promotion.id))
    )
    return [Decision(*row) for row in session.execute(query)]

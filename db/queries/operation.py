"""Counts that tell how an installation is doing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import Comparison, Job, JobStatus, ModelRole, ModelVersion, Promotion, Purpose
from db.queries.jobs import UNFINISHED


def count_jobs(session: Session) -> Counter[JobStatus]:
    """Jobs by status."""
    rows = session.execute(select(col(Job.status), func.count()).group_by(col(Job.status)))
    return Counter({status: n_jobs for status, n_jobs in rows})


def find_oldest_sign(session: Session) -> datetime | None:
    """The last sign of life of the job that is silent longest; None where none waits or runs.

    A worker gives one for what waits, too. Before its first, the job's own time counts.
    """
    seen = func.min(func.coalesce(col(Job.heartbeat_at), col(Job.started_at), col(Job.created_at)))
    oldest: datetime | None = session.execute(
        select(seen).where(col(Job.status).in_(UNFINISHED))
    ).scalar_one()
    return oldest


def count_open(session: Session) -> int:
    """Pairs of all projects that more people are to be asked, checks aside."""
    query = select(func.count()).where(
        col(Comparison.purpose) == Purpose.LABEL, col(Comparison.is_open).is_(True)
    )
    n_open: int = session.execute(query.select_from(Comparison)).scalar_one()
    return n_open


def list_active(session: Session) -> dict[ModelRole, int]:
    """The version that serves in each role."""
    rows = session.execute(
        select(col(ModelVersion.role), col(ModelVersion.id)).where(col(ModelVersion.is_active).is_(True))
    )
    return {role: version_id for role, version_id in rows if version_id is not None}


def count_promotions(session: Session) -> int:
    """Decisions that made a version active."""
    n_promoted: int = session.execute(
        select(func.count()).select_from(Promotion).where(col(Promotion.promoted).is_(True))
    ).scalar_one()
    return n_promoted

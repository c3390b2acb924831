"""Training jobs and generation jobs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import GenerationJob, JobKind, JobStatus, TrainingJob


def find_last_cut_off(session: Session) -> int:
    """The latest cut-off of a ranker's job that was not cancelled; 0 before any."""
    query = select(func.max(TrainingJob.cut_off_preference_id)).where(
        col(TrainingJob.status) != JobStatus.CANCELLED, col(TrainingJob.kind) != JobKind.FUSER
    )
    return int(session.execute(query).scalar() or 0)


def find_latest_generation(session: Session, *, project_id: int) -> GenerationJob | None:
    """A project's latest generation job."""
    query = select(GenerationJob).where(col(GenerationJob.project_id) == project_id)
    return session.scalars(query.order_by(col(GenerationJob.id).desc()).limit(1)).first()


def find_unfinished_generation(session: Session, *, project_id: int | None = None) -> GenerationJob | None:
    """The oldest generation job that waits or runs, of a project if one is given."""
    query = select(GenerationJob).where(col(GenerationJob.status).in_((JobStatus.WAITING, JobStatus.RUNNING)))
    if project_id is not None:
        query = query.where(col(GenerationJob.project_id) == project_id)
    return session.scalars(query.order_by(col(GenerationJob.id)).limit(1)).first()


def list_running_generations(session: Session) -> Sequence[GenerationJob]:
    """The generation jobs that run."""
    return session.scalars(select(GenerationJob).where(col(GenerationJob.status) == JobStatus.RUNNING)).all()

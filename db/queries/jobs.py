"""Training jobs and generation jobs."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import JobKind, JobStatus, TrainingJob


def find_last_cut_off(session: Session) -> int:
    """The latest cut-off of a ranker's job that was not cancelled; 0 before any."""
    query = select(func.max(TrainingJob.cut_off_preference_id)).where(
        col(TrainingJob.status) != JobStatus.CANCELLED, col(TrainingJob.kind) != JobKind.FUSER
    )
    return int(session.execute(query).scalar() or 0)

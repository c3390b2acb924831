"""Jobs of every kind, and the curves of those that train."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, delete, select, update

from db.models import RANKER_TRAININGS, Job, JobKind, JobStatus, TrainingPoint

UNFINISHED = (JobStatus.WAITING, JobStatus.RUNNING)


def find_job(session: Session, *, job_id: int) -> Job | None:
    """The job of this id."""
    return session.get(Job, job_id)


def list_waiting(session: Session, *, kind: JobKind, project_id: int | None) -> Sequence[Job]:
    """The jobs of a kind that no worker has begun, of this project's answers or of none."""
    query = select(Job).where(
        col(Job.status) == JobStatus.WAITING, col(Job.kind) == kind, col(Job.project_id) == project_id
    )
    return session.exec(query.order_by(col(Job.id))).all()


def find_running(session: Session, *, kinds: Collection[JobKind]) -> int | None:
    """The id of a job of these kinds that runs."""
    return session.exec(
        select(Job.id).where(col(Job.status) == JobStatus.RUNNING, col(Job.kind).in_(kinds))
    ).first()


def find_latest(session: Session, *, project_id: int) -> Job | None:
    """A project's latest job."""
    query = select(Job).where(col(Job.project_id) == project_id).order_by(col(Job.id).desc())
    return session.exec(query).first()


def list_latest(session: Session, *, kinds: Collection[JobKind], limit: int) -> Sequence[Job]:
    """The latest jobs of these kinds, newest first."""
    query = select(Job).where(col(Job.kind).in_(kinds)).order_by(col(Job.id).desc()).limit(limit)
    return session.exec(query).all()


def list_unfinished(session: Session, *, kinds: Collection[JobKind]) -> Sequence[Job]:
    """Jobs of these kinds that wait or run, oldest first."""
    query = select(Job).where(col(Job.status).in_(UNFINISHED), col(Job.kind).in_(kinds))
    return session.exec(query.order_by(col(Job.id))).all()


def touch(session: Session, *, kinds: Collection[JobKind], now: datetime) -> None:
    """Give a sign of life for the jobs of these kinds that wait or run."""
    session.exec(
        update(Job).where(col(Job.status).in_(UNFINISHED), col(Job.kind).in_(kinds)).values(heartbeat_at=now)
    )


def find_last_cut_off(session: Session) -> int:
    """The latest cut-off of a ranker's training that was not cancelled; 0 before any."""
    query = select(func.max(Job.cut_off_preference_id)).where(
        col(Job.status) != JobStatus.CANCELLED, col(Job.kind).in_(RANKER_TRAININGS)
    )
    return int(session.exec(query).one() or 0)


def list_points(session: Session, *, job_id: int) -> Sequence[TrainingPoint]:
    """A job's curve, by step."""
    query = select(TrainingPoint).where(col(TrainingPoint.job_id) == job_id)
    return session.exec(query.order_by(col(TrainingPoint.step))).all()


def drop_points(session: Session, *, job_id: int, from_step: int) -> None:
    """Drop a job's points at a step and after."""
    session.exec(
        delete(TrainingPoint).where(col(TrainingPoint.job_id) == job_id, col(TrainingPoint.step) >= from_step)
    )

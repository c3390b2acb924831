"""The states of a job: asked for, started, cancelled, ended; the same for every kind.

Invariant: a job that is finished stays as it ended, and every end is written by ``finish``. Non-goal:
who asks for what (``training``, ``asking``), and what a page reads (``views``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import NotFound, Refused
from blender_ui.language import tr
from db.columns import row_id
from db.engine import transaction
from db.models import Job, JobKind, JobStatus
from db.queries import jobs

PROJECT = "project_id"
"""Option of a training, and hyper-parameter of its version: the project that alone is learnt from."""

STALLED_AFTER = timedelta(seconds=20)
"""Without a sign of life for this long, the worker counts as not running."""


def request_job(
    session: Session,
    kind: JobKind,
    *,
    now: datetime,
    requested_by_id: int | None,
    options: Mapping[str, Any] | None = None,
    cut_off_preference_id: int = 0,
    project_id: int | None = None,
    n_total: int = 0,
) -> Job:
    """Write a request; one of the kind that still waits and learns from the same is changed instead."""
    wanted = dict(options or {})
    waiting = jobs.list_waiting(session, kind=kind, project_id=project_id)
    job = next((one for one in waiting if one.options.get(PROJECT) == wanted.get(PROJECT)), None)
    if job is None:
        job = Job(
            kind=kind,
            status=JobStatus.WAITING,
            project_id=project_id,
            requested_by_id=requested_by_id,
            created_at=now,
        )
    job.options, job.cut_off_preference_id, job.n_total = wanted, cut_off_preference_id, n_total
    session.add(job)
    session.flush()
    return job


def get_job(session: Session, job_id: int) -> Job:
    """The job of this id.

    Raises:
        NotFound: If there is none.
    """
    job = jobs.find_job(session, job_id=job_id)
    if job is None:
        raise NotFound(tr("there is no job {job_id}; the Train page lists all jobs", job_id=job_id))
    return job


def cancel_job(session: Session, job: Job, *, now: datetime) -> None:
    """End a job: at once where no worker runs it, else at the worker's next step.

    Raises:
        Refused: If it is finished already.
    """
    if job.status.is_finished():
        raise Refused(
            tr(
                "job {job_id} is {status} and cannot be cancelled any more",
                job_id=job.id,
                status=job.status.value,
            )
        )
    job.cancel_requested_at = job.cancel_requested_at or now
    if job.status is JobStatus.WAITING or is_stalled(job, now):
        finish(job, JobStatus.CANCELLED, now=now)
    session.flush()


def is_stalled(job: Job, now: datetime) -> bool:
    """Whether no worker gave a sign of life for a job that is not finished."""
    if job.status.is_finished():
        return False
    return now - max(job.heartbeat_at or job.created_at, job.created_at) > STALLED_AFTER


def finish(job: Job, status: JobStatus, *, now: datetime, error: str | None = None) -> None:
    """Write a job's end into its row."""
    job.status, job.phase, job.error = status, status.value, error
    job.remaining_seconds, job.finished_at = None, now
    if status is JobStatus.COMPLETE:
        job.progress = 1.0


def start_job(engine: Engine, job_id: int, *, now: datetime) -> bool:
    """Move a job to RUNNING; False where it was finished or cancelled before it began."""
    with transaction(engine, immediate=True) as session:
        job = jobs.find_job(session, job_id=job_id)
        if job is None or job.status.is_finished():
            return False
        job.status, job.phase = JobStatus.RUNNING, "preparing"
        job.started_at = job.started_at or now
        job.heartbeat_at = job.progressed_at = now
        return True


def end_job(
    engine: Engine, job_id: int, status: JobStatus, *, now: datetime, error: str | None = None
) -> bool:
    """Finish a job; False where it was finished already, and then nothing changes."""
    with transaction(engine, immediate=True) as session:
        job = jobs.find_job(session, job_id=job_id)
        if job is None or job.status.is_finished():
            return False
        finish(job, status, now=now, error=error)
        return True


def touch_jobs(engine: Engine, kinds: Collection[JobKind], *, now: datetime) -> None:
    """Give a sign of life of a worker for the jobs of these kinds that are not finished."""
    with transaction(engine, immediate=True) as session:
        jobs.touch(session, kinds=kinds, now=now)


class UnfinishedJob(NamedTuple):
    """A job that a worker has to see to its end."""

    job_id: int
    workflow_id: str


def list_unfinished(engine: Engine, kinds: Collection[JobKind]) -> list[UnfinishedJob]:
    """Jobs of these kinds that wait or run, oldest first."""
    with transaction(engine) as session:
        rows = jobs.list_unfinished(session, kinds=kinds)
        return [UnfinishedJob(row_id(row), row.workflow_id) for row in rows]

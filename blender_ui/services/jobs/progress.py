"""What a running job says of itself: phase, share done, time left, curve; and whether to go on.

Invariant: at most one write a second, whatever the caller reports, and progress never goes back.
Every write looks whether the job was cancelled meanwhile. Non-goal: deciding how a job ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, delete, update
from sqlmodel import col, select

from blender_ui.errors import BlenderError, NotFound
from db.engine import transaction
from db.models import JobStatus, TrainingJob, TrainingPoint

WRITE_EVERY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One point of a job's curve; losses in nats per preference, accuracies in [0, 1]."""

    step: int
    loss: float
    accuracy: float
    held_out_loss: float | None
    held_out_accuracy: float | None


class JobCancelled(BlenderError):
    """The job was cancelled while it ran; everything learnt so far stays where it was written."""


class JobProgress:
    """Writes one job's progress.

    Args:
        engine: The store.
        job_id: The job.
        clock: The present time, aware, for the heartbeat.
        monotonic: Seconds from any start, for the throttle.
    """

    def __init__(
        self,
        engine: Engine,
        job_id: int,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._job_id = job_id
        self._clock = clock
        self._monotonic = monotonic
        self._written_at: float | None = None
        self._points: list[CurvePoint] = []

    def report(self, phase: str, share: float, *, remaining_seconds: float | None = None) -> None:
        """Say where the job is; written at once where the last write is a second old.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        now = self._monotonic()
        if self._written_at is not None and now - self._written_at < WRITE_EVERY_SECONDS:
            return
        self._written_at = now
        with transaction(self._engine, immediate=True) as session:
            job = session.get(TrainingJob, self._job_id)
            if job is None:
                raise NotFound(f"training job {self._job_id} is not in the store any more")
            if job.cancel_requested_at is not None or job.status is not JobStatus.RUNNING:
                raise JobCancelled(f"job {self._job_id} was cancelled")
            job.phase, job.progress = phase, max(job.progress, min(share, 1.0))
            job.remaining_seconds = remaining_seconds
            job.heartbeat_at = job.progressed_at = self._clock()
            session.add_all(self._drain())

    def now(self) -> float:
        """Seconds from any start, of the clock that throttles."""
        return self._monotonic()

    def start_curve(self, *, from_step: int = 0) -> None:
        """Drop points that a run which died had drawn at this step or after."""
        with transaction(self._engine, immediate=True) as session:
            session.execute(
                delete(TrainingPoint).where(
                    col(TrainingPoint.job_id) == self._job_id, col(TrainingPoint.step) >= from_step
                )
            )

    def add_point(self, point: CurvePoint) -> None:
        """Put a point on the curve; it is written with the next report or flush."""
        self._points.append(point)

    def flush(self) -> None:
        """Write the points that wait."""
        with transaction(self._engine, immediate=True) as session:
            session.add_all(self._drain())

    def _drain(self) -> list[TrainingPoint]:
        points, self._points = self._points, []
        return [
            TrainingPoint(
                job_id=self._job_id,
                step=point.step,
                loss=point.loss,
                accuracy=point.accuracy,
                held_out_loss=point.held_out_loss,
                held_out_accuracy=point.held_out_accuracy,
                created_at=self._clock(),
            )
            for point in points
        ]


def start_job(engine: Engine, job_id: int, *, now: datetime) -> bool:
    """Move a job to RUNNING; False where it was finished or cancelled before it began."""
    with transaction(engine, immediate=True) as session:
        job = session.get(TrainingJob, job_id)
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
        job = session.get(TrainingJob, job_id)
        if job is None or job.status.is_finished():
            return False
        job.status, job.phase, job.error = status, status.value, error
        job.remaining_seconds, job.finished_at = None, now
        return True


def touch_jobs(engine: Engine, job_ids: list[int], *, now: datetime) -> None:
    """Give a sign of life for jobs that this worker knows and that are not finished."""
    if not job_ids:
        return
    with transaction(engine, immediate=True) as session:
        session.execute(
            update(TrainingJob)
            .where(
                col(TrainingJob.id).in_(job_ids),
                col(TrainingJob.status).in_((JobStatus.WAITING, JobStatus.RUNNING)),
            )
            .values(heartbeat_at=now)
        )


class UnfinishedJob(NamedTuple):
    """A job that a worker has to see to its end."""

    job_id: int
    workflow_id: str


def list_unfinished(engine: Engine) -> list[UnfinishedJob]:
    """Jobs that wait or run, oldest first."""
    with transaction(engine) as session:
        rows = session.execute(
            select(col(TrainingJob.id), col(TrainingJob.workflow_id))
            .where(col(TrainingJob.status).in_((JobStatus.WAITING, JobStatus.RUNNING)))
            .order_by(col(TrainingJob.id))
        )
        return [UnfinishedJob(int(job_id), workflow_id) for job_id, workflow_id in rows]

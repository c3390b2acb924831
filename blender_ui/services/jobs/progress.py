"""The progress of a running job: phase, share done, time left, curve; and whether to continue.

Invariant: at most one write a second, whatever the caller reports, and progress never goes back.
Every write checks whether the job was cancelled. Non-goal: deciding how a job ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.jobs.states import get_job
from db.engine import transaction
from db.models import Job, JobStatus, TrainingPoint
from db.queries.jobs import drop_points

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
            job = get_job(session, self._job_id)
            if _is_over(job):
                raise JobCancelled(tr("job {job_id} was cancelled", job_id=self._job_id))
            job.phase, job.progress = phase, max(job.progress, min(share, 1.0))
            job.remaining_seconds = remaining_seconds
            job.heartbeat_at = job.progressed_at = self._clock()
            session.add_all(self._drain())

    def count(
        self, *, n_done: int, n_failed: int, phase: str, remaining_seconds: float | None = None
    ) -> None:
        """Say that more answers of a generation came, or failed; written at once.

        Raises:
            JobCancelled: If someone asked for the job's end; the answers are counted all the same.
        """
        with transaction(self._engine, immediate=True) as session:
            job = get_job(session, self._job_id)
            n_left = job.n_total - job.n_done - job.n_failed  # prompts may have been added meanwhile
            job.n_failed += min(n_failed, n_left)
            job.n_done += min(n_done, n_left - min(n_failed, n_left))
            job.phase, job.remaining_seconds = phase, remaining_seconds
            job.progress = (job.n_done + job.n_failed) / max(job.n_total, 1)
            job.heartbeat_at = job.progressed_at = self._clock()
            is_over = _is_over(job)
        if is_over:
            raise JobCancelled(tr("job {job_id} was cancelled", job_id=self._job_id))

    def now(self) -> float:
        """Seconds from any start, of the clock that throttles."""
        return self._monotonic()

    def start_curve(self, *, from_step: int = 0) -> None:
        """Drop points that a run which died had drawn at this step or after."""
        with transaction(self._engine, immediate=True) as session:
            drop_points(session, job_id=self._job_id, from_step=from_step)

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


def _is_over(job: Job) -> bool:
    return job.cancel_requested_at is not None or job.status is not JobStatus.RUNNING

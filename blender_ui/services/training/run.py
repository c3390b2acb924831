"""The worker's side of training: one job, in steps that may each be repeated after a crash.

Invariant: running a step again with the same job gives the same rows once. What was read, written or
registered before a crash is found and kept. Non-goal: which step comes next and when to restart (the
worker's workflow knows), and what is trained (a ``Trainer`` knows).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Engine

from blender_ui.errors import NotFound
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.jobs.states import UnfinishedJob, end_job, list_unfinished, start_job, touch_jobs
from blender_ui.services.jobs.views import Jobs, JobView
from blender_ui.services.training.trainer import Trainer
from blender_ui.services.versions.registration import FittedVersion, register_version
from db.models import TRAININGS, JobKind, JobStatus, utc_now


class TrainingRun:
    """Carries out training jobs, one at a time.

    Args:
        engine: The store.
        trainers: By the kind of job; a job of another kind fails.
        clock: The present time, aware.
        monotonic: Seconds from any start.
    """

    def __init__(
        self,
        engine: Engine,
        trainers: Mapping[JobKind, Trainer],
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._trainers = trainers
        self._clock = clock
        self._monotonic = monotonic
        self._jobs = Jobs(engine, clock=clock)
        self._progress: tuple[int, JobProgress] | None = None

    def list_unfinished(self) -> list[UnfinishedJob]:
        """Jobs that wait or run, oldest first."""
        return list_unfinished(self._engine, TRAININGS)

    def touch(self) -> None:
        """Give a sign of life for unfinished jobs, so that a page knows that a worker is there."""
        touch_jobs(self._engine, TRAININGS, now=self._clock())

    def start(self, job_id: int) -> bool:
        """Begin, or go on after a crash; False where the job is finished or cancelled."""
        return start_job(self._engine, job_id, now=self._clock())

    def read_chunk(self, job_id: int) -> int:
        """Read and commit the next part of what the fit needs.

        Returns:
            How much is left; 0 ends the phase.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        job = self._jobs.get(job_id)
        return self._find_trainer(job).read_chunk(job, self._report_on(job_id))

    def fit(self, job_id: int) -> FittedVersion:
        """Fit on the training prompts, judge on the held-out ones, and write the checkpoint.

        Raises:
            JobCancelled: If someone asked for the job's end.
            RankerError: If nothing decided is held out, or the fit failed.
            FusionError: The same of a fuser.
        """
        job = self._jobs.get(job_id)
        return self._find_trainer(job).fit(job, self._report_on(job_id))

    def register(self, job_id: int, fitted: FittedVersion) -> int:
        """Write version, decision and completion, once; gives the version's id."""
        version_id = register_version(self._engine, job_id, fitted, now=self._clock())
        self._forget(job_id)
        return version_id

    def end_cancelled(self, job_id: int) -> None:
        """Finish a job that someone asked to end."""
        self._forget(job_id)
        end_job(self._engine, job_id, JobStatus.CANCELLED, now=self._clock())

    def end_failed(self, job_id: int, reason: str) -> None:
        """Finish a job that cannot be carried out, with the reason that the page shows."""
        self._forget(job_id)
        end_job(self._engine, job_id, JobStatus.FAILED, now=self._clock(), error=reason)

    def _find_trainer(self, job: JobView) -> Trainer:
        try:
            return self._trainers[job.kind]
        except KeyError:
            known = ", ".join(self._trainers)
            raise NotFound(
                f"expected a job of a kind that this worker trains ({known}), came {job.kind}"
            ) from None

    def _report_on(self, job_id: int) -> JobProgress:
        if self._progress is None or self._progress[0] != job_id:
            progress = JobProgress(self._engine, job_id, clock=self._clock, monotonic=self._monotonic)
            self._progress = job_id, progress
        return self._progress[1]

    def _forget(self, job_id: int) -> None:
        self._progress = None
        for trainer in self._trainers.values():
            trainer.forget(job_id)

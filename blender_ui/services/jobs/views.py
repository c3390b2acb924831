"""Jobs as pages and commands see them, whatever their kind.

Invariant: everything is read from the rows, so every page and process says the same of a job. Non-goal:
asking for one; ``training`` and ``asking`` know what is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.jobs.progress import CurvePoint
from blender_ui.services.jobs.states import cancel_job, get_job, is_stalled
from db.columns import row_id
from db.engine import transaction
from db.models import TRAININGS, Job, JobKind, JobStatus, utc_now
from db.queries import jobs, versions

QUIET_AFTER = timedelta(seconds=30)
"""Without progress for this long, a running job says why."""
BUSY_LOAD = 1.25
"""Programs that want to run, for each core, from which on a machine is called busy."""


def measure_load() -> float:
    """Programs that wanted to run over the last minute, for each core of this machine."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as it stands."""

    id: int
    kind: JobKind
    status: JobStatus
    project_id: int | None
    """Whose prompts are answered; None for a training."""
    options: Mapping[str, Any]
    phase: str
    """What it does now, in words, and why it stands still where it does: "worker not running" where no
    worker gave a sign of life, the last progress where that was long ago."""
    progress: float
    """In [0, 1]."""
    n_total: int
    """Answers to ask for; 0 for a training."""
    n_done: int
    """Of those, the ones that came."""
    n_failed: int
    """And the ones that did not; each is kept as a failure with its reason."""
    remaining_seconds: float | None
    """Estimate; None while there is nothing to estimate from."""
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version_id: int | None
    """What a training made."""
    cut_off_preference_id: int
    is_stalled: bool
    is_cancel_requested: bool


class Jobs:
    """Every job there is, and its fate.

    Args:
        engine: The store.
        clock: The present time, aware.
        measure_load: How many programs want to run on this machine, for each of its cores.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = utc_now,
        measure_load: Callable[[], float] = measure_load,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._measure_load = measure_load

    def get(self, job_id: int) -> JobView:
        """The job of this id.

        Raises:
            NotFound: If there is none.
        """
        with transaction(self._engine) as session:
            return self.view(session, get_job(session, job_id))

    def list_latest(self, kinds: Collection[JobKind] = TRAININGS, *, limit: int = 20) -> tuple[JobView, ...]:
        """The latest jobs of these kinds, newest first."""
        with transaction(self._engine) as session:
            rows = jobs.list_latest(session, kinds=kinds, limit=limit)
            return tuple(self.view(session, row) for row in rows)

    def find_latest(self, project_id: int) -> JobView | None:
        """A project's latest job; None where there was none."""
        with transaction(self._engine) as session:
            row = jobs.find_latest(session, project_id=project_id)
            return None if row is None else self.view(session, row)

    def cancel(self, *, job_id: int) -> JobView:
        """End a job: at once where no worker runs it, else at the worker's next step.

        Raises:
            NotFound: If there is no such job.
            Refused: If it is finished already.
        """
        with transaction(self._engine, immediate=True) as session:
            job = get_job(session, job_id)
            cancel_job(session, job, now=self._clock())
            return self.view(session, job)

    def curve(self, job_id: int) -> tuple[CurvePoint, ...]:
        """The job's curve so far, by step."""
        with transaction(self._engine) as session:
            return tuple(
                CurvePoint(
                    step=row.step,
                    loss=row.loss,
                    accuracy=row.accuracy,
                    held_out_loss=row.held_out_loss,
                    held_out_accuracy=row.held_out_accuracy,
                )
                for row in jobs.list_points(session, job_id=job_id)
            )

    def view(self, session: Session, job: Job) -> JobView:
        """A row as it stands now."""
        now = self._clock()
        return JobView(
            id=row_id(job),
            kind=job.kind,
            status=job.status,
            project_id=job.project_id,
            options=dict(job.options),
            phase=self._say_phase(session, job, now),
            progress=job.progress,
            n_total=job.n_total,
            n_done=job.n_done,
            n_failed=job.n_failed,
            remaining_seconds=None if is_stalled(job, now) else job.remaining_seconds,
            error=job.error,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            version_id=versions.find_by_job(session, job_id=row_id(job)),
            cut_off_preference_id=job.cut_off_preference_id,
            is_stalled=is_stalled(job, now),
            is_cancel_requested=job.cancel_requested_at is not None,
        )

    def _say_phase(self, session: Session, job: Job, now: datetime) -> str:
        if is_stalled(job, now):
            return "worker not running"
        match job.status:
            case JobStatus.WAITING:
                queue = TRAININGS if job.kind in TRAININGS else (job.kind,)
                before = jobs.find_running(session, kinds=queue)
                return job.phase if before is None else f"waits for job {before} to end"
            case JobStatus.RUNNING:
                quiet = now - (job.progressed_at or now)
                return job.phase if quiet <= QUIET_AFTER else f"{job.phase}; {self._say_why_quiet(quiet)}"
            case _:
                return job.phase

    def _say_why_quiet(self, quiet: timedelta) -> str:
        load = self._measure_load()
        last = f"last progress {quiet.total_seconds():.0f} s ago"
        if load < BUSY_LOAD:
            return last
        return f"the machine is busy ({load:.1f} programs want each core): {last}"

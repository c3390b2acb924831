"""The pages' side of training: asking for a job, watching it, cancelling it.

Invariant: a request is one row in one transaction, so it is neither lost nor made twice; the worker
takes it from there, whenever one is alive. Non-goal: training itself; nothing here imports torch.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from blender_ui.errors import NotFound, Refused
from blender_ui.services.jobs.progress import CurvePoint
from blender_ui.services.training.fuser_examples import load_examples
from blender_ui.services.versions.readiness import ReadinessView, find_missing, measure_readiness
from db.engine import transaction
from db.models import (
    Candidate,
    JobKind,
    JobStatus,
    Preference,
    TrainingJob,
    TrainingPoint,
    utc_now,
)
from db.queries.jobs import find_last_cut_off
from db.queries.preferences import count_teaching
from db.queries.versions import find_by_job

STALLED_AFTER = timedelta(seconds=20)
"""Without a sign of life for this long, the worker counts as not running."""
QUIET_AFTER = timedelta(seconds=30)
"""Without progress for this long, a running job says why."""
BUSY_LOAD = 1.25
"""Programs that want to run, for each core, from which on a machine is called busy."""
CUT_OFF_CANDIDATE = "cut_off_candidate_id"
"""Option of a fuser's job: answers after this id are not part of it."""
UNFINISHED = (JobStatus.WAITING, JobStatus.RUNNING)


def measure_load() -> float:
    """Programs that wanted to run over the last minute, for each core of this machine."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A training job as it stands."""

    id: int
    kind: JobKind
    status: JobStatus
    phase: str
    """What it does now, in words, and why it stands still where it does: "worker not running" where no
    worker gave a sign of life, the last progress where that was long ago."""
    progress: float
    """In [0, 1]."""
    remaining_seconds: float | None
    """Estimate; None while there is nothing to estimate from."""
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version_id: int | None
    cut_off_preference_id: int
    is_stalled: bool
    is_cancel_requested: bool


class Training:
    """Requests for training, and their fate.

    Args:
        engine: The store.
        train_every: New preferences after which ``request_if_due`` asks; 0 for never.
        kind: What is trained where a request does not say.
        clock: The present time, aware.
        measure_load: How many programs want to run on this machine, for each of its cores.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        train_every: int,
        kind: JobKind = JobKind.FAST,
        clock: Callable[[], datetime] = utc_now,
        measure_load: Callable[[], float] = measure_load,
    ) -> None:
        self._engine = engine
        self._train_every = train_every
        self._kind = kind
        self._clock = clock
        self._measure_load = measure_load

    def readiness(self) -> ReadinessView:
        """Whether there is enough to train on, with the counts."""
        with transaction(self._engine) as session:
            return measure_readiness(session)

    def request(
        self,
        *,
        requested_by_id: int | None = None,
        kind: JobKind | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> JobView:
        """Ask for a training on every preference there is now; of a fuser, on every answer, too.

        A job that still waits is moved to the present cut-off instead of making a second one.

        Raises:
            Refused: If there is not enough to train on; the message says what is missing.
        """
        chosen = JobKind(kind or self._kind)
        if chosen is JobKind.FUSER and (missing := self._find_missing_examples()):
            raise Refused(missing)
        with transaction(self._engine, immediate=True) as session:
            if chosen is not JobKind.FUSER and (lacking := find_missing(session)):
                raise Refused(lacking)
            return self._request(session, requested_by_id, chosen, dict(options or {}))

    def request_if_due(self) -> JobView | None:
        """Ask for a training when enough new preferences came since a ranker's last; cheap when not."""
        if self._train_every == 0:
            return None
        with transaction(self._engine) as session:
            if not self._is_due(session):
                return None
        with transaction(self._engine, immediate=True) as session:
            if not self._is_due(session) or find_missing(session):
                return None
            return self._request(session, None, self._kind, {})

    def cancel(self, *, job_id: int) -> JobView:
        """End a job: at once where no worker runs it, else at the worker's next step.

        Raises:
            NotFound: If there is no such job.
            Refused: If it is finished already.
        """
        with transaction(self._engine, immediate=True) as session:
            job = _get_job(session, job_id)
            if job.status.is_finished():
                raise Refused(f"job {job_id} is {job.status.value} and cannot be cancelled any more")
            now = self._clock()
            job.cancel_requested_at = job.cancel_requested_at or now
            if job.status is JobStatus.WAITING or _is_stalled(job, now):
                job.status, job.phase, job.finished_at = JobStatus.CANCELLED, "cancelled", now
                job.remaining_seconds = None
            session.flush()
            return self._view(session, job)

    def get_job(self, job_id: int) -> JobView:
        """The job of this id.

        Raises:
            NotFound: If there is none.
        """
        with transaction(self._engine) as session:
            return self._view(session, _get_job(session, job_id))

    def list_jobs(self, limit: int = 20) -> tuple[JobView, ...]:
        """The latest jobs, newest first."""
        with transaction(self._engine) as session:
            rows = session.exec(select(TrainingJob).order_by(col(TrainingJob.id).desc()).limit(limit)).all()
            return tuple(self._view(session, row) for row in rows)

    def curve(self, job_id: int) -> tuple[CurvePoint, ...]:
        """The job's curve so far, by step."""
        with transaction(self._engine) as session:
            rows = session.exec(
                select(TrainingPoint)
                .where(col(TrainingPoint.job_id) == job_id)
                .order_by(col(TrainingPoint.step))
            ).all()
            return tuple(
                CurvePoint(
                    step=row.step,
                    loss=row.loss,
                    accuracy=row.accuracy,
                    held_out_loss=row.held_out_loss,
                    held_out_accuracy=row.held_out_accuracy,
                )
                for row in rows
            )

    def _request(
        self, session: Session, requested_by_id: int | None, kind: JobKind, options: dict[str, Any]
    ) -> JobView:
        cut_off = int(session.execute(select(func.max(Preference.id))).scalar() or 0)
        job = session.exec(
            select(TrainingJob).where(
                col(TrainingJob.status) == JobStatus.WAITING, col(TrainingJob.kind) == kind
            )
        ).first()
        if job is None:
            job = TrainingJob(
                workflow_id=uuid.uuid4().hex,
                kind=kind,
                status=JobStatus.WAITING,
                requested_by_id=requested_by_id,
                cut_off_preference_id=cut_off,
                created_at=self._clock(),
            )
        job.cut_off_preference_id = cut_off
        if kind is JobKind.FUSER:
            options = {**options, CUT_OFF_CANDIDATE: _find_last_candidate_id(session)}
        job.options = options
        session.add(job)
        session.flush()
        return self._view(session, job)

    def _find_missing_examples(self) -> str:
        """What a fuser's training lacks, in a sentence; empty where it lacks nothing."""
        with transaction(self._engine) as session:
            last = _find_last_candidate_id(session)
            cut_off = int(session.execute(select(func.max(Preference.id))).scalar() or 0)
        examples = load_examples(self._engine, cut_off_preference_id=cut_off, cut_off_candidate_id=last)
        return examples.find_missing()

    def _is_due(self, session: Session) -> bool:
        unfinished = select(TrainingJob.id).where(
            col(TrainingJob.status).in_(UNFINISHED), col(TrainingJob.kind) != JobKind.FUSER
        )
        if session.execute(unfinished.limit(1)).scalar() is not None:
            return False
        return count_teaching(session, after_id=find_last_cut_off(session)) >= self._train_every

    def _view(self, session: Session, job: TrainingJob) -> JobView:
        assert job.id is not None
        version_id = find_by_job(session, job_id=job.id)
        now = self._clock()
        is_stalled = _is_stalled(job, now)
        return JobView(
            id=job.id,
            kind=job.kind,
            status=job.status,
            phase=self._say_phase(session, job, now),
            progress=job.progress,
            remaining_seconds=None if is_stalled else job.remaining_seconds,
            error=job.error,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            version_id=version_id,
            cut_off_preference_id=job.cut_off_preference_id,
            is_stalled=is_stalled,
            is_cancel_requested=job.cancel_requested_at is not None,
        )

    def _say_phase(self, session: Session, job: TrainingJob, now: datetime) -> str:
        if _is_stalled(job, now):
            return "worker not running"
        match job.status:
            case JobStatus.WAITING:
                before = session.exec(
                    select(TrainingJob.id).where(col(TrainingJob.status) == JobStatus.RUNNING)
                ).first()
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


def _is_stalled(job: TrainingJob, now: datetime) -> bool:
    if job.status.is_finished():
        return False
    return now - max(job.heartbeat_at or job.created_at, job.created_at) > STALLED_AFTER


def _find_last_candidate_id(session: Session) -> int:
    return int(session.execute(select(func.max(Candidate.id))).scalar() or 0)


def _get_job(session: Session, job_id: int) -> TrainingJob:
    job = session.get(TrainingJob, job_id)
    if job is None:
        raise NotFound(f"there is no training job {job_id}; the Train page lists those there are")
    return job

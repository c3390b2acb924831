"""Have the members answer a project's prompts, as a job that the worker carries out.

Invariant: every answer is stored by itself the moment it is there, and what is left to ask is read
from the rows, so a worker that is killed loses the answer it was writing and nothing else; a project
has at most one job that is not finished. Non-goal: in which process it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import BlenderError, MalformedInput, NotFound, Refused
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.models import GenerationJob, JobStatus, Project
from db.queries import candidates, jobs, prompts


class Asks(Protocol):
    """Asks a member one prompt and keeps what comes; ``services.asking.rounds.Blending`` does."""

    def stream(self, *, prompt_id: int, member_name: str) -> Iterator[CandidateUpdate]: ...


class Queues(Protocol):
    """Makes the pairs of a prompt's answers; ``services.labeling.loop.Labeling`` does."""

    def queue_prompt(self, *, prompt_id: int) -> int: ...


@dataclass(frozen=True, kw_only=True)
class GenerationView:
    """A job and how far it is.

    Attributes:
        n_total: Answers that were to be asked for.
        n_done: Of those, the ones that came.
        n_failed: And the ones that did not; each is kept as a failure with its reason.
    """

    id: int
    project_id: int
    status: JobStatus
    n_total: int
    n_done: int
    n_failed: int
    error: str | None
    is_stopping: bool


class _Ask(NamedTuple):
    prompt_id: int
    member: str


class Generating:
    """Asks for generations and follows them.

    Args:
        engine: From ``db.engine.create_store``.
        member_names: The enabled members.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self, engine: Engine, *, member_names: tuple[str, ...], clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._names = member_names
        self._clock = clock

    def request(self, project_id: int, *, by: int) -> GenerationView:
        """Ask every enabled member for the answers that a project's prompts lack.

        Raises:
            NotFound: If there is no such project.
            MalformedInput: If no answer is lacking, or no member is enabled.
            Refused: If a job of the project is not finished.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            if session.get(Project, project_id) is None:
                raise NotFound(f"there is no project {project_id}")
            if jobs.find_unfinished_generation(session, project_id=project_id) is not None:
                raise Refused("the members are answering this project's prompts already")
            if not self._names:
                raise MalformedInput("no member is enabled; enable some in members.toml")
            asks = _list_asks(session, project_id, self._names, failed_since=now)
            if not asks:
                raise MalformedInput("every enabled member has answered every prompt of this project")
            job = GenerationJob(
                project_id=project_id,
                status=JobStatus.WAITING,
                n_total=len(asks),
                requested_by_id=by,
                created_at=now,
            )
            session.add(job)
            session.flush()
            change = Change(
                by=by, action="project.generate", object_id=project_id, after={"n_answers": len(asks)}
            )
            record_change(session, change, now=now)
            return _view(job)

    def cancel(self, project_id: int, *, by: int) -> GenerationView:
        """Stop a project's job after the answer that is being written.

        Raises:
            NotFound: If none is going on.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            job = jobs.find_unfinished_generation(session, project_id=project_id)
            if job is None:
                raise NotFound("the members are not answering this project's prompts now")
            job.cancel_requested_at = now
            if job.status is JobStatus.WAITING:
                job.status, job.finished_at = JobStatus.CANCELLED, now
            record_change(session, Change(by=by, action="project.stop", object_id=project_id), now=now)
            session.flush()
            return _view(job)

    def find_latest(self, project_id: int) -> GenerationView | None:
        """A project's latest job; None where there was none."""
        with transaction(self._engine) as session:
            job = jobs.find_latest_generation(session, project_id=project_id)
            return None if job is None else _view(job)


class GenerationRun:
    """Carries generations out, one ask at a time, for as long as there is one.

    Args:
        engine: From ``db.engine.create_store``.
        blending: Asks the members.
        labeling: Makes the pairs.
        member_names: The enabled members.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        blending: Asks,
        labeling: Queues,
        member_names: tuple[str, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._blending = blending
        self._labeling = labeling
        self._names = member_names
        self._clock = clock

    def work(self, stopping: threading.Event) -> bool:
        """See the oldest unfinished job to its end, or until told to stop; False where there is none."""
        started = self._start()
        if started is None:
            return False
        job_id, asks = started
        try:
            for position, ask in enumerate(asks):
                if stopping.is_set():
                    return True
                if self._is_cancelled(job_id):
                    self._finish(job_id, JobStatus.CANCELLED)
                    return True
                self._ask(job_id, ask)
                is_last = position + 1 == len(asks) or asks[position + 1].prompt_id != ask.prompt_id
                if is_last:
                    self._labeling.queue_prompt(prompt_id=ask.prompt_id)
        except BlenderError as error:
            self._finish(job_id, JobStatus.FAILED, error=str(error))
        else:
            self._finish(job_id, JobStatus.COMPLETE)
        return True

    def end_failed(self, reason: str) -> None:
        """End the job that is going on with the reason that a page shows."""
        with transaction(self._engine, immediate=True) as session:
            for job in jobs.list_running_generations(session):
                job.status, job.error, job.finished_at = JobStatus.FAILED, reason, self._clock()

    def _start(self) -> tuple[int, list[_Ask]] | None:
        with transaction(self._engine, immediate=True) as session:
            job = jobs.find_unfinished_generation(session)
            if job is None or job.id is None:
                return None
            job.status = JobStatus.RUNNING
            job.started_at = job.started_at or self._clock()
            asks = _list_asks(session, job.project_id, self._names, failed_since=job.created_at)
            # A prompt whose last answer came just before a crash may lack its pairs.
            answered = prompts.list_answered_since(session, project_id=job.project_id, since=job.created_at)
            asks[:0] = [_Ask(prompt_id, "") for prompt_id in answered]
            return job.id, asks

    def _ask(self, job_id: int, ask: _Ask) -> None:
        if not ask.member:
            return
        *_, last = self._blending.stream(prompt_id=ask.prompt_id, member_name=ask.member)
        has_failed = last.failure is not None
        with transaction(self._engine, immediate=True) as session:
            job = session.get_one(GenerationJob, job_id)
            job.heartbeat_at = self._clock()
            if job.n_done + job.n_failed < job.n_total:  # prompts may have been added meanwhile
                job.n_failed += has_failed
                job.n_done += not has_failed

    def _is_cancelled(self, job_id: int) -> bool:
        with transaction(self._engine) as session:
            return session.get_one(GenerationJob, job_id).cancel_requested_at is not None

    def _finish(self, job_id: int, status: JobStatus, *, error: str | None = None) -> None:
        with transaction(self._engine, immediate=True) as session:
            job = session.get_one(GenerationJob, job_id)
            job.status, job.error, job.finished_at = status, error, self._clock()


def _list_asks(
    session: Session, project_id: int, names: tuple[str, ...], *, failed_since: datetime
) -> list[_Ask]:
    """What is left to ask, prompt by prompt: neither answered nor failed since then."""
    done = candidates.list_ends(session, project_id=project_id, failed_since=failed_since)
    return [
        _Ask(prompt_id, name)
        for prompt_id in prompts.list_ids(session, project_id=project_id)
        for name in names
        if (prompt_id, name) not in done
    ]


def _view(job: GenerationJob) -> GenerationView:
    return GenerationView(
        id=job.id or 0,
        project_id=job.project_id,
        status=job.status,
        n_total=job.n_total,
        n_done=job.n_done,
        n_failed=job.n_failed,
        error=job.error,
        is_stopping=job.cancel_requested_at is not None and not job.status.is_finished(),
    )

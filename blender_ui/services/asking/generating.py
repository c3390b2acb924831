"""Have the members answer a project's prompts, as a job that the worker carries out.

Invariant: every answer is stored as soon as it is complete, and the rows say what is left to ask. A
killed worker therefore loses only the answer that it was writing. A project has at most one unfinished
job. Non-goal: in which process it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import BlenderError, MalformedInput, NotFound, Refused
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.jobs.progress import JobCancelled, JobProgress
from blender_ui.services.jobs.states import (
    cancel_job,
    end_job,
    get_job,
    list_unfinished,
    request_job,
    start_job,
    touch_jobs,
)
from blender_ui.services.jobs.views import Jobs, JobView
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.models import Job, JobKind, JobStatus, Project
from db.queries import candidates, jobs, prompts

KINDS = (JobKind.GENERATION,)


class Asks(Protocol):
    """Asks a member one prompt and keeps what comes; ``services.asking.rounds.Blending`` does."""

    def stream(self, *, prompt_id: int, member_name: str) -> Iterator[CandidateUpdate]: ...


class Queues(Protocol):
    """Makes the pairs of a prompt's answers; ``services.labeling.loop.Labeling`` does."""

    def queue_prompt(self, *, prompt_id: int) -> int: ...


class _Ask(NamedTuple):
    prompt_id: int
    member: str


class Generating:
    """Asks for generations.

    Args:
        engine: From ``db.engine.create_store``.
        member_names: The enabled members.
        clock: Gives the present time, with its zone.

    Attributes:
        jobs: What became of the requests.
    """

    def __init__(
        self, engine: Engine, *, member_names: tuple[str, ...], clock: Callable[[], datetime]
    ) -> None:
        self.jobs = Jobs(engine, clock=clock)
        self._engine = engine
        self._names = member_names
        self._clock = clock

    def request(self, project_id: int, *, by: int) -> JobView:
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
            if _find_unfinished(session, project_id) is not None:
                raise Refused("the members are answering this project's prompts already")
            if not self._names:
                raise MalformedInput("no member is enabled; enable some in members.toml")
            asks = _list_asks(session, project_id, self._names, failed_since=now)
            if not asks:
                raise MalformedInput("every enabled member has answered every prompt of this project")
            job = request_job(
                session,
                JobKind.GENERATION,
                now=now,
                requested_by_id=by,
                project_id=project_id,
                n_total=len(asks),
            )
            change = Change(
                by=by, action="project.generate", object_id=project_id, after={"n_answers": len(asks)}
            )
            record_change(session, change, now=now)
            return self.jobs.view(session, job)

    def cancel(self, project_id: int, *, by: int) -> JobView:
        """Stop a project's job after the answer that is being written, at once where no worker is alive.

        Raises:
            NotFound: If none is going on.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            job = _find_unfinished(session, project_id)
            if job is None:
                raise NotFound("the members are not answering this project's prompts now")
            cancel_job(session, job, now=now)
            record_change(session, Change(by=by, action="project.stop", object_id=project_id), now=now)
            return self.jobs.view(session, job)


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
        unfinished = list_unfinished(self._engine, KINDS)
        if not unfinished:
            return False
        job_id = unfinished[0].job_id
        if not start_job(self._engine, job_id, now=self._clock()):
            return True
        try:
            is_done = self._ask_all(job_id, stopping)
        except JobCancelled:
            self._end(job_id, JobStatus.CANCELLED)
        except BlenderError as error:
            self._end(job_id, JobStatus.FAILED, error=str(error))
        else:
            if is_done:
                self._end(job_id, JobStatus.COMPLETE)
        return True

    def touch(self) -> None:
        """Give a sign of life for unfinished generations, however long an answer takes."""
        touch_jobs(self._engine, KINDS, now=self._clock())

    def end_failed(self, reason: str) -> None:
        """End the job that is going on with the reason that a page shows."""
        with transaction(self._engine) as session:
            job_id = jobs.find_running(session, kinds=KINDS)
        if job_id is not None:
            self._end(job_id, JobStatus.FAILED, error=reason)

    def _ask_all(self, job_id: int, stopping: threading.Event) -> bool:
        """Ask for what is left, prompt by prompt; False where told to stop before the end."""
        progress = JobProgress(self._engine, job_id, clock=self._clock)
        progress.report("asking members", 0.0)
        asks, answered = self._read_left(job_id)
        for prompt_id in answered:
            # A prompt whose last answer came just before a crash may lack its pairs.
            self._labeling.queue_prompt(prompt_id=prompt_id)
        for prompt_id, its_asks in groupby(asks, key=lambda ask: ask.prompt_id):
            for ask in its_asks:
                if stopping.is_set():
                    return False
                *_, last = self._blending.stream(prompt_id=prompt_id, member_name=ask.member)
                progress.count(failed=last.failure is not None)
            self._labeling.queue_prompt(prompt_id=prompt_id)
        return True

    def _read_left(self, job_id: int) -> tuple[list[_Ask], Sequence[int]]:
        """What is left to ask, and the prompts that got an answer since the job was asked for."""
        with transaction(self._engine) as session:
            job = get_job(session, job_id)
            assert job.project_id is not None  # the schema has it so
            asks = _list_asks(session, job.project_id, self._names, failed_since=job.created_at)
            answered = prompts.list_answered_since(session, project_id=job.project_id, since=job.created_at)
            return asks, answered

    def _end(self, job_id: int, status: JobStatus, *, error: str | None = None) -> None:
        end_job(self._engine, job_id, status, now=self._clock(), error=error)


def _find_unfinished(session: Session, project_id: int) -> Job | None:
    job = jobs.find_latest(session, project_id=project_id)
    return None if job is None or job.status.is_finished() else job


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

"""Have the members answer a project's prompts, as a job that the worker carries out.

Invariant: every answer is stored as soon as it is complete, and the rows say what is left to ask. A
killed worker therefore loses only the answers that were being written. A project has at most one unfinished
job. Non-goal: in which process it runs.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import BlenderError, MalformedInput, NotFound, Refused
from blender_ui.language import tr
from blender_ui.members.asking import Ensemble
from blender_ui.services.asking.crew import Ask, Asks, Crew, Ended, Pace, phase_of
from blender_ui.services.asking.standing import MemberStandings
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


class Queues(Protocol):
    """Makes the pairs of a prompt's answers; ``services.labeling.loop.Labeling`` does."""

    def queue_prompt(self, *, prompt_id: int) -> int: ...


class _Wanted(NamedTuple):
    """Which answers a job is for."""

    project_id: int
    source: str | None
    """A data set; None for every prompt of the project."""
    members: tuple[str, ...]
    """Names; none for every enabled member."""


class Generating:
    """Asks for generations.

    Args:
        engine: From ``db.engine.create_store``.
        members: The ensemble.
        clock: Gives the present time, with its zone.

    Attributes:
        jobs: What became of the requests.
    """

    def __init__(self, engine: Engine, *, members: Ensemble, clock: Callable[[], datetime]) -> None:
        self.jobs = Jobs(engine, clock=clock)
        self._engine = engine
        self._members = members
        self._clock = clock
        self._standings = MemberStandings(engine, members=members)

    def cost(self, job: JobView) -> float | None:
        """What a job's answers have cost so far at today's prices; None where no member has a price."""
        if job.project_id is None:
            return None
        return self._standings.cost(since=job.created_at, project_id=job.project_id)

    def request(
        self, project_id: int, *, by: int | None, source: str | None = None, members: Sequence[str] = ()
    ) -> JobView:
        """Ask members for the answers that a project's prompts lack.

        Args:
            project_id: Whose prompts.
            by: Annotator who asks; None for a command.
            source: Only the prompts of this data set; None for all of the project.
            members: Only these; none for every enabled member.

        Raises:
            NotFound: If there is no such project.
            MalformedInput: If no answer is lacking, or no member is enabled.
            Refused: If a job of the project is not finished.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            if session.get(Project, project_id) is None:
                raise NotFound(tr("there is no project {project_id}", project_id=project_id))
            if _find_unfinished(session, project_id) is not None:
                raise Refused("the members are answering this project's prompts already")
            wanted = _Wanted(project_id, source, tuple(members))
            asks = _list_asks(session, wanted, self._members, failed_since=now)
            if not asks:
                raise MalformedInput(
                    tr("{who} has answered every prompt of {whose}", who=_who(members), whose=_whose(source))
                )
            job = request_job(
                session,
                JobKind.GENERATION,
                now=now,
                requested_by_id=by,
                project_id=project_id,
                n_total=len(asks),
                options={"source": source, "members": list(members)},
            )
            change = Change(
                by=by, action="project.generate", object_id=project_id, after={"n_answers": len(asks)}
            )
            record_change(session, change, now=now)
            return self.jobs.view(session, job)

    def cancel(self, project_id: int, *, by: int) -> JobView:
        """Stop a project's job after the answers that are being written, at once where no worker is alive.

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
    """Carries generations out, members and prompts at the same time, for as long as there is one.

    Args:
        engine: From ``db.engine.create_store``.
        blending: Asks the members.
        labeling: Makes the pairs.
        members: The ensemble.
        clock: Gives the present time, with its zone.
        follow_members: Called before a job, so that it asks the members that there are then.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        blending: Asks,
        labeling: Queues,
        members: Ensemble,
        clock: Callable[[], datetime],
        follow_members: Callable[[], object] = lambda: None,
    ) -> None:
        self._follow_members = follow_members
        self._engine = engine
        self._blending = blending
        self._labeling = labeling
        self._members = members
        self._clock = clock

    def work(self, stopping: threading.Event) -> bool:
        """See the oldest unfinished job to its end, or until told to stop; False where there is none."""
        unfinished = list_unfinished(self._engine, KINDS)
        if not unfinished:
            return False
        job_id = unfinished[0].job_id
        self._follow_members()
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
        """Ask for what is left; False where told to stop before the end."""
        progress = JobProgress(self._engine, job_id, clock=self._clock)
        progress.report("asking members", 0.0)
        asks, answered = self._read_left(job_id)
        for prompt_id in answered:
            # A prompt whose last answer came just before a crash may lack its pairs.
            self._labeling.queue_prompt(prompt_id=prompt_id)
        n_at_once = {config.name: config.n_at_once for config in self._members.configs}
        crew = Crew(self._blending, asks, n_at_once=n_at_once, stopping=stopping)
        pace = Pace(asks, began_at=progress.now())
        n_left = Counter(ask.prompt_id for ask in asks)
        try:
            with closing(crew.results()) as results:
                for ended in results:
                    self._note(progress, ended, n_left, pace, crew.waits())
        except JobCancelled:
            with suppress(JobCancelled):
                self._note(progress, crew.drain(), n_left, pace, {})
            raise
        return not n_left.total()

    def _note(
        self,
        progress: JobProgress,
        ended: Sequence[Ended],
        n_left: Counter[int],
        pace: Pace,
        waits: Mapping[str, float],
    ) -> None:
        """Count what has ended, and make the pairs of the prompts that have all their answers."""
        for one in ended:
            n_left[one.ask.prompt_id] -= 1
            pace.note(one.ask)
            if not n_left[one.ask.prompt_id]:
                self._labeling.queue_prompt(prompt_id=one.ask.prompt_id)
        n_failed = sum(one.failed for one in ended)
        progress.count(
            n_done=len(ended) - n_failed,
            n_failed=n_failed,
            phase=phase_of(waits),
            remaining_seconds=pace.remaining_seconds(progress.now()),
        )

    def _read_left(self, job_id: int) -> tuple[list[Ask], Sequence[int]]:
        """What is left to ask, and the prompts that got an answer since the job was asked for."""
        with transaction(self._engine, immediate=True) as session:
            job = get_job(session, job_id)
            assert job.project_id is not None  # the schema has it so
            wanted = _Wanted(job.project_id, job.options.get("source"), tuple(job.options.get("members", ())))
            asks = _list_asks(session, wanted, self._members, failed_since=job.created_at)
            # What a killed worker had stored and not yet counted.
            job.n_done = max(job.n_done, job.n_total - job.n_failed - len(asks))
            answered = prompts.list_answered_since(session, project_id=job.project_id, since=job.created_at)
            return asks, answered

    def _end(self, job_id: int, status: JobStatus, *, error: str | None = None) -> None:
        end_job(self._engine, job_id, status, now=self._clock(), error=error)


def _find_unfinished(session: Session, project_id: int) -> Job | None:
    job = jobs.find_latest(session, project_id=project_id)
    return None if job is None or job.status.is_finished() else job


def _list_asks(session: Session, wanted: _Wanted, members: Ensemble, *, failed_since: datetime) -> list[Ask]:
    """What is left to ask, prompt by prompt: neither answered nor failed since then.

    Raises:
        MalformedInput: If no member is enabled, or not all that are wanted, or there is no such data set.
    """
    configs = [one for one in members.configs if one.name in (wanted.members or [one.name])]
    if unknown := set(wanted.members) - {config.name for config in configs}:
        there_are = ", ".join(config.name for config in members.configs) or "none"
        raise MalformedInput(
            tr(
                "no enabled member is called {unknown}; there are {there_are}",
                unknown=", ".join(sorted(unknown)),
                there_are=there_are,
            )
        )
    if not configs:
        raise MalformedInput("no member is enabled; enable some in members.toml")
    prompt_ids = prompts.list_ids(session, project_id=wanted.project_id, source=wanted.source)
    if wanted.source is not None and not prompt_ids:
        raise MalformedInput(tr("the project has no prompts of a data set {source!r}", source=wanted.source))
    ended = candidates.list_ends(session, project_id=wanted.project_id, failed_since=failed_since)
    return [
        Ask(prompt_id, *seat)
        for prompt_id in prompt_ids
        for config in configs
        for seat in config.seats
        if (prompt_id, *seat) not in ended
    ]


def _who(members: Sequence[str]) -> str:
    return " and ".join(members) if members else "every enabled member"


def _whose(source: str | None) -> str:
    return "this project" if source is None else f"the data set {source!r}"

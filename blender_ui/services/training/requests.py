"""Asking for a training.

Invariant: a request is one row in one transaction, so it is neither lost nor made twice; the worker
takes it from there, whenever one is alive. Non-goal: training itself; nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import Refused
from blender_ui.services.jobs.states import PROJECT, request_job
from blender_ui.services.jobs.views import Jobs, JobView
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.training.fuser_examples import load_examples
from blender_ui.services.versions.readiness import ReadinessView, find_missing, measure_readiness
from db.engine import transaction
from db.models import RANKER_TRAININGS, JobKind, utc_now
from db.queries import candidates, jobs, preferences

CUT_OFF_CANDIDATE = "cut_off_candidate_id"
"""Option of a fuser's job: answers after this id are not part of it."""


class Training:
    """Requests for training.

    Args:
        engine: The store.
        train_every: New preferences after which ``request_if_due`` asks; 0 for never.
        kind: What is trained where a request does not say.
        clock: The present time, aware.

    Attributes:
        jobs: What became of the requests.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        train_every: int,
        kind: JobKind = JobKind.FAST,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._train_every = train_every
        self._kind = kind
        self._clock = clock
        self.jobs = Jobs(engine, clock=clock)

    def readiness(self, *, project_id: int | None = None) -> ReadinessView:
        """Whether there is enough to train on, with the counts; of one project or of all."""
        with transaction(self._engine) as session:
            return measure_readiness(session, project_id=project_id)

    def request(
        self,
        *,
        requested_by_id: int | None = None,
        kind: JobKind | None = None,
        options: Mapping[str, Any] | None = None,
        project_id: int | None = None,
    ) -> JobView:
        """Ask for a training on every preference there is now; of a fuser, on every answer, too.

        A job that still waits is moved to the present cut-off instead of making a second one, unless it
        learns from another project. Of one project's preferences alone if ``project_id`` says so.

        Raises:
            Refused: If there is not enough to train on; the message says what is missing.
        """
        chosen = JobKind(kind or self._kind)
        if chosen is JobKind.FUSER and (missing := self._find_missing_examples(project_id)):
            raise Refused(missing)
        with transaction(self._engine, immediate=True) as session:
            # A chooser learns from scores, too, and says itself where there is nothing to learn from.
            if chosen not in (JobKind.FUSER, JobKind.CHOOSER) and (
                lacking := find_missing(session, project_id=project_id)
            ):
                raise Refused(lacking)
            wanted = dict(options or {}) | ({} if project_id is None else {PROJECT: project_id})
            return self._request(session, requested_by_id, chosen, wanted)

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

    def _request(
        self, session: Session, requested_by_id: int | None, kind: JobKind, options: dict[str, Any]
    ) -> JobView:
        if kind is JobKind.FUSER:
            options = {**options, CUT_OFF_CANDIDATE: candidates.get_last_id(session)}
        job = request_job(
            session,
            kind,
            now=self._clock(),
            requested_by_id=requested_by_id,
            options=options,
            cut_off_preference_id=preferences.get_last_id(session),
        )
        if requested_by_id is not None:
            after = {"kind": kind.value, "cut_off_preference_id": job.cut_off_preference_id}
            change = Change(by=requested_by_id, action="training.request", object_id=job.id or 0, after=after)
            record_change(session, change, now=self._clock())
        return self.jobs.view(session, job)

    def _find_missing_examples(self, project_id: int | None) -> str:
        """What a fuser's training lacks, in a sentence; empty where it lacks nothing."""
        with transaction(self._engine) as session:
            last, cut_off = candidates.get_last_id(session), preferences.get_last_id(session)
        examples = load_examples(
            self._engine, cut_off_preference_id=cut_off, cut_off_candidate_id=last, project_id=project_id
        )
        return examples.find_missing()

    def _is_due(self, session: Session) -> bool:
        if jobs.list_unfinished(session, kinds=RANKER_TRAININGS):
            return False
        n_new = preferences.count_teaching(session, after_id=jobs.find_last_cut_off(session))
        return n_new >= self._train_every

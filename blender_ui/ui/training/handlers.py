"""What the train page does when asked, without Gradio.

Invariant: everything that is shown comes from the store, so a reload, another tab or a restarted
server shows the same. Non-goal: training itself, and who may ask for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blender_ui.errors import BlenderError, MalformedInput, NotFound
from blender_ui.language import tr
from blender_ui.outside import read_id
from blender_ui.services.jobs.progress import CurvePoint
from blender_ui.services.jobs.views import JobView
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.monitoring.shadow_standing import ShadowStanding
from blender_ui.services.people.access import Access
from blender_ui.services.projects.projects import ProjectBrief
from blender_ui.services.projects.workspaces import WorkspaceView
from blender_ui.services.training.requests import Training
from blender_ui.services.versions.model_versions import PromotionView, Versions, VersionView, hide_deciders
from blender_ui.services.versions.readiness import ReadinessView
from blender_ui.ui.identity import is_researcher, may_call, presented_key, welcome
from db.enums import TRAININGS, JobKind, ModelRole

N_JOBS = 20
MOST_EPOCHS = 50
LEARNING_RATES = (1e-7, 1e-2)
SERVES = {
    ModelRole.RANKER: "Version {} ranks from now on.",
    ModelRole.FUSER: "Fuser version {} fuses from now on.",
    ModelRole.CHOOSER: "Chooser version {} chooses from now on.",
}


@dataclass(frozen=True, kw_only=True)
class JobCard:
    """The job that runs, waits or ended last, with its curve so far."""

    job: JobView
    curve: tuple[CurvePoint, ...]

    @property
    def is_active(self) -> bool:
        """Whether there may be news of it."""
        return not self.job.status.is_finished()


@dataclass(frozen=True, kw_only=True)
class TrainPage:
    """All that the page shows, but the counts of preferences.

    Attributes:
        decisions: Of all versions, newest first.
        may_activate: Whether who looks may make a version active.
    """

    card: JobCard | None
    jobs: tuple[JobView, ...]
    versions: Mapping[ModelRole, tuple[VersionView, ...]]
    decisions: tuple[PromotionView, ...]
    may_activate: bool


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person asks to be trained, as the page sends it.

    Attributes:
        encoder: Name of the encoder to fine-tune; not used by the fast kind.
    """

    kind: object
    encoder: object = None
    n_epochs: object = None
    learning_rate: object = None


class TrainHandlers:
    """The train page's requests.

    Args:
        training: Asks for jobs and watches them.
        versions: What the jobs made.
        labeling: Knows who asks.
        access: Knows who may read people's names.
        list_encoders: Names of the encoders whose weights are here.
        find_shadows: Gives the standings of versions in shadow.
        find_workspace: Where the person works: what is learnt from.
    """

    def __init__(
        self,
        training: Training,
        labeling: Labeling,
        *,
        access: Access,
        versions: Versions,
        list_encoders: Callable[[], tuple[str, ...]],
        find_shadows: Callable[[], tuple[ShadowStanding, ...]] = tuple,
        find_workspace: Callable[[], WorkspaceView] | None = None,
    ) -> None:
        self._find_workspace = find_workspace
        self._find_shadows = find_shadows
        self._training = training
        self._versions = versions
        self._labeling = labeling
        self._access = access
        self._list_encoders = list_encoders

    def encoders(self) -> tuple[str, ...]:
        """Encoders that a joint or pointwise ranker can be fine-tuned from here."""
        return self._list_encoders()

    def page(self) -> TrainPage:
        """Everything but the counts, as the store has it now."""
        jobs = self._training.jobs.list_latest(limit=N_JOBS)
        by_role = {role: self._versions.list_versions(role) for role in ModelRole}
        decisions = tuple(
            one
            for versions in by_role.values()
            for version in versions
            for one in self._versions.decisions(version.id)
        )
        if not is_researcher(self._access):
            decisions = hide_deciders(decisions)
        return TrainPage(
            card=self._card(jobs),
            jobs=jobs,
            versions=by_role,
            decisions=tuple(sorted(decisions, key=lambda one: one.created_at, reverse=True)),
            may_activate=may_call(self._access, "train_activate", presented_key.get()),
        )

    def project(self) -> ProjectBrief | None:
        """The project whose preferences are learnt from; None for all projects."""
        where = self._find_workspace() if self._find_workspace is not None else None
        return where.get(where.project_id) if where is not None else None

    def readiness(self) -> ReadinessView:
        """The counts of preferences: a second of work where there are a million."""
        return self._training.readiness(project_id=self._project_id())

    def _project_id(self) -> int | None:
        project = self.project()
        return None if project is None else project.id

    def shadows(self) -> tuple[ShadowStanding, ...]:
        """How versions in shadow do; none where there is none, or where the votes cannot be read."""
        try:
            return self._find_shadows()
        except BlenderError:  # the page says of the store's trouble elsewhere
            return ()

    def card(self) -> JobCard | None:
        """The job that is to be watched; None before the first."""
        return self._card(self._training.jobs.list_latest(limit=N_JOBS))

    def request(self, memory: object, wish: Wish) -> str:
        """Ask for a training; gives a sentence to show."""
        try:
            kind = _read_kind(wish.kind)
            options = self._read_options(kind, wish)
            visitor = welcome(self._labeling, memory)
            project = self.project()
            job = self._training.request(
                requested_by_id=visitor.annotator.id,
                kind=kind,
                options=options,
                project_id=None if project is None else project.id,
            )
        except BlenderError as error:
            return str(error)
        of = "" if project is None else tr(" It learns from {project} alone.", project=project.name)
        return tr("Job {job_id} is in the queue.{of}", job_id=job.id, of=of)

    def cancel(self, job_id: object) -> str:
        """Ask for a job's end; gives a sentence to show."""
        try:
            job = self._training.jobs.cancel(job_id=read_id(job_id, "job"))
        except BlenderError as error:
            return str(error)
        return (
            tr("Job {job_id} is cancelled.", job_id=job.id)
            if job.status.is_finished()
            else tr("Job {job_id} will end soon.", job_id=job.id)
        )

    def activate(
        self, memory: object, version_id: object, reason: object, *, role: ModelRole = ModelRole.RANKER
    ) -> str:
        """Let a version serve in its role from now on; gives a sentence to show."""
        try:
            version = self._versions.activate(
                role=role,
                version_id=read_id(version_id, "version"),
                decided_by_id=welcome(self._labeling, memory).annotator.id,
                reason=str(reason or ""),
            )
        except BlenderError as error:
            return str(error)
        return SERVES[role].format(version.id)

    def _card(self, jobs: tuple[JobView, ...]) -> JobCard | None:
        if not jobs:
            return None
        unfinished = [job for job in jobs if not job.status.is_finished()]
        running = [job for job in unfinished if job.started_at is not None]
        job = (running or unfinished[-1:] or list(jobs))[0]
        return JobCard(job=job, curve=self._training.jobs.curve(job.id))

    def _read_options(self, kind: JobKind, wish: Wish) -> Mapping[str, object]:
        if kind in (JobKind.FAST, JobKind.CHOOSER):
            return {}
        if kind is JobKind.FUSER:
            return {"n_epochs": int(_read_number(wish.n_epochs, "epochs", 1, MOST_EPOCHS))}
        encoders = self.encoders()
        if wish.encoder not in encoders:
            known = ", ".join(encoders) or tr("none; fetch one first")
            raise NotFound(
                tr(
                    "expected an encoder that is here ({known}), came {encoder!r}",
                    known=known,
                    encoder=wish.encoder,
                )
            )
        low, high = LEARNING_RATES
        return {
            "base": wish.encoder,
            "n_epochs": int(_read_number(wish.n_epochs, "epochs", 1, MOST_EPOCHS)),
            "learning_rate": _read_number(wish.learning_rate, tr("a learning rate"), low, high),
        }


def _read_kind(value: object) -> JobKind:
    if value not in TRAININGS:
        raise MalformedInput(
            tr(
                "expected a kind of ranker, fuser or chooser among {trainings}; came {value!r}",
                trainings=", ".join(TRAININGS),
                value=value,
            )
        )
    return JobKind(str(value))


def _read_number(value: object, what: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= float(str(value)) <= high:
        raise MalformedInput(
            tr(
                "expected {what} between {low:g} and {high:g}, came {value!r}",
                what=what,
                low=low,
                high=high,
                value=value,
            )
        )
    return float(str(value))

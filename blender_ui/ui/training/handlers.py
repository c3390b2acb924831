"""What the train page does when asked, without Gradio.

Invariant: everything that is shown comes from the store, so a reload, another tab or a restarted
server shows the same. Non-goal: training itself, and who may ask for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from blender_ui.errors import BlenderError, MalformedInput, NotFound
from blender_ui.outside import read_id
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.access import Access
from blender_ui.services.training.requests import CurvePoint, JobView, Training
from blender_ui.services.versions.fuser_versions import FuserVersions, FuserVersionView
from blender_ui.services.versions.model_versions import PromotionView, VersionView
from blender_ui.services.versions.readiness import ReadinessView
from blender_ui.ui.identity import is_researcher, welcome
from blender_ui.ui.inspecting.versions.handlers import hide_deciders
from db.models import JobKind

N_JOBS = 20
MOST_EPOCHS = 50
LEARNING_RATES = (1e-7, 1e-2)


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
    """All that the page shows.

    Attributes:
        decisions: Of all versions, newest first.
    """

    readiness: ReadinessView
    card: JobCard | None
    jobs: tuple[JobView, ...]
    versions: tuple[VersionView, ...]
    fusers: tuple[FuserVersionView, ...]
    decisions: tuple[PromotionView, ...]


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
        fusers: The trained fusers.
        labeling: Knows who asks.
        access: Knows who may read people's names.
        list_encoders: Names of the encoders whose weights are here.
    """

    def __init__(
        self,
        training: Training,
        labeling: Labeling,
        *,
        access: Access,
        fusers: FuserVersions,
        list_encoders: Callable[[], tuple[str, ...]],
    ) -> None:
        self._training = training
        self._fusers = fusers
        self._labeling = labeling
        self._access = access
        self._list_encoders = list_encoders

    def encoders(self) -> tuple[str, ...]:
        """Encoders that a joint or pointwise ranker can be fine-tuned from here."""
        return self._list_encoders()

    def page(self) -> TrainPage:
        """Everything, as the store has it now."""
        jobs = self._training.list_jobs(N_JOBS)
        versions = self._training.list_versions()
        decisions = tuple(one for version in versions for one in self._training.decisions(version.id))
        fusers = self._fusers.list_versions()
        if not is_researcher(self._access):
            decisions = hide_deciders(decisions)
            # A fuser's decision is one text, which ends with the name.
            fusers = tuple(replace(one, decision="") for one in fusers)
        return TrainPage(
            readiness=self._training.readiness(),
            card=self._card(jobs),
            jobs=jobs,
            versions=versions,
            fusers=fusers,
            decisions=tuple(sorted(decisions, key=lambda one: one.created_at, reverse=True)),
        )

    def card(self) -> JobCard | None:
        """The job that is to be watched; None before the first."""
        return self._card(self._training.list_jobs(N_JOBS))

    def request(self, memory: object, wish: Wish) -> str:
        """Ask for a training; gives a sentence to show."""
        try:
            kind = _read_kind(wish.kind)
            options = self._read_options(kind, wish)
            visitor = welcome(self._labeling, memory)
            job = self._training.request(requested_by_id=visitor.annotator.id, kind=kind, options=options)
        except BlenderError as error:
            return str(error)
        return f"Job {job.id} is in the queue."

    def cancel(self, job_id: object) -> str:
        """Ask for a job's end; gives a sentence to show."""
        try:
            job = self._training.cancel(job_id=read_id(job_id, "job"))
        except BlenderError as error:
            return str(error)
        return f"Job {job.id} is cancelled." if job.status.is_finished() else f"Job {job.id} will end soon."

    def activate(self, memory: object, version_id: object, reason: object) -> str:
        """Let a version rank from now on; gives a sentence to show."""
        try:
            version = self._training.activate(
                version_id=read_id(version_id, "version"),
                decided_by_id=welcome(self._labeling, memory).annotator.id,
                reason=str(reason or ""),
            )
        except BlenderError as error:
            return str(error)
        return f"Version {version.id} ranks from now on."

    def activate_fuser(self, memory: object, version_id: object, reason: object) -> str:
        """Let a trained fuser fuse from now on; gives a sentence to show."""
        try:
            version = self._fusers.activate(
                version_id=read_id(version_id, "version"),
                decided_by_id=welcome(self._labeling, memory).annotator.id,
                reason=str(reason or ""),
            )
        except BlenderError as error:
            return str(error)
        return f"Fuser version {version.id} fuses from now on."

    def _card(self, jobs: tuple[JobView, ...]) -> JobCard | None:
        if not jobs:
            return None
        unfinished = [job for job in jobs if not job.status.is_finished()]
        running = [job for job in unfinished if job.started_at is not None]
        job = (running or unfinished[-1:] or list(jobs))[0]
        return JobCard(job=job, curve=self._training.curve(job.id))

    def _read_options(self, kind: JobKind, wish: Wish) -> Mapping[str, object]:
        if kind is JobKind.FAST:
            return {}
        if kind is JobKind.FUSER:
            return {"n_epochs": int(_read_number(wish.n_epochs, "epochs", 1, MOST_EPOCHS))}
        encoders = self.encoders()
        if wish.encoder not in encoders:
            known = ", ".join(encoders) or "none; fetch one first"
            raise NotFound(f"expected an encoder that is here ({known}), came {wish.encoder!r}")
        low, high = LEARNING_RATES
        return {
            "base": wish.encoder,
            "n_epochs": int(_read_number(wish.n_epochs, "epochs", 1, MOST_EPOCHS)),
            "learning_rate": _read_number(wish.learning_rate, "a learning rate", low, high),
        }


def _read_kind(value: object) -> JobKind:
    if value not in list(JobKind):
        raise MalformedInput(f"expected a kind of ranker or fuser among {', '.join(JobKind)}; came {value!r}")
    return JobKind(str(value))


def _read_number(value: object, what: str, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= float(str(value)) <= high:
        raise MalformedInput(f"expected {what} between {low:g} and {high:g}, came {value!r}")
    return float(str(value))

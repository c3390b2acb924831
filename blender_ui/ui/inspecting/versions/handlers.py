"""What the tabs of one version and of two do when asked, without Gradio.

Invariant: a version is judged as it was trained, and every figure can be saved with its rows' ids.
Non-goal: the statistics; ``votes.reports`` has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.language import tr
from blender_ui.services.inspecting.versions import LearningPoint, Lineage, VersionInspection
from blender_ui.services.jobs.progress import CurvePoint
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.access import Access
from blender_ui.services.training.requests import Training
from blender_ui.services.versions.model_versions import Versions, VersionView, hide_deciders
from blender_ui.statistics.reliability import Reliability
from blender_ui.ui.csv_text import write_csv
from blender_ui.ui.identity import is_researcher, open_links, welcome
from blender_ui.votes.reports import Change, Contrast, Mistake, ShareRow, VersionReport


@dataclass(frozen=True, kw_only=True)
class VersionPage:
    """Everything of one version."""

    report: VersionReport
    lineage: Lineage
    curve: tuple[CurvePoint, ...]
    learning: tuple[LearningPoint, ...]

    @property
    def version(self) -> VersionView:
        """The version."""
        return self.lineage.ancestors[0]


class VersionHandlers:
    """The requests of both tabs.

    Args:
        versions: Reports on them.
        registry: Lets one rank.
        training: Knows their curves.
        labeling: Knows who asks.
        access: Knows who may read people's names.
        find_project: The project that a request is about; None for all.
    """

    def __init__(
        self,
        versions: VersionInspection,
        registry: Versions,
        training: Training,
        labeling: Labeling,
        *,
        access: Access,
        find_project: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._find_project = find_project
        self._versions = versions
        self._registry = registry
        self._training = training
        self._labeling = labeling
        self._access = access

    def ways(self) -> list[tuple[str, str]]:
        """Where versions come from, for who may go there: title and address."""
        return open_links(self._access, [("Train", "./train")])

    def list_versions(self) -> tuple[VersionView, ...]:
        """All versions, newest first."""
        return self._versions.list_versions()

    def page(self, version_id: int, *, extend: bool = False) -> VersionPage:
        """Everything of one version.

        Raises:
            NotFound: If there is no such version.
            RankerError: If its checkpoint cannot be used.
        """
        lineage = self._versions.lineage(version_id)
        if not is_researcher(self._access):
            lineage = replace(lineage, decisions=hide_deciders(lineage.decisions))
        job_id = lineage.ancestors[0].job_id
        return VersionPage(
            report=self._versions.report(version_id, project_id=self._find_project(), extend=extend),
            lineage=lineage,
            curve=self._training.jobs.curve(job_id) if job_id is not None else (),
            learning=self._versions.learning_curve(),
        )

    def contrast(self, first_id: int, second_id: int) -> Contrast:
        """Two versions on the same votes.

        Raises:
            MalformedInput: If they are the same one.
            NotFound: If there is no such version.
            RankerError: If a checkpoint cannot be used.
        """
        if first_id == second_id:
            raise MalformedInput(
                tr(
                    "expected two versions, came version {first_id} twice; choose another one",
                    first_id=first_id,
                )
            )
        return self._versions.contrast(first_id, second_id, project_id=self._find_project())

    def promote(self, memory: object, version_id: object, reason: object) -> str:
        """Let a version rank from now on; gives a sentence to show."""
        if isinstance(version_id, bool) or not isinstance(version_id, int):
            return tr("Choose the version that is to rank.")
        try:
            version = self._registry.activate(
                version_id=version_id,
                decided_by_id=welcome(self._labeling, memory).annotator.id,
                reason=str(reason or ""),
            )
        except BlenderError as error:
            return str(error)
        return tr("Version {version_id} ranks from now on.", version_id=version.id)


def shares_csv(rows: tuple[ShareRow, ...]) -> str:
    """Shares by group as CSV."""
    return write_csv(ShareRow._fields, rows)


def mistakes_csv(rows: tuple[Mistake, ...]) -> str:
    """The surest mistakes as CSV."""
    return write_csv(Mistake._fields, rows)


def changes_csv(rows: tuple[Change, ...]) -> str:
    """Changed decisions as CSV."""
    return write_csv(Change._fields, rows)


def learning_csv(rows: tuple[LearningPoint, ...]) -> str:
    """The learning curve as CSV."""
    return write_csv(LearningPoint._fields, rows)


def curve_csv(rows: tuple[CurvePoint, ...]) -> str:
    """A training curve as CSV."""
    return write_csv(
        ("step", "loss", "accuracy", "held_out_loss", "held_out_accuracy"),
        ((one.step, one.loss, one.accuracy, one.held_out_loss, one.held_out_accuracy) for one in rows),
    )


def reliability_csv(found: Reliability) -> str:
    """A reliability curve as CSV, one bin a row."""
    names = ("confidence", "accuracy", "low", "high", "n")
    rows = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    return write_csv(names, (row for row in rows if row[-1]))

"""What the quality page does when asked, without Gradio.

Invariant: a ruling is stored for the pair that was on the page, with who ruled. Non-goals: the figures
(``services.quality.agreement``), and who may open the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.outside import read_id
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.quality.agreement import Disagreement, DisagreementCounts, Quality, QualityView
from blender_ui.ui.identity import welcome
from db.enums import Outcome


@dataclass(frozen=True, kw_only=True)
class RulingQueue:
    """The disagreement that is to be ruled on.

    Attributes:
        shown: None where there is none.
        counts: Of all that there are; those without a ruling wait, the shown one and passed-over ones among
            them.
    """

    shown: Disagreement | None
    counts: DisagreementCounts


class QualityHandlers:
    """The quality page's requests.

    Args:
        quality: Knows the figures.
        labeling: Knows who asks.
        find_project: The project that a request is about; None for all.
    """

    def __init__(
        self,
        quality: Quality,
        labeling: Labeling,
        *,
        find_project: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._find_project = find_project
        self._quality = quality
        self._labeling = labeling

    def view(self) -> QualityView:
        """The figures of now."""
        return self._quality.view(project_id=self._find_project())

    def next_disagreement(self, passed_over: Sequence[object] = ()) -> RulingQueue:
        """The most evenly split pair without a ruling, less those that were passed over on this page."""
        passed = {key for key in passed_over if isinstance(key, int)}
        project_id = self._find_project()
        waiting = self._quality.list_disagreements(project_id=project_id, limit=1 + len(passed))
        left = [one for one in waiting if one.comparison_id not in passed]
        return RulingQueue(
            shown=left[0] if left else None, counts=self._quality.count_disagreements(project_id=project_id)
        )

    def rule(self, memory: object, *, comparison_id: object, outcome: object, reason: object) -> str:
        """Store a ruling; gives a sentence that says what is wrong, empty where nothing is."""
        try:
            if not isinstance(comparison_id, int) or isinstance(comparison_id, bool):
                raise MalformedInput("there is no pair to rule on; reload the page")
            if outcome not in list(Outcome):
                raise MalformedInput("choose what counts: left, right, a tie, or both bad")
            self._quality.rule(
                comparison_id=read_id(comparison_id, "pair"),
                outcome=Outcome(str(outcome)),
                reason=str(reason or ""),
                decided_by_id=welcome(self._labeling, memory).annotator.id,
            )
        except BlenderError as error:
            return str(error)
        return ""

"""Which two columns the vote bar asks about.

Invariant: people vote on columns in reading order, and the store keeps the comparison's sides; only
this module converts between them. Non-goal: taking the vote.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from blender_ui.services.asking.rounds import Blending
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.views import PairView
from blender_ui.ui.asking.views import Choice, Pair, Visit
from db.enums import Outcome


class PairColumns:
    """Lends pairs and finds their columns.

    Args:
        labeling: Lends.
        blending: Knows what stands in the columns.
        timer: Seconds from a fixed point.
    """

    def __init__(self, labeling: Labeling, blending: Blending, *, timer: Callable[[], float]) -> None:
        self._labeling = labeling
        self._blending = blending
        self._timer = timer

    def draw(self, visit: Visit) -> Visit:
        """Lend a pair of the visit's prompt: the one that is held, else another, else none."""
        pair = self._labeling.next_pair(annotator_id=visit.annotator_id, prompt_id=visit.prompt_id)
        return replace(visit, pair=None) if pair is None else self.lay_out(visit, pair)

    def lay_out(self, visit: Visit, lent: PairView) -> Visit:
        """Ask about the columns that hold the two candidates; about none where one is not shown."""
        if visit.prompt_id is None:
            return replace(visit, pair=None)
        prompt = self._blending.answers(prompt_id=visit.prompt_id)
        shown = {entry.seat.label: entry.candidate_id for entry in prompt.candidates}
        columns = {shown[label]: number for number, label in enumerate(visit.columns) if label in shown}
        left, right = columns.get(lent.left_id), columns.get(lent.right_id)
        if left is None or right is None:
            return replace(visit, pair=None)
        return replace(
            visit,
            pair=Pair(
                lease_id=lent.lease_id,
                token=secrets.token_urlsafe(12),
                first=min(left, right),
                second=max(left, right),
                first_is_left=left < right,
                drawn_seconds=self._timer(),
            ),
        )


def outcome_of(choice: Choice, pair: Pair) -> Outcome:
    """What a vote in the page's words means for the comparison."""
    match choice:
        case Choice.FIRST:
            return Outcome.LEFT if pair.first_is_left else Outcome.RIGHT
        case Choice.SECOND:
            return Outcome.RIGHT if pair.first_is_left else Outcome.LEFT
        case Choice.TIE:
            return Outcome.TIE
        case Choice.BOTH_BAD:
            return Outcome.BOTH_BAD
        case _:
            assert_never(choice)

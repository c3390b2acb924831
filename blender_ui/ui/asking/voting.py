"""Votes on the pair that a round lends, and when its names are shown. No Gradio.

Invariant: a pair counts once, and showing the names marks the prompt as seen, so that no pair of it is blind
to this person from then on. Non-goal: which pair is lent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from blender_ui.errors import LeaseLost, Refused
from blender_ui.language import tr
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.views import PairView
from blender_ui.ui.asking.ledger import Ledger
from blender_ui.ui.asking.pair_columns import PairColumns, outcome_of
from blender_ui.ui.asking.views import LONGEST_REASON, Choice, Turn, Visit


class Voting:
    """Takes votes.

    Args:
        labeling: Keeps them.
        pairs: Lends the pair of columns.
        ledger: Knows whether answers are still expected.
        timer: Seconds from a fixed point.
    """

    def __init__(
        self, labeling: Labeling, *, pairs: PairColumns, ledger: Ledger, timer: Callable[[], float]
    ) -> None:
        self._labeling = labeling
        self._pairs = pairs
        self._ledger = ledger
        self._timer = timer

    def vote(self, visit: Visit, choice: Choice, reason: str = "") -> Turn:
        """Take the vote on the lent pair, then reveal. The same pair counts once."""
        pair = visit.pair
        if pair is None:
            return Turn(visit, "There is no pair to vote on now.")
        try:
            self._labeling.submit(
                annotator_id=visit.annotator_id,
                lease_id=pair.lease_id,
                outcome=outcome_of(choice, pair),
                idempotency_key=pair.token,
                reason=reason[:LONGEST_REASON],
                seconds=max(0.0, self._timer() - pair.drawn_seconds),
            )
        except LeaseLost as error:
            return Turn(
                self._pairs.draw(replace(visit, pair=None)),
                tr("{error}. Here is another pair.", error=tr(str(error))),
            )
        return Turn(replace(self.show(visit), undoable=pair.lease_id))

    def skip(self, visit: Visit) -> Turn:
        """Leave the pair to others and draw another of this prompt."""
        pair = visit.pair
        if pair is None:
            return Turn(visit, "There is no pair to skip now.")
        try:
            self._labeling.skip(annotator_id=visit.annotator_id, lease_id=pair.lease_id)
        except Refused as error:
            return Turn(self._pairs.draw(replace(visit, pair=None)), str(error))
        return Turn(self._pairs.draw(replace(visit, pair=None, undoable=pair.lease_id)))

    def undo(self, visit: Visit) -> Turn:
        """Take the last vote or skip on this prompt back.

        A skipped pair comes back. A vote is taken back and its pair left to others, because the
        names have been seen.
        """
        prompt_id = visit.prompt_id
        if visit.undoable is None or prompt_id is None:
            return Turn(visit, "There is nothing to take back.")
        try:
            shown = self._labeling.undo(
                annotator_id=visit.annotator_id, prompt_id=prompt_id, lease_id=visit.undoable
            )
        except Refused as error:
            return Turn(replace(visit, undoable=None), str(error))
        visit = replace(visit, undoable=None)
        if not visit.is_revealed:
            return Turn(self._pairs.lay_out(visit, shown) if isinstance(shown, PairView) else visit)
        self._labeling.mark_seen(annotator_id=visit.annotator_id, prompt_id=prompt_id)
        return Turn(
            visit, "Your vote was taken back. You have seen the names, so this pair is left to others."
        )

    def reveal(self, visit: Visit) -> Turn:
        """Show the names; no pair of this prompt is blind to this person from now on."""
        if visit.prompt_id is None or not self._ledger.are_done(visit.prompt_ids):
            return Turn(visit, "The answers are still coming. Wait for them, or press Stop first.")
        return Turn(self.show(visit))

    def show(self, visit: Visit) -> Visit:
        """The visit with its names, also while answers are still coming: they come with theirs."""
        if visit.prompt_id is None:
            return visit
        self._labeling.mark_seen(annotator_id=visit.annotator_id, prompt_id=visit.prompt_id)
        self._ledger.show(visit.prompt_id)
        is_asking = not self._ledger.are_done(visit.prompt_ids)
        return replace(visit, is_asking=is_asking, is_revealed=True, pair=None, undoable=None)

"""Makes the card after a vote. No Gradio.

Invariant: there is no card before the names are shown. Non-goal: how it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from blender_ui.bootstrap import Services
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.inspecting.reveals import RevealView
from blender_ui.ui.asking.reveal.views import Card, Row
from blender_ui.ui.asking.views import Visit
from blender_ui.votes.moves import RatingMove


class Cards:
    """Makes cards.

    Args:
        services: The app's services.
    """

    def __init__(self, services: Services) -> None:
        self._reveals = services.reveals

    def find(self, visit: Visit, answers: PromptView, *, with_moves: bool = False) -> Card | None:
        """The card of a round; None before its names are shown, and where each member has its own.

        Args:
            visit: Whose round.
            answers: To its prompt.
            with_moves: Also how ratings moved, which reads all votes that came since it was last asked.
        """
        if not visit.is_revealed or visit.own:
            return None
        vote = self._reveals.find(prompt_id=answers.prompt_id, annotator_id=visit.annotator_id)
        moves = self._reveals.moves(vote) if vote is not None and with_moves else ()
        return Card(rows=_rows(visit, answers, vote, moves), vote=vote, has_moves=with_moves)


def _rows(
    visit: Visit, answers: PromptView, vote: RevealView | None, moves: Sequence[RatingMove]
) -> tuple[Row, ...]:
    shown = {one.seat.label: one for one in answers.candidates}
    moved = {move.member: move for move in moves}
    chosen = None if vote is None else vote.chosen_id
    favoured = None if vote is None or vote.bet is None else vote.bet.favoured_id
    return tuple(
        Row(
            number=number,
            candidate_id=shown[label].candidate_id,
            member=label,
            is_chosen=shown[label].candidate_id == chosen,
            is_favoured=shown[label].candidate_id == favoured,
            move=moved.get(shown[label].member),
        )
        for number, label in enumerate(visit.columns)
        if label in shown
    )

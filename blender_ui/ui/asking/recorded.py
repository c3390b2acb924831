"""Recorded rounds on the Blend page: opened at once, voted on blind, and shown as what they are. No Gradio.

Invariant: nobody is asked anything for a recorded round, and no step on it changes what others see of it.
Non-goal: which rounds there are, which ``services.recorded`` keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError, NotFound
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.ranking.rows import RankingView
from blender_ui.ui.asking.ledger import Ledger
from blender_ui.ui.asking.pair_columns import PairColumns
from blender_ui.ui.asking.views import NOBODY, Turn, Visit
from blender_ui.ui.identity import welcome

SAID = (
    "Recorded: these answers were written when this app was made, and nobody was asked just now. "
    "Your vote counts as yours."
)
SHARED = (
    "This round was recorded and is the same for everybody, so no model is asked again here. "
    "Ask a question of your own."
)


@dataclass(frozen=True, kw_only=True)
class RecordedColumns:
    """Opens recorded rounds.

    Args:
        services: The app's services.
        ledger: Knows whether answers of the round before are still expected.
        pairs: Lends the pair of columns.
    """

    services: Services
    ledger: Ledger
    pairs: PairColumns

    def open(self, visit: Visit, number: object, memory: object) -> Turn:
        """Show a recorded round in the place of whatever is shown.

        Args:
            visit: Who opens it.
            number: Its place among the examples.
            memory: What the browser remembers.
        """
        examples = self.services.recorded.examples()
        if not isinstance(number, int) or not 0 <= number < len(examples):
            return Turn(visit, "This example is not there any more. Reload the page.")
        if not self.ledger.are_done(visit.prompt_ids):
            return Turn(visit, "The answers are still coming. Wait for them, or press Stop first.")
        if visit == NOBODY:
            return Turn(visit, "The page is still opening. Choose again in a moment, or reload it.")
        try:
            annotator_id = visit.annotator_id or welcome(self.services.labeling, memory).annotator.id
            answers = self.services.blending.answers(prompt_id=examples[number].prompt_id)
            shown = self.lay_out(Visit(annotator_id=annotator_id, seed=visit.seed), answers)
            return Turn(self.pairs.draw(shown))
        except BlenderError as error:
            return Turn(visit, str(error))

    def lay_out(self, visit: Visit, answers: PromptView) -> Visit:
        """A visit with a column for each recorded answer."""
        labels = {entry.seat.label for entry in answers.candidates}
        columns = self.services.labeling.order_columns(labels, prompt_id=answers.prompt_id)
        places = columns[: self.services.member_list.n_places]
        return replace(visit, prompt_id=answers.prompt_id, columns=places)

    def holds(self, visit: Visit) -> bool:
        """Whether a visit shows a recorded round."""
        return visit.prompt_id is not None and self.services.recorded.holds(visit.prompt_id)

    def find(self, prompt_id: object) -> PromptView | None:
        """The answers of a recorded round; None where what the browser remembers is none."""
        if not isinstance(prompt_id, int):
            return None
        try:
            held = self.services.recorded.holds(prompt_id)
            return self.services.blending.answers(prompt_id=prompt_id) if held else None
        except NotFound:
            return None


def find_recorded_ranking(services: Services, answers: PromptView) -> RankingView | None:
    """The ranking that came with a recorded round, which waits for no model; None for another prompt."""
    if not services.recorded.holds(answers.prompt_id):
        return None
    candidate_ids = [one.candidate_id for one in answers.candidates]
    return services.recorded.find_ranking(answers.prompt_id, candidate_ids)

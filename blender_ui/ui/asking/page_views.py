"""The Blend page's view, made from the store and the answers that are still expected.

Invariant: a view of a prompt whose names are not revealed holds no name. Non-goal: changing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from blender_ui.bootstrap import Services
from blender_ui.language import tr
from blender_ui.services.asking.rounds import PromptView
from blender_ui.ui.asking.choosing.late import LateAsks
from blender_ui.ui.asking.columns import answered, failed, growing
from blender_ui.ui.asking.ledger import Ledger
from blender_ui.ui.asking.picking.steps import find_picks
from blender_ui.ui.asking.reveal.card import Cards
from blender_ui.ui.asking.streams.running import Running
from blender_ui.ui.asking.views import ColumnView, Conversation, LateView, PageView, Progress, Visit, WaysOn
from blender_ui.ui.history import TITLE


class PageViews:
    """Makes views.

    Args:
        services: The app's services.
        ledger: Knows which answers are expected.
        offer: Gives the ways in which a conversation may go on.
        late: Knows who can be asked also.
        running: Knows the answers that are being written.
    """

    def __init__(
        self,
        services: Services,
        *,
        ledger: Ledger,
        offer: Callable[[Visit], WaysOn],
        late: LateAsks,
        running: Running,
    ) -> None:
        self._blending = services.blending
        self._members = services.members
        self._ledger = ledger
        self._offer = offer
        self._late = late
        self._running = running
        self._cards = Cards(services)

    def page(self, visit: Visit, *, notice: str = "", told: str = "") -> PageView:
        """The page as the store has it. Answers that are being written are shown as far as they are.

        Args:
            visit: Whose page.
            notice: Why nothing was done.
            told: What the answers are, where they are no round of somebody's; nobody is asked also then.
        """
        if visit.prompt_id is None:
            return PageView(columns=self._empty_columns(), notice=notice)
        prompts = {one: self._blending.answers(prompt_id=one) for one in visit.prompt_ids}
        prompt = prompts[visit.prompt_id]
        card = self._cards.find(visit, prompt)
        chosen = card.chosen.number if card is not None and card.chosen is not None else None
        columns = tuple(
            replace(
                self._column_view(visit, number, prompts[visit.prompt_of(number) or 0]),
                is_chosen=number == chosen,
            )
            for number in range(len(visit.columns))
        )
        return PageView(
            columns=columns,
            instruction=prompt.instruction,
            input=prompt.input,
            is_asking=not self._ledger.are_done(visit.prompt_ids),
            is_revealed=visit.is_revealed,
            can_reveal=not visit.is_revealed and not visit.is_asking,
            can_undo=visit.undoable is not None,
            pair=visit.pair,
            picks=find_picks(visit, prompt),
            notice=notice,
            told=told,
            conversations=_conversations(visit, prompts),
            are_compared=not visit.own,
            ways=self._offer(visit),
            late=LateView() if told else self._late.view(visit),
            card=card,
        )

    def _column_view(self, visit: Visit, number: int, prompt: PromptView) -> ColumnView:
        name = visit.columns[number]
        answer = next((one for one in prompt.candidates if one.seat.label == name), None)
        failure = next((one for one in prompt.failures if one.seat.label == name), None)
        shown = name if visit.is_revealed else ""
        if answer is not None:
            is_asked_about = visit.pair is not None and number in (visit.pair.first, visit.pair.second)
            return answered(answer, number, shown, is_asked_about=is_asked_about)
        if self._ledger.is_expected(prompt.prompt_id, name):
            update = self._running.find(prompt.prompt_id, name)
            waiting = ColumnView(number=number, name=shown, progress=Progress.WAITING)
            return waiting if update is None else growing(update, number, shown)
        return failed(failure, number, shown)

    def _empty_columns(self) -> tuple[ColumnView, ...]:
        n_members = len(self._members.configs)
        return tuple(ColumnView(number=number, progress=Progress.EMPTY) for number in range(n_members))


def _conversations(visit: Visit, prompts: Mapping[int, PromptView]) -> tuple[Conversation, ...]:
    """What was said before, for each column's member where each has its own."""
    if visit.own:
        return tuple(
            Conversation(tr("The conversation with {name}", name=name), prompts[prompt_id].history)
            for name, prompt_id in zip(visit.columns, visit.own, strict=True)
        )
    return tuple(Conversation(TITLE, one.history) for one in prompts.values() if one.history)

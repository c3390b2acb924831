"""How a round begins on the Blend page: with a first question, or with the next one of a conversation.

Invariant: whoever has to wait or is refused leaves no prompt behind, and a round goes on only from an answer
of the round that this tab shows. Non-goal: the answers.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.asking.going_on import WayOn
from blender_ui.services.asking.rounds import AskedView
from blender_ui.ui.asking.asking import Asking
from blender_ui.ui.asking.choosing.planning import Plan
from blender_ui.ui.asking.ledger import Ledger
from blender_ui.ui.asking.views import LONGEST_INPUT, LONGEST_INSTRUCTION, NOBODY, Turn, Visit, WaysOn
from blender_ui.ui.identity import welcome

EACH_OWN = "own"
LEAST_OWN = 2
"""Members that must be there before going on with each one's own answer is another thing."""


class Beginning:
    """Begins rounds.

    Args:
        services: The app's services.
        ledger: Is told which answers to expect.
        asking: Gives visitors of a demo their turn.
    """

    def __init__(self, services: Services, *, ledger: Ledger, asking: Asking) -> None:
        self._blending = services.blending
        self._labeling = services.labeling
        self._members = services.members
        self._choices = services.choices
        self._ledger = ledger
        self._asking = asking

    def ask(
        self, visit: Visit, instruction: str, input: str, memory: object, *, plan: Plan | None = None
    ) -> Turn:
        """Store a first question; the columns then stream by themselves.

        Args:
            visit: Who asks.
            instruction: What to do.
            input: What to do it with.
            memory: What the browser remembers.
            plan: Which members to ask; None for all.
        """
        if plan is not None and not plan.names and any(text.strip() for text in (instruction, input)):
            return Turn(visit, plan.line)

        def store(by: int) -> Visit:
            asked = self._blending.ask(
                instruction=instruction,
                input=input,
                asked_by_id=by,
                project_id=self._asking.find_project(memory),
            )
            if plan is None or plan.is_everybody:
                return self._all_answer(asked, by)
            self._choices.keep(prompt_id=asked.prompt_id, names=plan.names, proposal=plan.proposal)
            return self._all_answer(replace(asked, member_names=plan.names), by)

        return self._begin(visit, (instruction, input), memory, store)

    def go_on(self, visit: Visit, way: object, instruction: str, memory: object) -> Turn:
        """Store the next question after an answer, or after each member's own."""
        ways = self._list_ways(visit)
        chosen = [one for one in ways if way == str(one.candidate_id)]
        own = self._own_ways(visit, ways)
        if not chosen and (way != EACH_OWN or len(own) < LEAST_OWN):
            return Turn(visit, "Choose the answer to go on with first.")

        def store(by: int) -> Visit:
            project_id = self._asking.find_project(memory)
            if chosen:
                candidate_id = chosen[0].candidate_id
                asked = self._blending.go_on(
                    candidate_id=candidate_id,
                    instruction=instruction,
                    asked_by_id=by,
                    own_project_id=project_id,
                )
                return self._same_answer(visit, asked, by)
            return self._each_answers(own, instruction, by, project_id)

        return self._begin(visit, (instruction, ""), memory, store)

    def offer(self, visit: Visit) -> WaysOn:
        """The answers that this tab may go on from; none before their names are shown."""
        ways = self._list_ways(visit)
        choices = [(_say(way), str(way.candidate_id)) for way in ways]
        if len(self._own_ways(visit, ways)) >= LEAST_OWN:
            choices.append((tr("Each model with its own answer"), EACH_OWN))
        values = [value for _, value in choices]
        # Who let each model go on by itself is likely to do so again.
        wished = [EACH_OWN] if visit.own else []
        best = next((one for one in (*wished, *values) if one in values), None)
        return WaysOn(choices=tuple(choices), chosen=best)

    def _list_ways(self, visit: Visit) -> list[WayOn]:
        if not visit.is_revealed or visit.is_asking or not visit.prompt_ids:
            return []
        return self._blending.ways_on(prompt_ids=visit.prompt_ids, annotator_id=visit.annotator_id)

    def _own_ways(self, visit: Visit, ways: list[WayOn]) -> list[WayOn]:
        """The members' own answers, in the columns' order."""
        names = {config.name for config in self._members.configs}
        own: dict[str, WayOn] = {}
        for way in ways:  # of a member's several answers the preferred one, else its first
            if not way.is_fused and way.member in names:
                own.setdefault(way.member, way)
        return [own[name] for name in visit.columns if name in own]

    def _begin(
        self, visit: Visit, texts: tuple[str, str], memory: object, store: Callable[[int], Visit]
    ) -> Turn:
        if not self._ledger.are_done(visit.prompt_ids):
            return Turn(visit, "The answers are still coming. Wait for them, or press Stop first.")
        if visit == NOBODY:
            return Turn(visit, "The page is still opening. Ask again in a moment, or reload it.")
        if len(texts[0]) > LONGEST_INSTRUCTION or len(texts[1]) > LONGEST_INPUT:
            limits = tr(
                "{longest_instruction:,} characters, the text below it {longest_input:,}",
                longest_instruction=LONGEST_INSTRUCTION,
                longest_input=LONGEST_INPUT,
            )
            return Turn(
                visit, tr("This is too long: a question may have {limits}. Shorten it.", limits=limits)
            )
        place = None
        try:
            if any(text.strip() for text in texts):
                place = self._asking.enter(memory, n_characters=len(texts[0]) + len(texts[1]))
            annotator_id = visit.annotator_id or welcome(self._labeling, memory).annotator.id
            self._labeling.keep_annotator(annotator_id=annotator_id)
            begun = store(annotator_id)
        except BlenderError as error:
            self._asking.give_back(place)
            return Turn(visit, str(error))
        self._asking.name(place, begun.prompt_ids[0])
        return Turn(begun)

    def _same_answer(self, visit: Visit, asked: AskedView, annotator_id: int) -> Visit:
        """Those who answered before, where they had been chosen; else everybody."""
        if visit.own or visit.prompt_id is None or self._choices.find(visit.prompt_id) is None:
            return self._all_answer(asked, annotator_id)
        names = tuple(name for name in asked.member_names if name in visit.columns)
        if not names or names == asked.member_names:
            return self._all_answer(asked, annotator_id)
        self._choices.keep(prompt_id=asked.prompt_id, names=names)
        return self._all_answer(replace(asked, member_names=names), annotator_id)

    def _all_answer(self, asked: AskedView, annotator_id: int) -> Visit:
        labels = self._blending.seats(asked.member_names)
        self._ledger.expect(asked.prompt_id, labels)
        columns = self._labeling.order_columns(labels, prompt_id=asked.prompt_id)
        return Visit(
            annotator_id=annotator_id,
            prompt_id=asked.prompt_id,
            columns=columns,
            seed=secrets.randbits(32),
            is_asking=True,
        )

    def _each_answers(self, own: list[WayOn], instruction: str, annotator_id: int, project_id: int) -> Visit:
        """A prompt for each member, whose name everybody knows by what it said before."""
        prompt_ids = []
        for way in own:
            asked = self._blending.go_on(
                candidate_id=way.candidate_id,
                instruction=instruction,
                asked_by_id=annotator_id,
                own_project_id=project_id,
            )
            self._labeling.mark_seen(annotator_id=annotator_id, prompt_id=asked.prompt_id)
            self._ledger.expect(asked.prompt_id, [way.member])
            prompt_ids.append(asked.prompt_id)
        return Visit(
            annotator_id=annotator_id,
            prompt_id=prompt_ids[0],
            columns=tuple(way.member for way in own),
            own=tuple(prompt_ids),
            seed=secrets.randbits(32),
            is_asking=True,
            is_revealed=True,
        )


def _say(way: WayOn) -> str:
    title = tr("The fused answer") if way.is_fused else tr("{member}'s answer", member=way.label)
    return tr("{title}, which you preferred", title=title) if way.is_preferred else title

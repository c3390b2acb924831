"""What the Blend page does, without Gradio: ask, stream, vote blind, reveal.

Invariant: a handler trusts its ``Visit`` alone, which stays on the server; columns, choices and what
the browser remembers are checked, because anybody can post them. Names leave this module only after
the prompt is revealed, and revealing marks the prompt as seen. Non-goal: ranking and fusing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError, NotFound
from blender_ui.language import mark, tr
from blender_ui.services.asking.rounds import PromptView
from blender_ui.ui.asking.asking import Asking
from blender_ui.ui.asking.beginning import Beginning
from blender_ui.ui.asking.choosing.late import LateAsks
from blender_ui.ui.asking.choosing.planning import MemberChoice, Plan, Planning
from blender_ui.ui.asking.columns import failed, growing
from blender_ui.ui.asking.coming_back import ComingBack
from blender_ui.ui.asking.ledger import Ledger
from blender_ui.ui.asking.page_views import PageViews
from blender_ui.ui.asking.pair_columns import PairColumns
from blender_ui.ui.asking.picking.steps import Picking
from blender_ui.ui.asking.recorded import SAID, SHARED, RecordedColumns
from blender_ui.ui.asking.streams.running import Running
from blender_ui.ui.asking.views import (
    Choice,
    ColumnView,
    Opened,
    PageView,
    Progress,
    Turn,
    Visit,
    WaysOn,
)
from blender_ui.ui.asking.voting import Voting
from blender_ui.ui.identity import find_viewer
from blender_ui.ui.rows import read_act

RUNNING = mark(
    "The answers to this question are still coming. To follow them, put ?round={number} behind this page's "
    "address."
)
WATCH_SECONDS = 0.2
"""Between two looks at a round that was begun elsewhere."""
DRAW_SECONDS = 0.04
"""Least time between two drawings of the page, shared by its columns: each sends its text anew."""


class Blend:
    """The steps of the Blend page, shared by all visitors.

    Args:
        services: The app's services.
        timer: Seconds from a fixed point.
        pause: Waits so many seconds, between two looks at whether a visitor's turn has come.
    """

    def __init__(
        self,
        services: Services,
        *,
        timer: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._blending = services.blending
        self._labeling = services.labeling
        self._members = services.members
        self._member_list = services.member_list
        self.n_places = services.member_list.n_places
        """Columns that the page has, with those that are kept for members to come."""
        self._timer = timer
        self._ledger = Ledger()
        self._access = services.access
        self._asking = Asking(services.access)
        self._running = Running(services, ledger=self._ledger, asking=self._asking, pause=pause)
        self._beginning = Beginning(services, ledger=self._ledger, asking=self._asking)
        self._coming_back = ComingBack(services)
        self._late = LateAsks(services=services, ledger=self._ledger, asking=self._asking)
        self._views = PageViews(
            services, ledger=self._ledger, offer=self.offer, late=self._late, running=self._running
        )
        self.planning = Planning(services)
        self._pairs = PairColumns(services.labeling, services.blending, timer=timer)
        self._recorded = RecordedColumns(services=services, ledger=self._ledger, pairs=self._pairs)
        self._voting = Voting(services.labeling, pairs=self._pairs, ledger=self._ledger, timer=timer)
        self._picking = Picking(
            blending=services.blending, ballots=services.own_ballots, show=self._voting.show, timer=timer
        )

    @property
    def n_columns(self) -> int:
        """How many members can be asked now."""
        return len(self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        """The members that can be asked now."""
        return tuple(config.name for config in self._members.configs)

    def open(self, memory: object, *, wished: int | None = None) -> Opened:
        """Begin a visit; the last prompt of this browser comes back with its answers.

        Args:
            memory: What the browser remembers.
            wished: The round that the page's address asks for; only one of one's own is opened.
        """
        self._member_list.follow_file()
        visitor = find_viewer(self._access, self._labeling, memory)
        visit = Visit(
            annotator_id=visitor.annotator_id,
            seed=secrets.randbits(32),
            is_stranger=visitor.annotator_id == 0,
        )
        prompt_id, is_revealed = (visitor.memory.get(name) for name in ("prompt_id", "is_revealed"))
        own = self._coming_back.find_own_prompt(wished, visit.annotator_id) if visit.annotator_id else None
        if own is not None and wished != prompt_id:
            opened = self._lay_out_round(visit, own)
            return Opened(opened, self.remember(opened, visitor.memory))
        prompt = self._coming_back.find_prompt(prompt_id, visit.annotator_id, self._ledger.list_running())
        if prompt is not None:
            visit = self._coming_back.come_back(visit, prompt, visitor.memory.get("own"))
            visit = replace(visit, is_asking=self._is_busy(visit))
            is_revealed = self._coming_back.is_revealed(visit, bool(is_revealed))
        elif visit.annotator_id and (recorded := self._recorded.find(prompt_id)) is not None:
            visit = self._recorded.lay_out(visit, recorded)
        if visit.prompt_id is not None and not visit.own:
            if visit.is_asking:
                visit = replace(visit, is_revealed=bool(is_revealed))
                visit = self.pair_early(visit, is_back=True) or visit
            else:
                visit = self.reveal(visit).visit if is_revealed else self.settle(visit)
        return Opened(visit, self.remember(visit, visitor.memory))

    def open_round(self, visit: Visit, prompt_id: int) -> Turn:
        """Show an earlier round of this person in the place of whatever is shown."""
        prompt = self._coming_back.find_own_prompt(prompt_id, visit.annotator_id)
        if not visit.annotator_id or prompt is None:
            return Turn(visit, "This round is not one of yours, or is not there any more.")
        if self._is_busy(visit):
            return Turn(visit, "The answers are still coming. Wait for them, or press Stop first.")
        if not self._ledger.is_done(prompt.prompt_id):  # only a page that is opened follows running answers
            return Turn(visit, tr(RUNNING, number=prompt.prompt_id))
        return Turn(self._lay_out_round(visit, prompt))

    def _lay_out_round(self, visit: Visit, prompt: PromptView) -> Visit:
        """An earlier round as it was left, running or not."""
        fresh = Visit(annotator_id=visit.annotator_id, seed=visit.seed)
        shown = self._coming_back.come_back(fresh, prompt, None)
        shown = replace(shown, is_asking=self._is_busy(shown))
        is_revealed = self._coming_back.is_revealed(shown, is_remembered=False)
        if shown.is_asking:
            shown = replace(shown, is_revealed=is_revealed)
            return self.pair_early(shown, is_back=True) or shown
        return self.reveal(shown).visit if is_revealed else self.settle(shown)

    def remember(self, visit: Visit, memory: object) -> dict[str, object]:
        """What the browser is to remember of a visit, besides what it knew."""
        known = dict(memory) if isinstance(memory, Mapping) else {}
        own = {"own": list(visit.own)} if visit.own or known.get("own") else {}
        return {**known, "prompt_id": visit.prompt_id, "is_revealed": visit.is_revealed, **own}

    def ask(
        self,
        visit: Visit,
        instruction: str,
        input: str,
        memory: object = None,
        *,
        plan: Plan | None = None,
    ) -> Turn:
        """Store the question; the columns of the members in the plan then stream by themselves."""
        return self._beginning.ask(visit, instruction, input, memory, plan=plan)

    def plan(
        self, visit: Visit, way: object, ticked: object, texts: tuple[str, str], before: Plan | None
    ) -> Plan:
        """Who would be asked; see ``Planning.plan``. A mistake becomes the line."""
        names = ticked if isinstance(ticked, list) else []
        try:
            return self.planning.plan(way, names, texts, seed=visit.seed, before=before)
        except BlenderError as error:
            return Plan(way=MemberChoice.BEST, texts=texts, names=(), line=str(error))

    def ask_also(self, visit: Visit, name: object) -> Turn:
        """Expect an answer of one member that was left out; ``stream`` of the last column then asks."""
        if self._recorded.holds(visit):
            return Turn(visit, SHARED)
        return self._late.ask(visit, name)

    def open_example(self, visit: Visit, number: object, memory: object = None) -> Turn:
        """Show a recorded round at once; see ``RecordedColumns.open``."""
        return self._recorded.open(visit, number, memory)

    def go_on(self, visit: Visit, way: object, instruction: str, memory: object = None) -> Turn:
        """Store the next question of the conversation; the columns then stream by themselves.

        Args:
            visit: Whose names are shown.
            way: One of ``offer``'s choices.
            instruction: The question.
            memory: What the browser remembers.
        """
        return self._beginning.go_on(visit, way, instruction, memory)

    def offer(self, visit: Visit) -> WaysOn:
        """The answers that the next question may follow."""
        return self._beginning.offer(visit)

    def stream(self, visit: Visit, number: int) -> Iterator[ColumnView]:
        """Let one column's member answer, if its answer is expected, and follow it to its end.

        The answer is written whether or not anybody follows it.
        """
        name, prompt_id = self._column(visit, number), visit.prompt_of(number)
        if name is None or prompt_id is None:
            return
        updates = self._running.join(visit.prompt_ids, prompt_id, name)
        if updates is None:
            return
        shown = name if visit.is_revealed else ""
        yield ColumnView(number=number, name=shown, progress=Progress.WAITING)
        drawn_at, is_kept = float("-inf"), False
        for update in updates:
            is_kept = update.is_done
            shown = shown or (name if self._ledger.is_shown(prompt_id) else "")
            if update.is_done or self._timer() - drawn_at >= DRAW_SECONDS * len(visit.columns):
                drawn_at = self._timer()
                yield growing(update, number, shown)
        if not is_kept:
            yield failed(None, number, shown)

    def stop(self, visit: Visit) -> None:
        """Stop every answer of this prompt that is being written or waits."""
        for prompt_id in visit.prompt_ids:
            self._ledger.forget_waiting(prompt_id)
            self._asking.stop(prompt_id)
        self._leave_if_done(visit)
        for prompt_id in visit.prompt_ids:
            self._blending.stop(prompt_id=prompt_id)

    def stop_one(self, visit: Visit, number: int) -> None:
        """Stop one column's answer; the others go on."""
        name, prompt_id = self._column(visit, number), visit.prompt_of(number)
        if name is not None and prompt_id is not None:
            self._blending.stop(prompt_id=prompt_id, label=name)

    def retry(self, visit: Visit, number: int) -> Turn:
        """Expect one column's answer once more; ``stream`` then asks."""
        if self._recorded.holds(visit):
            return Turn(visit, SHARED)
        name = self._column(visit, number)
        prompt_id = None if name is None else visit.prompt_of(number)
        if name is None or visit.prompt_id is None or prompt_id is None:
            return Turn(visit, "There is nothing to ask again here. Ask a question first.")
        answers = self._blending.answers(prompt_id=prompt_id).candidates
        if any(candidate.seat.label == name for candidate in answers):
            return Turn(visit, "This model has answered already.")
        if self._blending.seat(name).member not in self._names:
            return Turn(visit, "This model is no longer among the members, so it cannot be asked again.")
        try:
            if not self._asking.holds(visit.prompt_id):
                self._asking.name(self._asking.enter(None), visit.prompt_id)
        except BlenderError as error:
            return Turn(visit, str(error))
        self._ledger.expect(prompt_id, [name])
        return Turn(replace(visit, is_asking=True))

    def settle(self, visit: Visit) -> Visit:
        """Once every answer has ended, lend a pair of them; where there is none to vote on, reveal."""
        prompt_id = visit.prompt_id
        if prompt_id is None or self._is_busy(visit):
            return visit
        if visit.pair is not None and not visit.is_asking:
            return visit
        visit = replace(visit, is_asking=False)
        if visit.pair is not None and self._has_voted(visit):  # at this moment, on the first two
            visit = self._voting.show(visit)
        if visit.is_revealed:
            if not visit.own and not self._recorded.holds(visit):
                self._labeling.queue_prompt(prompt_id=prompt_id)  # others may vote on the last answers
            return visit
        if len({entry.text for entry in self._answers(visit).candidates}) < 2:
            return self.reveal(visit).visit if visit.columns else visit
        if not self._recorded.holds(visit):  # whose pairs are in the queue from the start
            self._labeling.queue_prompt(prompt_id=prompt_id)
        return visit if visit.pair is not None else self._pairs.draw(visit)

    def pair_early(self, visit: Visit, *, is_back: bool = False) -> Visit | None:
        """Lend a pair as soon as two answers that differ are there; None where nothing changes.

        Args:
            visit: Whose round.
            is_back: Whether the page was opened anew, so that its pair is not drawn yet.
        """
        prompt_id = visit.prompt_id
        is_blind = visit.is_asking and not visit.is_revealed and not visit.own
        if prompt_id is None or not is_blind or visit.pair is not None:
            return None
        if len({entry.text.strip() for entry in self._answers(visit).candidates}) < 2:
            return None
        if not is_back and not self._ledger.claim_pair(prompt_id):
            return None
        self._labeling.queue_prompt(prompt_id=prompt_id)
        paired = self._pairs.draw(visit)
        return None if paired.pair is None else paired

    def settle_once(self, visit: Visit) -> Visit | None:
        """``settle``, for the first stream that sees all answers ended; None for every other.

        Streams that end together would each draw the question, and one of them perhaps after the vote on it.
        """
        return self.settle(visit) if self._ledger.claim_end(visit.prompt_ids) else None

    def watch(self, visit: Visit) -> Iterator[ColumnView]:
        """The columns of a round that was running when the page was opened, as they change, to the end."""
        if not visit.is_asking:
            return
        places = [(number, name, visit.prompt_of(number)) for number, name in enumerate(visit.columns)]
        for _, name, prompt_id in places:
            if prompt_id is not None:  # whoever asked may have left before the answer was begun
                self._running.join(visit.prompt_ids, prompt_id, name)
        drawn: dict[int, object] = {}
        while self._is_busy(visit):
            for number, name, prompt_id in places:
                update = None if prompt_id is None else self._running.find(prompt_id, name)
                is_over = prompt_id is not None and not self._ledger.is_expected(prompt_id, name)
                if is_over and drawn.get(number) is not Progress.DONE:
                    drawn[number] = Progress.DONE
                    yield self.page(visit).columns[number]
                elif update is not None and not is_over and update is not drawn.get(number):
                    drawn[number] = update
                    is_told = visit.is_revealed or (
                        prompt_id is not None and self._ledger.is_shown(prompt_id)
                    )
                    yield growing(update, number, name if is_told else "")
            busy = next((one for one in visit.prompt_ids if not self._ledger.is_done(one)), None)
            if busy is not None:
                self._ledger.wait(busy, seconds=WATCH_SECONDS)

    def vote(self, visit: Visit, choice: Choice, reason: str = "") -> Turn:
        """Take the vote on the lent pair, then reveal. The same pair counts once."""
        return self._voting.vote(visit, choice, reason)

    def pick(self, visit: Visit, pressed: object, reason: str = "") -> Turn:
        """Choose the best of all answers, or put them in order; see ``Picking.press``."""
        try:
            return self._picking.press(visit, read_act(pressed), reason)
        except BlenderError as error:
            return Turn(visit, str(error))

    def skip(self, visit: Visit) -> Turn:
        """Leave the pair to others and draw another of this prompt."""
        return self._voting.skip(visit)

    def undo(self, visit: Visit) -> Turn:
        """Take the last vote or skip on this prompt back."""
        return self._voting.undo(visit)

    def reveal(self, visit: Visit) -> Turn:
        """Show the names; no pair of this prompt is blind to this person from now on."""
        return self._voting.reveal(visit)

    def page(self, visit: Visit, *, notice: str = "") -> PageView:
        """The page as the store has it. Answers that are being written are shown as far as they are."""
        return self._views.page(visit, notice=notice, told=SAID if self._recorded.holds(visit) else "")

    def _answers(self, visit: Visit) -> PromptView:
        if visit.prompt_id is None:
            raise NotFound("there is no prompt yet; ask a question first")
        return self._blending.answers(prompt_id=visit.prompt_id)

    def _has_voted(self, visit: Visit) -> bool:
        return visit.prompt_id is not None and self._labeling.has_seen(
            annotator_id=visit.annotator_id, prompt_id=visit.prompt_id
        )

    def _leave_if_done(self, visit: Visit) -> None:
        """Give the place of a round to the next question, once its answers have ended."""
        if visit.prompt_id is not None and not self._is_busy(visit):
            self._asking.leave(visit.prompt_id)

    def _is_busy(self, visit: Visit) -> bool:
        return not self._ledger.are_done(visit.prompt_ids)

    @staticmethod
    def _column(visit: Visit, number: int) -> str | None:
        return visit.columns[number] if 0 <= number < len(visit.columns) else None

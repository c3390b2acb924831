"""Ranking and fusing for the Blend page, without Gradio.

Invariant: nothing of a result is given out before its prompt is revealed, and a failed ranking
never hides the fused answer. Non-goal: how they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from blender_ui.bootstrap import Services
from blender_ui.conversations import read_prompt
from blender_ui.errors import BlenderError, NoRanker, QuotaUsedUp
from blender_ui.evidence.summary import list_claims
from blender_ui.language import tr
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.fusing.rows import FusionView
from blender_ui.ui.asking.asking import Asking
from blender_ui.ui.asking.recorded import SHARED, find_recorded_ranking
from blender_ui.ui.asking.reveal.card import Cards
from blender_ui.ui.asking.reveal.views import Card
from blender_ui.ui.asking.views import ResultView, Visit
from blender_ui.ui.identity import open_links
from blender_ui.ui.marked import Difference, difference

LEAST = 2
"""Answers that there must be before ranking or fusing them means anything."""
NOT_ALL = "The order of all answers and the one fused from them come with the last answer."
WAYS_TO_A_RANKING = (("Label pairs", "./label"), ("Import votes", "./data"), ("Train", "./train"))


class Results:
    """The ranking and the fused answer of a prompt.

    Args:
        services: The app's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._blending = services.blending
        self._ranking = services.ranking
        self._fusing = services.fusing
        self._access = services.access
        self._asking = Asking(services.access)
        self._bets = services.bets
        self._cards = Cards(services)

    def follow(self, visit: Visit) -> Iterator[ResultView]:
        """What comes after a step: before the names are shown nothing that can be seen.

        While the person still reads, the answers are ranked: the ranker's bet is on record before the vote,
        and the ranking is there at once after it.
        """
        if visit.prompt_id is None or visit.own:
            return
        answers = self._blending.answers(prompt_id=visit.prompt_id)
        if visit.is_revealed and visit.is_asking:
            yield ResultView(
                card=self._cards.find(visit, answers, with_moves=True),
                ranking_notice=NOT_ALL,
                fusion_notice=NOT_ALL,
            )
        elif visit.is_revealed:
            yield from self._show(answers, self._cards.find(visit, answers, with_moves=True))
        elif len(answers.candidates) >= LEAST and (visit.pair is not None or not visit.is_asking):
            self._lay_bet(visit, self._rank(answers, ResultView()))

    def _lay_bet(self, visit: Visit, view: ResultView) -> None:
        """Put the ranking on record while the pair is still to be voted on."""
        if visit.pair is not None and view.ranking is not None:
            self._bets.lay(lease_id=visit.pair.lease_id, ranking_id=view.ranking.ranking_id)

    def fuse_again(self, visit: Visit, rounds: int) -> Iterator[ResultView]:
        """Fuse once more, in so many rounds; nothing before the names are shown."""
        if visit.prompt_id is None or visit.is_asking or not visit.is_revealed or visit.own:
            return
        answers = self._blending.answers(prompt_id=visit.prompt_id)
        if self._services.recorded.holds(visit.prompt_id):
            yield self._keep_shown(answers, SHARED)
            return
        place = None
        try:
            place = self._asking.enter(None)
            if not self._asking.is_turn(place):
                raise QuotaUsedUp("The models answer other questions. Press again in a minute.")
            yield from self._fuse_again(answers, rounds)
        except QuotaUsedUp as error:
            yield self._keep_shown(answers, str(error))
        finally:
            self._asking.give_back(place)

    def _fuse_again(self, answers: PromptView, rounds: int) -> Iterator[ResultView]:
        view = self._rank(answers, ResultView())
        notice = tr("The members answer again, with all answers before them …")
        yield from self._write(answers, replace(view, fusion_notice=notice), rounds=rounds)

    def _keep_shown(self, answers: PromptView, notice: str) -> ResultView:
        """What is there already, with a sentence above it."""
        view, known = self._rank(answers, ResultView()), self._find_current(answers)
        text = known.text if known is not None else ""
        return replace(view, fused_text=text, fusion=known, fusion_notice=notice, is_done=True)

    def _show(self, answers: PromptView, card: Card | None) -> Iterator[ResultView]:
        if len(answers.candidates) < LEAST:
            yield ResultView(
                card=card,
                ranking_notice=tr(
                    "There is nothing to rank or fuse: fewer than two models answered. Press Retry "
                    "under a column, or ask another question."
                ),
                is_done=True,
            )
            return
        yield (view := ResultView(card=card, ranking_notice=tr("Ranking the answers …")))
        yield (view := self._rank(answers, view))
        yield from self._fuse(answers, view)

    def _rank(self, answers: PromptView, view: ResultView) -> ResultView:
        texts = [candidate.text for candidate in answers.candidates]
        members = tuple(candidate.seat.label for candidate in answers.candidates)
        view = replace(view, members=members, claims=list_claims(read_prompt(answers), texts))
        recorded = find_recorded_ranking(self._services, answers)
        if recorded is not None:
            return replace(view, ranking=recorded, ranking_notice="")
        try:
            return replace(view, ranking=self._ranking.rank_answers(answers), ranking_notice="")
        except NoRanker as error:
            ways = tuple(open_links(self._access, WAYS_TO_A_RANKING))
            return replace(view, ranking_notice=str(error), ways=ways)
        except BlenderError as error:
            return replace(
                view, ranking_notice=tr("The answers could not be ranked: {error}", error=tr(str(error)))
            )

    def _fuse(self, answers: PromptView, view: ResultView) -> Iterator[ResultView]:
        known = self._find_current(answers)
        if known is not None:
            yield replace(view, fused_text=known.text, fusion=known, fusion_notice=known.notice, is_done=True)
            return
        if self._services.recorded.holds(answers.prompt_id):
            yield replace(view, fusion_notice="No fused answer was recorded.", is_done=True)
            return
        yield from self._write(answers, replace(view, fusion_notice="Fusing the best answers …"))

    def _write(self, answers: PromptView, view: ResultView, *, rounds: int = 1) -> Iterator[ResultView]:
        yield view
        try:
            for update in self._fusing.fuse(answers, rounds=rounds):
                view = replace(view, fused_text=update.text, fusion=update.fusion, is_done=update.is_done)
                yield (view := replace(view, fusion_notice=update.notice) if update.is_done else view)
        except BlenderError as error:
            yield replace(
                view,
                fusion_notice=tr("There is no fused answer: {error}", error=tr(str(error))),
                is_done=True,
            )

    def _find_current(self, answers: PromptView) -> FusionView | None:
        """The fused answer that is there already, unless an answer has come since."""
        fusion = self._fusing.find_fusion(prompt_id=answers.prompt_id)
        if fusion is None or fusion.candidate_id is None:
            return None
        newest = max((answer.candidate_id for answer in answers.candidates), default=0)
        return fusion if newest < fusion.candidate_id else None


def shown_text(result: ResultView) -> str:
    """The text that stands as the blend: the fused one, or the best source's in its place."""
    fusion = result.fusion
    if fusion is None:
        return result.fused_text
    return fusion.best.text if fusion.shown == "best_source" else fusion.text


def first_to_compare(result: ResultView) -> str | None:
    """The best-ranked member whose answer is not itself what is shown."""
    fusion = result.fusion
    if fusion is None:
        return None
    is_shown = {fusion.best.member} if fusion.shown == "best_source" else set()
    others = [source.member for source in fusion.sources if source.member not in is_shown]
    return next(iter(others), None)


def compare(result: ResultView | None, member: object) -> tuple[Difference, ...]:
    """What turns a member's answer into the one that is shown; nothing where either is missing."""
    if result is None or result.fusion is None:
        return ()
    source = next((entry for entry in result.fusion.sources if entry.member == member), None)
    return () if source is None else difference(source.text, shown_text(result))

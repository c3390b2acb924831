"""One request that is served: the members are asked, ranked and fused as the Blend page does it.

A stored prompt, a stored answer or failure of each member, a stored ranking, a stored fusion; then the pairs
wait for people on the Label page. Invariant: nothing is shown that is not stored, and a program that goes
away stops what was asked for it. Non-goal: HTTP.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import FusionError, MemberError, RankerError
from blender_ui.members.asking import Ensemble
from blender_ui.ranking.chances import win_chances
from blender_ui.services.asking.rounds import Blending, PromptView
from blender_ui.services.candidates import CandidateView, candidate_view, get_candidate
from blender_ui.services.choosing.kept import add_choice
from blender_ui.services.choosing.proposal import Proposal
from blender_ui.services.choosing.proposals import Proposals
from blender_ui.services.fusing.fused_answers import Fusing, FusionUpdate
from blender_ui.services.fusing.rows import FusionView
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.rows import RankingView
from blender_ui.services.serving.asking import Ask, Asked, Growing, Round, view_asked
from blender_ui.services.serving.views import AskedMember, Blend, Choice, Piece, Served, Wanted
from db.engine import transaction

_STOPPED = "the request was stopped"


class Rooms(NamedTuple):
    """The services that a request goes through."""

    engine: Engine
    members: Ensemble
    blending: Blending
    proposals: Proposals
    ranking: RankingService
    fusing: Fusing
    labeling: Labeling


class Crew(NamedTuple):
    """Who is asked, and why."""

    asks: Sequence[Ask]
    proposal: Proposal | None = None
    notice: str = ""

    def keep(self, session: Session, prompt_id: int) -> None:
        """Keep with a prompt whom it is asked."""
        names = list(dict.fromkeys(ask.member for ask in self.asks))
        add_choice(session, prompt_id=prompt_id, names=names, proposal=self.proposal)


class _Blended(NamedTuple):
    """What is shown, and what it was made of."""

    choices: tuple[Choice, ...]
    ranking: RankingView | None = None
    fusion: FusionView | None = None
    notice: str = ""


class Serve:
    """A prompt that is stored, and who is to answer it.

    Args:
        rooms: What it goes through.
        wanted: What the program asked for.
        crew: Who is asked.
        prompt_id: What is asked.
    """

    def __init__(self, rooms: Rooms, wanted: Wanted, crew: Crew, prompt_id: int) -> None:
        self.prompt_id = prompt_id
        self._rooms = rooms
        self._wanted = wanted
        self._crew = crew
        self._round = Round(rooms.blending, prompt_id=prompt_id, sampling=wanted.sampling)
        self._ended: list[Asked] = []
        self._fused: CandidateView | None = None
        self._is_stopped = False

    @property
    def n_tokens(self) -> int:
        """What members and the fuser read and wrote so far, as far as they were counted."""
        ends = [(one.end.n_prompt_tokens or 0) + (one.end.n_tokens or 0) for one in self._ended]
        return sum(ends) + ((self._fused.n_tokens or 0) if self._fused else 0)

    def stop(self) -> None:
        """Stop what is asked, from any thread: the program has gone away."""
        self._is_stopped = True
        self._round.stop()
        self._rooms.fusing.stop(prompt_id=self.prompt_id)

    def events(self) -> Iterator[Piece | Served]:
        """What is shown as it grows, and at the end all that came of it.

        Raises:
            MemberError: If no member answered, or the request was stopped.
            RankerError: If the ranker failed.
        """
        if self._is_stopped:
            raise MemberError(_STOPPED, kind="stopped")
        if self._wanted.blend is None:
            yield from self._pass_on()
            blended = _Blended(self._list_choices())
        else:
            self._ended = self._round.wait_for(self._crew.asks)
            blended = yield from self._blend(self._wanted.blend)
        self._rooms.labeling.queue_prompt(prompt_id=self.prompt_id)
        yield self._report(blended)

    def _pass_on(self) -> Iterator[Piece]:
        """One member's answers, at its own speed."""
        asks = self._crew.asks
        events = self._round.follow(asks[0], 0) if len(asks) == 1 else self._round.follow_all(asks)
        for event in events:
            if isinstance(event, Asked):
                self._ended.append(event)
            else:
                yield event

    def _list_choices(self) -> tuple[Choice, ...]:
        by_id = {one.candidate_id: one for one in self._read_answers().candidates}
        answered = [one for one in self._ended if one.end.candidate_id is not None]
        return tuple(
            _choose(one.choice, by_id[one.end.candidate_id or 0])
            for one in sorted(answered, key=lambda one: one.choice)
        )

    def _blend(self, blend: Blend) -> Generator[Piece, None, _Blended]:
        answers = self._read_answers()
        if len(answers.candidates) == 1:
            alone = _choose(0, answers.candidates[0])
            yield Piece(0, alone.text)
            return _Blended((alone,), notice="Only one member answered.")
        ranking = self._rooms.ranking.rank_answers(answers)
        by_id = {one.candidate_id: one for one in answers.candidates}
        best = [by_id[entry.candidate_id] for entry in ranking.entries]
        if blend is not Blend.BEST:
            return (yield from self._fuse(blend, answers, ranking, best))
        choices = self._number(best)
        yield from (Piece(one.index, one.text) for one in choices)
        return _Blended(choices, ranking)

    def _fuse(
        self, blend: Blend, answers: PromptView, ranking: RankingView, best: Sequence[CandidateView]
    ) -> Generator[Piece, None, _Blended]:
        """Fuse; what the fuser writes is shown as it grows where it is wanted whatever it is like."""
        growing, update, trouble = Growing(0), FusionUpdate(text=""), ""
        try:
            for update in self._rooms.fusing.fuse(answers):
                piece = growing.grow(update.text) if blend is Blend.FUSED and update.text else None
                if piece is not None:
                    yield piece
        except FusionError as error:
            trouble = f"There is no fused answer: {error}"
        fusion = update.fusion
        if fusion is not None and fusion.candidate_id is not None:
            fused = self._fused = self._read_fused(fusion.candidate_id, fusion.fuser)
            judged = self._judge(answers, fusion.candidate_id)
            best = self._best_after(fusion, best)
            if blend is Blend.FUSED or (judged is not None and fusion.shown == "fused"):
                best = [fused, *best]
            ranking = judged or ranking
        choices = self._number(best, fused_id=None if fusion is None else fusion.candidate_id)
        for one in choices:
            piece = growing.grow(one.text) if one.index == 0 else Piece(one.index, one.text)
            if piece is not None:
                yield piece
        return _Blended(choices, ranking, fusion, trouble or update.notice)

    def _judge(self, answers: PromptView, fused_id: int) -> RankingView | None:
        """The ranking with the fused answer in it; None where the ranker failed at it."""
        ids = [*(one.candidate_id for one in answers.candidates), fused_id]
        try:
            return self._rooms.ranking.rank(prompt_id=self.prompt_id, candidate_ids=ids)
        except RankerError:
            return None

    @staticmethod
    def _best_after(fusion: FusionView, best: Sequence[CandidateView]) -> list[CandidateView]:
        """The source that is shown in the fused answer's place goes first."""
        return sorted(best, key=lambda one: one.candidate_id != fusion.best.candidate_id)

    def _number(self, best: Sequence[CandidateView], fused_id: int | None = None) -> tuple[Choice, ...]:
        shown = best[: self._wanted.n]
        return tuple(
            _choose(index, one, is_fused=one.candidate_id == fused_id) for index, one in enumerate(shown)
        )

    def _read_answers(self) -> PromptView:
        if self._is_stopped:
            raise MemberError(_STOPPED, kind="stopped")
        answers = self._rooms.blending.answers(prompt_id=self.prompt_id)
        if not answers.candidates:
            reasons = dict.fromkeys(one.end.failure.message for one in self._ended if one.end.failure)
            raise MemberError(f"no member answered: {'; '.join(reasons)}", kind="bad_response")
        return answers

    def _read_fused(self, candidate_id: int, fuser: str) -> CandidateView:
        with transaction(self._rooms.engine) as session:
            return candidate_view(get_candidate(session, candidate_id), fuser)

    def _report(self, blended: _Blended) -> Served:
        prices = {config.name: config.price for config in self._rooms.members.configs}
        asked = [view_asked(one, price=prices.get(one.ask.member)) for one in self._ended]
        if blended.ranking is not None:
            asked = _add_ranks(asked, blended.ranking)
        proposal = self._crew.proposal
        return Served(
            prompt_id=self.prompt_id,
            choices=blended.choices,
            asked=tuple(sorted(asked, key=lambda one: (one.answer_id is None, one.rank or 0))),
            ranker_version=None if blended.ranking is None else blended.ranking.version.id,
            chooser_version=None if proposal is None else proposal.version_id,
            fusion=blended.fusion,
            n_fuser_tokens=None if self._fused is None else self._fused.n_tokens,
            notice=" ".join(said for said in (self._crew.notice, blended.notice) if said),
        )


def _choose(index: int, answer: CandidateView, *, is_fused: bool = False) -> Choice:
    return Choice(
        index=index,
        answer_id=answer.candidate_id,
        member=answer.member,
        is_fused=is_fused,
        text=answer.text,
        finish_reason=answer.finish_reason or "stop",
    )


def _add_ranks(asked: Sequence[AskedMember], ranking: RankingView) -> list[AskedMember]:
    entries = {entry.candidate_id: entry for entry in ranking.entries}
    chances = dict(zip(entries, win_chances(np.array(ranking.logits)).tolist(), strict=True))
    return [
        one
        if one.answer_id not in entries
        else replace(
            one,
            rank=entries[one.answer_id].rank,
            score=entries[one.answer_id].score,
            win_probability=chances[one.answer_id],
        )
        for one in asked
    ]

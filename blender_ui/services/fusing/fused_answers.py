"""Fuse the best candidates of a prompt into one answer, and have the ranker judge it.

Invariant: every fusion leaves exactly one Fusion row. If the fuser fails, or its answer ranks below the
best source, the page shows that source. Non-goal: how a fuser
works, and how a ranker judges.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from blender_ui.conversations import read_prompt
from blender_ui.errors import FusionError, NoRanker, RankerError
from blender_ui.evidence.grounding import obedient_places
from blender_ui.fusion.attribution import attribute_spans
from blender_ui.fusion.encoding import in_rank_order
from blender_ui.fusion.fusers import settle
from blender_ui.fusion.pieces import MOST_ADDED
from blender_ui.fusion.protocol import FusedPiece, Fuser
from blender_ui.fusion.shown import heed_votes, strong_sources, usable_sources
from blender_ui.services.asking.answering import UPDATE_SECONDS
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.asking.stopping import Stops
from blender_ui.services.candidates import FUSION_BACKEND, CandidateView
from blender_ui.services.fusing.disposing import Comparer, choose_text
from blender_ui.services.fusing.rows import FusedAnswer, FusionView, add_fusion, fusion_view
from blender_ui.services.labeling.loop import Labeling
from blender_ui.values import Message, RankingPrompt
from db.engine import transaction
from db.models import Fusion, Member
from db.queries import fusions, preferences

STOPPED = "fusing was stopped"


class Entry(Protocol):
    """One candidate's place in a ranking."""

    @property
    def candidate_id(self) -> int:
        """Which candidate."""

    @property
    def rank(self) -> int:
        """1 is best."""


class Judgement(Protocol):
    """A stored ranking."""

    @property
    def ranking_id(self) -> int:
        """Its key."""

    @property
    def entries(self) -> Sequence[Entry]:
        """Every ranked candidate, best first."""

    @property
    def logits(self) -> Sequence[Sequence[float]]:
        """Shape (n, n) in the entries' order: natural-log odds that row, shown first, beats column."""


class Judge(Comparer, Protocol):
    """Who puts candidates in order; ``RankingService``."""

    def rank_answers(self, answers: PromptView) -> Judgement:
        """Rank all candidates and store the ranking; raises NoRanker or RankerError."""


@dataclass(frozen=True, kw_only=True)
class FusionUpdate:
    """The state of a fused answer while it is written; the last has ``is_done``."""

    text: str
    """The whole text so far, not the new piece."""
    is_done: bool = False
    fusion: FusionView | None = None
    """Set on the last update; None there where there was nothing to fuse."""
    notice: str = ""
    """On the last update, the sentence to show; empty where there is nothing to say."""


class _Plan(NamedTuple):
    answers: PromptView
    sources: tuple[CandidateView, ...]
    """Best first."""
    ranking_id: int | None
    trouble: str
    """Why there is no ranking although there is a ranker; empty otherwise."""
    fuser: Fuser
    """Settled, so that it is still who wrote the text when the text is stored."""


class Fusing:
    """Fuses answers; safe to share between threads.

    Args:
        engine: The store.
        fuser: Who fuses.
        mixture: Who fuses in two rounds; None where nobody can.
        judge: Who puts them in order, and the fused answer among them.
        labeling: Where the fused answer is queued as another candidate.
        top_k: How many candidates, best first, the fuser is given.
        clock: Gives the present time in UTC, for the rows.
        timer: Seconds from a fixed point, for durations.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        fuser: Fuser,
        mixture: Fuser | None = None,
        judge: Judge,
        labeling: Labeling,
        top_k: int,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._fuser = fuser
        self._mixture = mixture
        self._judge = judge
        self._labeling = labeling
        self._top_k = top_k
        self._clock = clock
        self._timer = timer
        self._stops = Stops()

    @property
    def fuser_name(self) -> str:
        """Who fuses, as people see it."""
        return self._fuser.name

    @property
    def fuser_options(self) -> dict[str, object]:
        """What shapes its answers besides the name, JSON-ready."""
        return self._fuser.options

    def fuse(self, answers: PromptView, *, rounds: int = 1) -> Iterator[FusionUpdate]:
        """Fuse the best of a prompt's answers, store the fused one, and let the ranker judge it.

        Before there is a ranker the candidates are taken in the members' order, and the notice
        says so. Closing the generator stops the fuser; so does ``stop`` from another thread.

        Args:
            answers: Of the prompt.
            rounds: 2 lets the members answer again with all answers before them first.

        Yields:
            The answer as it grows, and at the end one update with ``is_done`` and the fusion. With
            fewer than two different candidates there is only the last update, without a fusion.

        Raises:
            FusionError: If nobody can fuse in so many rounds.
        """
        fuser = self._fuser_of(rounds)
        plan = self._plan(answers, fuser)
        if len({" ".join(source.text.split()) for source in plan.sources}) < 2:
            yield FusionUpdate(text="", is_done=True, notice=_nothing_to_fuse(plan.sources))
            return
        writing = _Writing(self._timer)
        with self._stops.running(answers.prompt_id, fuser.name) as stop:
            prompt = read_prompt(answers)
            texts = [source.text for source in plan.sources]
            try:
                yield from writing.follow(fuser.stream(prompt, texts, stop=stop))
            except FusionError as error:
                yield self._finish(plan, STOPPED if stop.is_set() else str(error))
            except GeneratorExit:
                self._store(plan, STOPPED)
                raise
            else:
                kept = choose_text(self._judge, prompt, plan.sources, writing.text)
                yield self._finish(plan, writing.answer(texts, kept=kept))

    def stop(self, *, prompt_id: int) -> int:
        """Stop the fusions of a prompt that are being written; says how many there were."""
        return self._stops.stop(prompt_id)

    def find_fusion(self, *, prompt_id: int) -> FusionView | None:
        """The latest fusion of a prompt, with what the latest ranking says of it."""
        with transaction(self._engine) as session:
            fusion = fusions.find_latest(session, prompt_id=prompt_id)
            return None if fusion is None else fusion_view(session, fusion)

    def fuse_texts(
        self,
        *,
        instruction: str,
        input: str = "",
        history: Sequence[Message] = (),
        candidates: Sequence[str],
        rounds: int = 1,
    ) -> FusedAnswer:
        """Fuse texts without storing anything; only the first ``top_k`` are taken.

        Args:
            instruction: What the candidates answer.
            input: What the instruction is about.
            history: The messages before.
            candidates: Best first.
            rounds: As for ``fuse``.

        Raises:
            FusionError: If there are fewer than two candidates or the fuser gives no answer.
        """
        texts = list(candidates[: self._top_k])
        if len(texts) < 2:
            raise FusionError(f"expected at least two candidates to fuse, came {len(texts)}")
        writing = _Writing(self._timer)
        prompt = RankingPrompt(instruction=instruction, input=input, history=tuple(history))
        for _ in writing.follow(self._fuser_of(rounds).stream(prompt, texts)):
            pass
        return writing.answer(texts)

    def _fuser_of(self, rounds: int) -> Fuser:
        fuser = {1: self._fuser, 2: self._mixture}.get(rounds)
        if fuser is None:
            raise FusionError(f"expected one or two rounds, came {rounds}")
        return settle(fuser)

    def _plan(self, answers: PromptView, fuser: Fuser) -> _Plan:
        candidates, ranking_id, trouble = answers.candidates, None, ""
        if len(candidates) > 1:
            try:
                ranking = self._judge.rank_answers(answers)
            except NoRanker:
                pass
            except RankerError as error:
                trouble = _ranker_failed(error)
            else:
                rank = {entry.candidate_id: entry.rank for entry in ranking.entries}
                order = in_rank_order([rank[one.candidate_id] for one in candidates], top_k=len(candidates))
                candidates, ranking_id = tuple(candidates[index] for index in order), ranking.ranking_id
                chances = _chances(ranking)
                candidates = tuple(
                    strong_sources(candidates, [chances[one.candidate_id] for one in candidates])
                )
        candidates = self._heed_votes(answers, candidates)
        sources = _without_obedient(answers, candidates)
        return _Plan(answers, sources[: self._top_k], ranking_id, trouble, fuser)

    def _heed_votes(
        self, answers: PromptView, candidates: Sequence[CandidateView]
    ) -> tuple[CandidateView, ...]:
        """Put what people preferred here before what they preferred it to, whatever the ranker says.

        A source that the ranker holds for weak comes back where it was preferred to one that it does not.
        """
        with transaction(self._engine) as session:
            won = preferences.list_won(session, prompt_id=answers.prompt_id)
        known = {one.candidate_id: one for one in answers.candidates}
        strong = [one.candidate_id for one in candidates]
        to_strong = {winner for winner, loser in won if loser in strong}
        preferred = [one for one in known if one in to_strong and one not in strong]
        return tuple(known[one] for one in heed_votes([*strong, *preferred], won))

    def _finish(self, plan: _Plan, outcome: FusedAnswer | str) -> FusionUpdate:
        fusion, trouble = self._store(plan, outcome), plan.trouble
        if fusion.candidate_id is not None and not isinstance(outcome, str):
            self._labeling.queue_prompt(prompt_id=fusion.prompt_id)
            if fusion.ranking_id is not None:
                trouble = self._let_judge(plan, fusion.candidate_id, outcome)
        with transaction(self._engine) as session:
            view = fusion_view(session, fusion)
        notice = " ".join(sentence for sentence in (trouble, view.notice) if sentence)
        return FusionUpdate(text=view.text, is_done=True, fusion=view, notice=notice)

    def _store(self, plan: _Plan, outcome: FusedAnswer | str) -> Fusion:
        with transaction(self._engine, immediate=True) as session:
            return add_fusion(
                session,
                prompt_id=plan.answers.prompt_id,
                ranking_id=plan.ranking_id,
                member=self._member(plan.fuser),
                sources=plan.sources,
                outcome=outcome,
                now=self._clock(),
            )

    def _let_judge(self, plan: _Plan, fused_id: int, answer: FusedAnswer) -> str:
        """Rank the fused answer among all candidates; gives a sentence where that failed."""
        fused = CandidateView(
            candidate_id=fused_id,
            member=_member_name(plan.fuser),
            text=answer.text,
            seconds=answer.seconds,
            first_token_seconds=answer.first_token_seconds,
            n_tokens=answer.n_tokens,
            finish_reason=answer.finish_reason,
        )
        answers = replace(plan.answers, candidates=(*plan.answers.candidates, fused))
        try:
            self._judge.rank_answers(answers)
        except (NoRanker, RankerError) as error:
            return _ranker_failed(error)
        return ""

    def _member(self, fuser: Fuser) -> Member:
        options = fuser.options | {"top_k": self._top_k, "pieces": MOST_ADDED}
        identity = json.dumps({"fuser": fuser.name, "options": options}, sort_keys=True)
        return Member(
            name=_member_name(fuser),
            backend=FUSION_BACKEND,
            model=fuser.name,
            options=options,
            fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
            created_at=self._clock(),
        )


class _Writing:
    """Follows a fuser's stream and measures it."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._started = timer()
        self._first_token_seconds: float | None = None
        self._last = FusedPiece("", 0)

    def follow(self, pieces: Generator[FusedPiece]) -> Iterator[FusionUpdate]:
        shown_at = float("-inf")
        with contextlib.closing(pieces):
            for piece in pieces:
                self._last = piece
                if piece.text and self._first_token_seconds is None:
                    self._first_token_seconds = self._timer() - self._started
                if self._timer() - shown_at >= UPDATE_SECONDS:
                    shown_at = self._timer()
                    yield FusionUpdate(text=piece.text)

    @property
    def text(self) -> str:
        """All that was written."""
        return self._last.text

    def answer(self, sources: Sequence[str], *, kept: str | None = None) -> FusedAnswer:
        """What was written, or the text that is kept in its place, with its provenance."""
        last = self._last if kept is None or kept == self.text else FusedPiece(kept, None, "stop")
        attended = last.attribution
        return FusedAnswer(
            text=last.text,
            attribution=attended or attribute_spans(last.text, sources),
            attributed_by="alignment" if attended is None else "attention",
            n_tokens=last.n_tokens,
            finish_reason=last.finish_reason,
            first_token_seconds=self._first_token_seconds,
            seconds=self._timer() - self._started,
        )


def _member_name(fuser: Fuser) -> str:
    return f"Fused by {fuser.name}"


def _without_obedient(answers: PromptView, best_first: Sequence[CandidateView]) -> tuple[CandidateView, ...]:
    """The candidates to fuse; those that obey an order in the prompt's text are left out, or come last."""
    prompt = read_prompt(answers)
    obedient = obedient_places(prompt.instruction, prompt.input, [one.text for one in best_first])
    return tuple(best_first[place] for place in usable_sources(range(len(best_first)), obedient))


def _chances(ranking: Judgement) -> dict[int, float]:
    """Of each candidate, the chance that it is preferred to the best, by the mean of both orders."""
    logits = ranking.logits
    return {
        entry.candidate_id: 0.5 * (1 + math.tanh((logits[place][0] - logits[0][place]) / 4))
        for place, entry in enumerate(ranking.entries)
    }


def _nothing_to_fuse(sources: Sequence[CandidateView]) -> str:
    match len(sources):
        case 0:
            return "Nothing to fuse: no member has answered yet."
        case 1:
            return f"Nothing to fuse: only {sources[0].member} has answered."
        case _:
            return "Nothing to fuse: the answers are all the same."


def _ranker_failed(error: Exception) -> str:
    return f"The ranker failed: {str(error).rstrip('.')}."

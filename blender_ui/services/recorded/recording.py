"""Recording rounds: members answer questions, the active ranker ranks and the fuser fuses, as on a page.

Invariant: what is recorded was made by the app's own steps, each text by whom it names. An answer that is
there already is kept while who gave it is one of the members still. Non-goal: where the file lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.members.asking import Ensemble
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.candidates import FUSION_BACKEND, key_of
from blender_ui.services.fusing.fused_answers import Fusing
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.rows import RankingView, view_ranking
from blender_ui.services.recorded.file import Decision, Fused, Matrix, Round, Rounds, Text, Writer
from blender_ui.services.recorded.keeping import RoundWriting, add_project
from db.columns import row_id
from db.engine import transaction
from db.models import Candidate, Fusion, Member
from db.queries import candidates, fusions, rankings


class Recording:
    """Records rounds in a store of its own, which is thrown away afterwards.

    Args:
        engine: The store.
        blending: Asks the members.
        ranking: Ranks.
        fusing: Fuses.
        members: Who is asked.
        clock: Gives the present time in UTC, for the rows.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        blending: Blending,
        ranking: RankingService,
        fusing: Fusing,
        members: Ensemble,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._blending = blending
        self._ranking = ranking
        self._fusing = fusing
        self._members = members
        self._clock = clock

    def record(self, known: Rounds) -> Iterator[Rounds]:
        """Record one round after the other; after each, all that there is so far.

        Args:
            known: The questions, with the answers that there are. All are ranked anew, and fused anew where
                there is a new answer, another fuser, or another order of the sources.
        """
        members = {(config.name, config.fingerprint) for config in self._members.configs}
        writers = _Writers()
        done: list[Round] = []
        with transaction(self._engine, immediate=True) as session:
            project_id = row_id(add_project(session, overlap=1, now=self._clock()))
        for one in known.rounds:
            kept = [answer for answer in one.answers if _name(known.writers[answer.writer]) in members]
            is_whole = len(kept) == len(one.answers) == len(members)
            bare = replace(one, answers=tuple(kept), ranked=None, fused=None)
            done.append(
                self._record(bare, one.fused if is_whole else None, known.writers, project_id, writers)
            )
            so_far = _Writers(writers.all)  # those of rounds to come may turn out not to be members
            left = [so_far.move(other, known.writers) for other in known.rounds[len(done) :]]
            yield replace(known, writers=tuple(so_far.all), rounds=(*done, *left))

    def _record(
        self, bare: Round, fused: Fused | None, known: Sequence[Writer], project_id: int, writers: _Writers
    ) -> Round:
        with transaction(self._engine, immediate=True) as session:
            writing = RoundWriting(session, known, project_id=project_id, now=self._clock())
            prompt_id, _ = writing.add(bare)
        self._ask(prompt_id)
        is_its = (
            fused is not None and known[fused.answer.writer].name == f"Fused by {self._fusing.fuser_name}"
        )
        if fused is None or not is_its or not self._keep_fused(prompt_id, fused, known, project_id):
            for _ in self._fusing.fuse(self._blending.answers(prompt_id=prompt_id)):
                pass
        with transaction(self._engine) as session:
            return _read_round(session, bare, prompt_id, writers)

    def _keep_fused(self, prompt_id: int, fused: Fused, known: Sequence[Writer], project_id: int) -> bool:
        """Rank the answers, and the fused one among them; False where its sources' order is another now."""
        ranking = self._ranking.rank(prompt_id=prompt_id)
        with transaction(self._engine, immediate=True) as session:
            answers = [row.candidate for row in candidates.list_answers(session, prompt_id=prompt_id)]
            ids = [key_of(answer.id) for answer in answers]
            order = [ids.index(entry.candidate_id) for entry in ranking.entries]
            if tuple(order[: len(fused.sources)]) != fused.sources:
                return False
            writing = RoundWriting(session, known, project_id=project_id, now=self._clock())
            fused_id = key_of(writing.add_fused(prompt_id, answers, fused, ranking.ranking_id).id)
        self._ranking.rank(prompt_id=prompt_id, candidate_ids=[*ids, fused_id])
        return True

    def _ask(self, prompt_id: int) -> None:
        """Ask those who have not answered, side by side."""
        answers = self._blending.answers(prompt_id=prompt_id).candidates
        answered = {one.member for one in answers}
        names = [config.name for config in self._members.configs if config.name not in answered]

        def ask(name: str) -> None:
            for _ in self._blending.stream(prompt_id=prompt_id, member_name=name):
                pass

        with ThreadPoolExecutor(max_workers=max(len(names), 1)) as pool:
            list(pool.map(ask, names))


class _Writers:
    """The writers of a file, each once."""

    def __init__(self, known: Sequence[Writer] = ()) -> None:
        self.all = list(known)

    def place(self, writer: Writer) -> int:
        """A writer's index; a new one is put behind the others."""
        known = [_name(one) for one in self.all]
        if _name(writer) not in known:
            self.all.append(writer)
            return len(known)
        return known.index(_name(writer))

    def move(self, one: Round, others: Sequence[Writer]) -> Round:
        """A round of another list of writers, with the indices of this one."""

        def move(text: Text) -> Text:
            return replace(text, writer=self.place(others[text.writer]))

        fused = one.fused and replace(one.fused, answer=move(one.fused.answer))
        return replace(one, answers=tuple(map(move, one.answers)), fused=fused)


def _name(writer: Writer) -> tuple[str, str]:
    return writer.name, writer.fingerprint


def _read_round(session: Session, one: Round, prompt_id: int, writers: _Writers) -> Round:
    answers = [
        row.candidate
        for row in candidates.list_answers(session, prompt_id=prompt_id)
        if row.backend != FUSION_BACKEND
    ]
    fusion = fusions.find_latest(session, prompt_id=prompt_id)
    ids = [key_of(answer.id) for answer in answers]
    ranked = None
    if fusion is not None and fusion.ranking_id is not None:
        ranked = _decision(view_ranking(session, fusion.ranking_id), ids)
    return replace(
        one,
        answers=tuple(_text(session, answer, writers) for answer in answers),
        ranked=ranked,
        fused=_read_fused(session, fusion, ids, writers),
    )


def _read_fused(
    session: Session, fusion: Fusion | None, ids: Sequence[int], writers: _Writers
) -> Fused | None:
    """The fused answer; None where fusing failed, or no ranker judged it."""
    if fusion is None or fusion.candidate_id is None or fusion.ranking_id is None:
        return None
    judged = rankings.find_last_of(session, candidate_id=fusion.candidate_id)
    if judged is None:
        return None
    fusion_id = key_of(fusion.id)
    sources = fusions.list_sources(session, fusion_id=fusion_id)
    place = {source.candidate_id: source.position for source in sources}
    return Fused(
        answer=_text(session, session.get_one(Candidate, fusion.candidate_id), writers),
        sources=tuple(ids.index(source.candidate_id) for source in sources),
        shares=tuple(source.share or 0.0 for source in sources),
        spans=tuple(
            (span.start, span.end, None if span.source_id is None else place[span.source_id])
            for span in fusions.list_spans(session, fusion_id=fusion_id)
        ),
        attributed_by=fusion.attributed_by or "alignment",
        judged=_decision(view_ranking(session, judged), [*ids, fusion.candidate_id]),
    )


def _decision(ranking: RankingView, ids: Sequence[int]) -> Decision:
    """A ranking's matrices in the order of some candidates."""
    ranked = [entry.candidate_id for entry in ranking.entries]
    order = [ranked.index(candidate_id) for candidate_id in ids]

    def arrange(matrix: Matrix) -> Matrix:
        return tuple(tuple(matrix[first][second] for second in order) for first in order)

    return Decision(
        logits=arrange(ranking.logits),
        uncertainty=None if ranking.uncertainty is None else arrange(ranking.uncertainty),
    )


def _text(session: Session, candidate: Candidate, writers: _Writers) -> Text:
    member = session.get_one(Member, candidate.member_id)
    writer = Writer(
        name=member.name,
        backend=member.backend,
        model=member.model,
        options=member.options,
        fingerprint=member.fingerprint,
    )
    return Text(
        writer=writers.place(writer),
        text=candidate.text,
        finish_reason=candidate.finish_reason,
        n_prompt_tokens=candidate.n_prompt_tokens,
        n_tokens=candidate.n_tokens,
        first_token_seconds=candidate.first_token_seconds,
        seconds=candidate.seconds,
    )

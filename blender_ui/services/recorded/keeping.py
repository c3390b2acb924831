"""Recorded rounds as rows: a project of their own, from a file's questions, answers, rankings and fusions.

Invariant: a round is in a store once; nobody asked it and nobody voted on it, so it counts as nobody's. What
came with the package says so by its source. Non-goal: what people then do with these rounds, which is kept as
of any other prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.fusion.attribution import Attribution, Span
from blender_ui.ranking.start import read_card
from blender_ui.services.candidates import CandidateView, key_of, prompt_columns
from blender_ui.services.fusing.rows import AttributedBy, FusedAnswer, add_fusion
from blender_ui.services.labeling.queueing import PairQueue
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.ranking.rows import Entrants, RankingView, save_ranking, view_ranking
from blender_ui.services.recorded.file import Decision, Fused, Round, Rounds, Text, Writer, read_rounds
from blender_ui.services.versions.model_versions import get_start_version
from blender_ui.values import RankingPrompt
from db.columns import row_id
from db.engine import transaction
from db.enums import RECORDED_SOURCE
from db.models import Candidate, Member, Project, Prompt
from db.queries import members, projects, prompts, rankings

PROJECT_NAME = "Recorded examples"
GUIDELINES = (
    "These questions and answers were recorded when this app was made and came with it. Nobody asked them "
    "here. Try labelling on them: your answers count as yours, and are kept apart by this project."
)

FEWEST_ANSWERS = 2
"""That a round needs to be compared; a file that is being recorded holds questions without answers."""


class Example(NamedTuple):
    """A recorded round that can be opened."""

    prompt_id: int
    instruction: str
    input: str


class RecordedRounds:
    """The recorded rounds of one store.

    Args:
        engine: The store.
        queue: Where the pairs of their answers wait for people.
        clock: Gives the present time in UTC, for the rows.
        overlap: How many people are to be asked each of their pairs.
        read: Gives the rounds; the package's, but in a test.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        queue: PairQueue,
        clock: Callable[[], datetime],
        overlap: int = 1,
        read: Callable[[], Rounds] = read_rounds,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._clock = clock
        self._overlap = overlap
        self._read = read

    def find_project_id(self) -> int | None:
        """The project of recorded rounds, archived or not; None where they were never brought in."""
        with transaction(self._engine) as session:
            project = projects.find_by_name(session, name=PROJECT_NAME)
            return None if project is None else row_id(project)

    def keep(self, *, only_in_new_store: bool, by: int | None = None) -> int:
        """Bring the rounds in that the store lacks; says how many.

        Args:
            only_in_new_store: Do nothing where there are prompts and none of them is recorded.
            by: The annotator who asked for them, for the audit trail; None for the app itself.

        Raises:
            NotFound: If the store has no start ranker, which ranked them.
        """
        rounds = self._read()
        answered = [one for one in rounds.rounds if len(one.answers) >= FEWEST_ANSWERS]
        if rounds.made_with.get("ranker") != read_card().fingerprint:
            # Another ranker's word is not put into this one's mouth; it will rank them when it is asked.
            answered = [replace(one, ranked=None, fused=None) for one in answered]
        with transaction(self._engine, immediate=True) as session:
            project = projects.find_by_name(session, name=PROJECT_NAME)
            if project is None:
                if not answered or (only_in_new_store and prompts.count(session)):
                    return 0
                project = add_project(session, overlap=self._overlap, now=self._clock())
                _tell_who_asked(session, project, by=by, now=self._clock())
            known = prompts.list_external_ids(session, project_id=row_id(project), source=RECORDED_SOURCE)
            fresh = [one for one in answered if one.id not in known]
            writing = RoundWriting(
                session,
                rounds.writers,
                project_id=row_id(project),
                now=self._clock(),
                version_id=get_start_version(session).id,
            )
            added = [writing.add(one) for one in fresh]
        for prompt_id, answer_ids in added:
            # Not the fused answers: the Blend page has no column for one to be voted on.
            self._queue.queue_prompt(prompt_id=prompt_id, candidate_ids=answer_ids)
        return len(added)

    def examples(self) -> tuple[Example, ...]:
        """The rounds that can be opened, in the file's order; none where their project was archived."""
        with transaction(self._engine) as session:
            rows = prompts.list_open_of_source(session, source=RECORDED_SOURCE)
            return tuple(Example(key_of(row.id), row.instruction, row.input) for row in rows)

    def holds(self, prompt_id: int) -> bool:
        """Whether a prompt is a recorded round that can be opened."""
        with transaction(self._engine) as session:
            return prompts.is_open_of_source(session, prompt_id=prompt_id, source=RECORDED_SOURCE)

    def find_ranking(self, prompt_id: int, candidate_ids: Sequence[int]) -> RankingView | None:
        """The ranking that was recorded of exactly these answers; needs no model."""
        with transaction(self._engine) as session:
            version = get_start_version(session)
            found = rankings.find_id(
                session,
                prompt_id=prompt_id,
                version_id=version.id,
                refitted_preference_id=None,
                candidate_ids=candidate_ids,
            )
            return None if found is None else view_ranking(session, found)


def add_project(session: Session, *, overlap: int, now: datetime) -> Project:
    """The project of recorded rounds, written into a transaction."""
    project = Project(name=PROJECT_NAME, guidelines=GUIDELINES, overlap=overlap, questions={}, created_at=now)
    session.add(project)
    session.flush()
    return project


def _tell_who_asked(session: Session, project: Project, *, by: int | None, now: datetime) -> None:
    if by is not None:
        project.created_by_id = by
        change = Change(
            by=by, action="project.create", object_id=row_id(project), after={"name": project.name}
        )
        record_change(session, change, now=now)


class RoundWriting:
    """Writes rounds into a transaction.

    Args:
        session: The transaction's.
        writers: Of the file.
        project_id: Whose prompts they become.
        now: The time of the rows.
        version_id: Of the start ranker, which ranked them; None for rounds without rankings.
    """

    def __init__(
        self,
        session: Session,
        writers: Sequence[Writer],
        *,
        project_id: int,
        now: datetime,
        version_id: int | None = None,
    ) -> None:
        self._session = session
        self._project_id = project_id
        self._now = now
        self._writers = [self._member(writer) for writer in writers]
        self._version_id = version_id

    def add(self, one: Round) -> tuple[int, tuple[int, ...]]:
        """Write a round; gives its prompt's id and those of its answers, the fused one left out."""
        asked = RankingPrompt(instruction=one.instruction, input=one.input)
        prompt = Prompt(
            **prompt_columns(asked),
            project_id=self._project_id,
            source=RECORDED_SOURCE,
            external_id=one.id,
            created_at=self._now,
        )
        self._session.add(prompt)
        self._session.flush()
        prompt_id = key_of(prompt.id)
        answers = [self._add_answer(prompt_id, text) for text in one.answers]
        ranking_id = None
        if one.ranked is not None:
            ranking_id = self._rank(prompt_id, asked, answers, one.ranked)
        if one.fused is not None:
            candidate = self.add_fused(prompt_id, answers, one.fused, ranking_id)
            self._rank(prompt_id, asked, [*answers, candidate], one.fused.judged)
        return prompt_id, tuple(key_of(answer.id) for answer in answers)

    def _add_answer(self, prompt_id: int, text: Text) -> Candidate:
        candidate = Candidate(
            prompt_id=prompt_id,
            member_id=key_of(self._writers[text.writer].id),
            text=text.text,
            finish_reason=text.finish_reason,
            n_prompt_tokens=text.n_prompt_tokens,
            n_tokens=text.n_tokens,
            first_token_seconds=text.first_token_seconds,
            seconds=text.seconds,
            created_at=self._now,
        )
        self._session.add(candidate)
        self._session.flush()
        return candidate

    def _rank(
        self, prompt_id: int, asked: RankingPrompt, answers: Sequence[Candidate], decision: Decision
    ) -> int:
        assert self._version_id is not None, "expected the version that ranked these rounds"
        entrants = Entrants(
            prompt_id=prompt_id,
            prompt=asked,
            candidate_ids=tuple(key_of(one.id) for one in answers),
            texts=tuple(one.text for one in answers),
            members=("",) * len(answers),
        )
        return save_ranking(
            self._session,
            entrants,
            version_id=self._version_id,
            logits=np.array(decision.logits),
            uncertainty=None if decision.uncertainty is None else np.array(decision.uncertainty),
            policy="max_logits",
            refitted_preference_id=None,
        )

    def add_fused(
        self, prompt_id: int, answers: Sequence[Candidate], fused: Fused, ranking_id: int | None
    ) -> Candidate:
        """Write a fused answer with its sources and spans; what judged it is left out."""
        text, spans = fused.answer, tuple(Span(*span) for span in fused.spans)
        attributed_by: AttributedBy = "attention" if fused.attributed_by == "attention" else "alignment"
        outcome = FusedAnswer(
            text=text.text,
            attribution=Attribution(spans=spans, shares=fused.shares),
            attributed_by=attributed_by,
            n_tokens=text.n_tokens,
            finish_reason=text.finish_reason,
            first_token_seconds=text.first_token_seconds,
            seconds=text.seconds or 0.0,
        )
        stored = add_fusion(
            self._session,
            prompt_id=prompt_id,
            ranking_id=ranking_id,
            member=self._writers[text.writer],
            sources=[_source(answers[place]) for place in fused.sources],
            outcome=outcome,
            now=self._now,
        )
        return self._session.get_one(Candidate, stored.candidate_id)

    def _member(self, writer: Writer) -> Member:
        row = Member(
            name=writer.name,
            backend=writer.backend,
            model=writer.model,
            options=writer.options,
            fingerprint=writer.fingerprint,
            created_at=self._now,
        )
        return members.get_or_add(self._session, member=row)


def _source(candidate: Candidate) -> CandidateView:
    return CandidateView(
        candidate_id=key_of(candidate.id),
        member="",
        text=candidate.text,
        seconds=candidate.seconds,
        first_token_seconds=candidate.first_token_seconds,
        n_tokens=candidate.n_tokens,
        finish_reason=candidate.finish_reason,
    )

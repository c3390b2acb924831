"""The store for a researcher: sources, prompts, votes and decisions.

Invariant: nothing is written, and every figure comes with the ids of the rows that it is of.
Non-goal: members' ratings (``member_ratings``), and asking a ranker (``services.ranking``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import NotFound
from blender_ui.language import tr
from blender_ui.services.candidates import (
    CandidateView,
    FailureView,
    candidate_view,
    failure_view,
    get_candidate,
    get_prompt,
)
from blender_ui.services.choosing.kept import KeptChoice, KeptChoices
from blender_ui.services.inspecting.prompt_votes import VoteView, list_votes
from blender_ui.services.labeling.telling import list_untold
from blender_ui.services.ranking.rows import RankingView, view_ranking
from blender_ui.values import Message
from db.engine import transaction
from db.models import Prompt
from db.queries import candidates, prompts, rankings, sources

ASKED_HERE = "asked here"
EXCERPT = 140


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """What the store holds of one source.

    Attributes:
        name: The data set, or ``ASKED_HERE``.
        n_preferences: Those that stand, of people and judges.
        n_open: Comparisons that still wait for people.
    """

    name: str
    n_prompts: int
    n_candidates: int
    n_preferences: int
    n_open: int


@dataclass(frozen=True, kw_only=True)
class PromptEntry:
    """One prompt in a list."""

    prompt_id: int
    excerpt: str
    source: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class RankingEntryView:
    """One stored ranking of a prompt in a list.

    Attributes:
        refitted_preference_id: See ``RankingView``.
    """

    ranking_id: int
    version_id: int
    refitted_preference_id: int | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class PromptInspection:
    """All that is known about one prompt."""

    prompt_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    source: str
    candidates: tuple[CandidateView, ...]
    failures: tuple[FailureView, ...]
    votes: tuple[VoteView, ...]
    rankings: tuple[RankingEntryView, ...]
    """Newest first."""
    choice: KeptChoice | None = None
    """Whom it was asked; None where everybody was."""


class Inspection:
    """Reads one store.

    Args:
        engine: From ``db.engine.create_store``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_sources(self) -> tuple[SourceView, ...]:
        """What there is of every source, the largest first."""
        with transaction(self._engine) as session:
            n_prompts = sources.count_prompts(session)
            n_candidates = sources.count_candidates(session)
            n_comparisons = sources.count_comparisons(session)
            n_preferences = sources.count_preferences(session)
        names = sorted(n_prompts, key=lambda name: -n_prompts[name])
        return tuple(
            SourceView(
                name=name or ASKED_HERE,
                n_prompts=n_prompts[name],
                n_candidates=n_candidates.get(name, 0),
                n_preferences=n_preferences.get(name, 0),
                n_open=n_comparisons[name].n_open if name in n_comparisons else 0,
            )
            for name in names
        )

    def find_prompts(
        self, text: str = "", *, project_id: int | None = None, by: int | None = None, limit: int = 30
    ) -> tuple[PromptEntry, ...]:
        """The prompt that has a text as its id, then those that hold it, newest first.

        Args:
            text: Looked for in instruction and input, letter case ignored; empty finds all.
            project_id: Only that project's; None for all.
            by: Only what is open to this annotator; None for somebody who sees all.
            limit: The most that are given.
        """
        with transaction(self._engine) as session:
            return tuple(
                PromptEntry(
                    prompt_id=row.id or 0,
                    excerpt=_excerpt(row),
                    source=row.source or ASKED_HERE,
                    created_at=row.created_at,
                )
                for row in prompts.find_containing(
                    session, text=text.strip(), project_id=project_id, by=by, limit=limit
                )
            )

    def get_prompt(self, prompt_id: int, *, by: int | None = None) -> PromptInspection:
        """All that is known about a prompt.

        Args:
            prompt_id: Which.
            by: Who asks, where not all is open to them; None for somebody who sees all.

        Raises:
            NotFound: If there is none of this id that is open to them.
        """
        choice = KeptChoices(self._engine).find(prompt_id)
        with transaction(self._engine) as session:
            if by is not None and not prompts.is_open_to(session, prompt_id=prompt_id, annotator_id=by):
                raise NotFound(
                    tr(
                        "there is no prompt {prompt_id} that is open to you; choose another",
                        prompt_id=prompt_id,
                    )
                )
            prompt = get_prompt(session, prompt_id)
            return PromptInspection(
                choice=choice,
                prompt_id=prompt_id,
                instruction=prompt.instruction,
                input=prompt.input,
                history=read_history(prompt.history),
                source=prompt.source or ASKED_HERE,
                candidates=tuple(
                    candidate_view(one.candidate, one.member)
                    for one in candidates.list_answers(session, prompt_id=prompt_id)
                ),
                failures=tuple(
                    failure_view(one.failure, one.member)
                    for one in candidates.list_failures(session, prompt_id=prompt_id)
                ),
                votes=list_votes(session, prompt_id),
                rankings=_list_rankings(session, prompt_id),
            )

    def hides_names(self, prompt_id: int) -> bool:
        """Whether the prompt's project does not tell who wrote its answers, or not yet."""
        with transaction(self._engine) as session:
            return get_prompt(session, prompt_id).project_id in list_untold(session)

    def get_prompt_of(self, candidate_id: int) -> PromptInspection:
        """The prompt that a candidate answers.

        Raises:
            NotFound: If there is no candidate of this id.
        """
        with transaction(self._engine) as session:
            prompt_id = get_candidate(session, candidate_id).prompt_id
        return self.get_prompt(prompt_id)

    def get_ranking(self, ranking_id: int) -> RankingView:
        """A stored ranking.

        Raises:
            NotFound: If there is none of this id.
        """
        with transaction(self._engine) as session:
            return view_ranking(session, ranking_id)


def _excerpt(prompt: Prompt) -> str:
    words = " ".join(f"{prompt.instruction} {prompt.input}".split())
    return words if len(words) <= EXCERPT else words[: EXCERPT - 1] + "…"


def _list_rankings(session: Session, prompt_id: int) -> tuple[RankingEntryView, ...]:
    return tuple(
        RankingEntryView(
            ranking_id=row.id or 0,
            version_id=row.ranker_version_id,
            refitted_preference_id=row.refitted_preference_id,
            created_at=row.created_at,
        )
        for row in rankings.list_of_prompt(session, prompt_id=prompt_id)
    )

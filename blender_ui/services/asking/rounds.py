"""Asking the members: one prompt, one stream per member, one row at each stream's end.

Invariant: members know nothing of each other, so a slow or failed one costs the others nothing.
Non-goal: which answer is better.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history, read_prompt
from blender_ui.errors import MalformedInput
from blender_ui.members.asking import Ensemble, conversation
from blender_ui.members.protocol import MemberStatus, asker
from blender_ui.members.seats import Seat, read_seat
from blender_ui.services.asking.answering import UPDATE_SECONDS, Answer, CandidateUpdate, Request
from blender_ui.services.asking.going_on import WayOn, list_ways
from blender_ui.services.asking.stopping import Stops
from blender_ui.services.candidates import (
    FUSION_BACKEND,
    CandidateView,
    FailureView,
    candidate_view,
    failure_view,
    get_candidate,
    get_prompt,
    key_of,
    prompt_columns,
)
from blender_ui.values import Message, RankingPrompt
from db.engine import transaction
from db.enums import RECORDED_SOURCE
from db.models import DEFAULT_PROJECT_ID, Continuation, Prompt
from db.queries import candidates, prompts


@dataclass(frozen=True, kw_only=True)
class MemberView:
    """A member and whether it can be asked."""

    name: str
    backend: str
    is_available: bool
    reason: str
    """What must be done first; empty where nothing is missing."""


@dataclass(frozen=True, kw_only=True)
class AskedView:
    """A stored prompt and the members to ask."""

    prompt_id: int
    member_names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PromptView:
    """A prompt with what came back so far."""

    prompt_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    candidates: tuple[CandidateView, ...]
    """In the order of members.toml, unknown members after them; fused answers left out."""
    failures: tuple[FailureView, ...]
    """The latest of each answer that was asked for and did not come."""
    asked_by_id: int | None = None
    """Who asked it here; None for an imported prompt."""
    parent_member: str | None = None
    """Who wrote the answer that it goes on from; None where it goes on from none."""


class Blending:
    """Asks members and keeps what they say; safe to share between threads.

    Args:
        engine: The store.
        members: The registry of members.
        clock: Gives the present time in UTC, for the rows.
        timer: Seconds from a fixed point, for durations.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        members: Ensemble,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._members = members
        self._clock = clock
        self._timer = timer
        self._stops = Stops()
        self._followers: list[Callable[[str, CandidateUpdate], object]] = []

    def follow(self, follower: Callable[[str, CandidateUpdate], object]) -> None:
        """Call this with a member's name and the last update of each answer; it must return at once."""
        self._followers.append(follower)

    def members(self) -> tuple[MemberView, ...]:
        """Every enabled member and whether it can be asked. May take seconds for remote ones."""
        health = {entry.name: entry for entry in self._members.health()}
        return tuple(
            MemberView(
                name=config.name,
                backend=config.backend,
                is_available=health[config.name].status is not MemberStatus.UNAVAILABLE,
                reason=health[config.name].reason,
            )
            for config in self._members.configs
        )

    def ask(
        self,
        *,
        instruction: str,
        input: str = "",
        history: Sequence[Message] = (),
        asked_by_id: int | None = None,
        project_id: int = DEFAULT_PROJECT_ID,
        also: Callable[[Session, int], None] | None = None,
    ) -> AskedView:
        """Store a prompt; nobody is asked before ``stream``.

        Args:
            instruction: What to do.
            input: What to do it with.
            history: The messages before.
            asked_by_id: Annotator who asks.
            project_id: Whose prompt it is.
            also: What is stored with it in the one transaction, given the session and the prompt's id.

        Raises:
            MalformedInput: If there is no text.
        """
        asked = RankingPrompt(instruction=instruction, input=input, history=tuple(history))
        # Immediate: many programs ask at once, and SQLite would have them poll for each other.
        with transaction(self._engine, immediate=True) as session:
            stored = self._store(session, asked, asked_by_id=asked_by_id, project_id=project_id)
            if also is not None:
                also(session, stored.prompt_id)
            return stored

    def go_on(
        self,
        *,
        candidate_id: int,
        instruction: str,
        input: str = "",
        asked_by_id: int | None = None,
        own_project_id: int = DEFAULT_PROJECT_ID,
    ) -> AskedView:
        """Store the next turn of a conversation, after an answer; nobody is asked before ``stream``.

        Args:
            candidate_id: The answer, a member's or a fused one.
            instruction: What to do next.
            input: What to do it with.
            asked_by_id: Annotator who asks.
            own_project_id: Whose prompt it is, where the answer is a recorded one, which is everybody's.

        Raises:
            NotFound: If there is no such answer.
            MalformedInput: If there is no text.
        """
        with transaction(self._engine, immediate=True) as session:
            candidate = get_candidate(session, candidate_id)
            parent = get_prompt(session, candidate.prompt_id)
            turn = (Message("user", parent.instruction, parent.input), Message("assistant", candidate.text))
            history = (*read_history(parent.history), *turn)
            is_shared = parent.source == RECORDED_SOURCE  # what follows is somebody's own
            asked = self._store(
                session,
                RankingPrompt(instruction=instruction, input=input, history=history),
                asked_by_id=asked_by_id,
                project_id=own_project_id if is_shared else parent.project_id,
            )
            session.add(Continuation(prompt_id=asked.prompt_id, candidate_id=candidate_id))
        return asked

    def _store(
        self,
        session: Session,
        asked: RankingPrompt,
        *,
        asked_by_id: int | None,
        project_id: int = DEFAULT_PROJECT_ID,
    ) -> AskedView:
        if not asked.instruction.strip() and not asked.input.strip():
            raise MalformedInput("expected a question; the prompt is empty, write what you want to ask")
        prompt = Prompt(
            **prompt_columns(asked),
            project_id=project_id,
            asked_by_id=asked_by_id,
            created_at=self._clock(),
        )
        session.add(prompt)
        session.flush()
        return AskedView(
            prompt_id=key_of(prompt.id), member_names=tuple(config.name for config in self._members.configs)
        )

    def seats(self, names: Iterable[str]) -> tuple[str, ...]:
        """The labels of the answers that members of these names are asked for; of others one."""
        configs = {config.name: config for config in self._members.configs}
        seats = [
            seat for name in names for seat in (configs[name].seats if name in configs else (Seat(name),))
        ]
        return tuple(seat.label for seat in seats)

    def seat(self, label: str) -> Seat:
        """The member's answer that a label names."""
        return read_seat(label, [config.name for config in self._members.configs])

    def stream(
        self,
        *,
        prompt_id: int,
        member_name: str,
        sample: int = 1,
        propensity: float | None = None,
        sampling: Mapping[str, Any] | None = None,
        update_seconds: float = UPDATE_SECONDS,
    ) -> Iterator[CandidateUpdate]:
        """Ask one member; calling it again is the retry.

        Closing the generator stops the member; so does ``stop`` from another thread, which also
        works before the first token. Either way a failure of kind STOPPED keeps the text.

        Args:
            prompt_id: What is asked.
            member_name: Who is asked.
            sample: For which of its answers, from 1.
            propensity: Probability with which a chooser had it asked, kept with the answer; None where
                nobody chose.
            sampling: Fields of the member's ``Sampling`` to change for this answer.
            update_seconds: Least time between two updates.

        Yields:
            The answer as it grows, and at the end one update with ``is_done`` and either the
            candidate's id or the failure.

        Raises:
            NotFound: If the prompt or the member does not exist.
        """
        prompt = self._get_prompt(prompt_id)
        member = self._members.get(member_name)
        config = next(config for config in self._members.configs if config.name == member_name)
        answer = Answer(
            self._engine,
            request=Request(
                prompt_id, sample, propensity, replace(config.sampling, **sampling) if sampling else None
            ),
            config=config,
            clock=self._clock,
            timer=self._timer,
            update_seconds=update_seconds,
        )
        asker.set(prompt.asked_by_id)
        with self._stops.running(prompt_id, Seat(member_name, sample).label) as stop:
            updates = answer.stream(member, conversation(read_prompt(prompt)), stop=stop)
            with closing(updates):
                for update in updates:
                    if update.is_done:
                        for follower in self._followers:
                            follower(member_name, update)
                    yield update

    def pause_seconds(self, member_name: str) -> float:
        """How long a member is better left alone; 0 where it may be asked.

        Raises:
            NotFound: If there is no such member.
        """
        return self._members.get(member_name).pause_seconds

    def stop(self, *, prompt_id: int, label: str | None = None) -> int:
        """Stop the answers to a prompt that are being written, or the one of a label; says how many."""
        return self._stops.stop(prompt_id, label)

    def answers(self, *, prompt_id: int) -> PromptView:
        """What has come back for a prompt. A success supersedes failures of the same answer.

        Raises:
            NotFound: If there is no such prompt.
        """
        place = {config.name: index for index, config in enumerate(self._members.configs)}
        with transaction(self._engine) as session:
            prompt = get_prompt(session, prompt_id)
            answered = candidates.list_answers(session, prompt_id=prompt_id)
            failed = candidates.list_failures(session, prompt_id=prompt_id)
            parent = prompts.find_parent_member(session, prompt_id=prompt_id) if prompt.history else None
        answered = [one for one in answered if one.backend != FUSION_BACKEND]
        answered.sort(key=lambda one: (place.get(one.member, len(place)), one.candidate.sample))
        views = _tell_apart(candidate_view(one.candidate, one.member) for one in answered)
        latest = {one.seat: one for one in (failure_view(*failure) for failure in failed)}
        for view in views:
            latest.pop(view.seat, None)
        return PromptView(
            prompt_id=prompt_id,
            instruction=prompt.instruction,
            input=prompt.input,
            history=read_history(prompt.history),
            candidates=views,
            failures=tuple(
                latest[seat]
                for seat in sorted(latest, key=lambda one: (place.get(one.member, len(place)), one.sample))
            ),
            asked_by_id=prompt.asked_by_id,
            parent_member=parent,
        )

    def ways_on(self, *, prompt_ids: Sequence[int], annotator_id: int) -> list[WayOn]:
        """The answers to these prompts that the next turn may follow, the best to this person first."""
        with transaction(self._engine) as session:
            return list_ways(session, prompt_ids=prompt_ids, annotator_id=annotator_id)

    def _get_prompt(self, prompt_id: int) -> Prompt:
        with transaction(self._engine) as session:
            return get_prompt(session, prompt_id)


def _tell_apart(views: Iterable[CandidateView]) -> tuple[CandidateView, ...]:
    """The answers with no two of one label: imported ones of one member are numbered as they come."""
    taken: dict[Seat, CandidateView] = {}
    for view in views:
        while view.seat in taken:
            view = replace(view, sample=view.sample + 1)
        taken[view.seat] = view
    return tuple(taken.values())

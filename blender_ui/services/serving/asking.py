"""Asks the members of one round at the same time, and says what came of each.

Invariant: every member that is asked leaves a stored answer or failure, also where the program went away.
Non-goal: which answer is shown.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from blender_ui.members.configuration import Price
from blender_ui.members.seats import Seat
from blender_ui.services.asking.answering import UPDATE_SECONDS, CandidateUpdate
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.serving.views import AskedMember, Piece


class Ask(NamedTuple):
    """One answer to ask for: which of a member's, and how probably a chooser had the member asked."""

    member: str
    sample: int
    propensity: float | None


class Asked(NamedTuple):
    """How an ask ended."""

    choice: int
    ask: Ask
    end: CandidateUpdate


class Growing:
    """A text as it was given out, piece by piece.

    Args:
        choice: Which of the answers that are shown.
    """

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._text = self._thinking = ""

    def grow(self, text: str, thinking: str = "") -> Piece | None:
        """What to give out so that the whole text is this one; None where nothing is new."""
        before, self._text = self._text, text
        thought, self._thinking = self._thinking, thinking
        new_thought = thinking.removeprefix(thought) if thinking.startswith(thought) else ""
        if text.startswith(before):
            is_new = len(text) > len(before) or new_thought
            return Piece(self._choice, text[len(before) :], new_thought) if is_new else None
        return Piece(self._choice, text, new_thought, restarts=True)


class Round:
    """The asks of one prompt.

    Args:
        blending: Asks, and keeps what comes.
        prompt_id: What is asked.
        sampling: Fields of every member's ``Sampling`` to change.
    """

    def __init__(self, blending: Blending, *, prompt_id: int, sampling: Mapping[str, Any]) -> None:
        self._is_stopped = False
        self._blending = blending
        self._prompt_id = prompt_id
        self._sampling = sampling

    def follow(self, ask: Ask, choice: int) -> Iterator[Piece | Asked]:
        """One answer at its member's own speed; the last is how it ended."""
        growing = Growing(choice)
        for update in self._stream(ask, update_seconds=0.0):
            piece = growing.grow(update.text, update.thinking)
            if piece is not None:
                yield piece
            if update.is_done:
                yield Asked(choice, ask, update)

    def follow_all(self, asks: Sequence[Ask]) -> Iterator[Piece | Asked]:
        """Several answers that are shown side by side, as they grow."""
        events: queue.SimpleQueue[Piece | Asked | BaseException] = queue.SimpleQueue()

        def run(ask: Ask, choice: int) -> None:
            try:
                for event in self.follow(ask, choice):
                    events.put(event)
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
                events.put(error)

        n_open = self._start(run, asks)
        while n_open:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            n_open -= isinstance(event, Asked)
            yield event

    def wait_for(self, asks: Sequence[Ask]) -> list[Asked]:
        """Ask all at the same time, and wait for every end."""
        ends: queue.SimpleQueue[Asked | BaseException] = queue.SimpleQueue()

        def run(ask: Ask, choice: int) -> None:
            try:
                *_, end = self._stream(ask)
                ends.put(Asked(choice, ask, end))
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
                ends.put(error)

        found: list[Asked] = []
        for _ in range(self._start(run, asks)):
            end = ends.get()
            if isinstance(end, BaseException):
                raise end
            found.append(end)
        return found

    def stop(self) -> None:
        """Stop every answer, from any thread."""
        self._is_stopped = True
        self._blending.stop(prompt_id=self._prompt_id)

    def _stream(self, ask: Ask, *, update_seconds: float = UPDATE_SECONDS) -> Iterator[CandidateUpdate]:
        updates = self._blending.stream(
            prompt_id=self._prompt_id,
            member_name=ask.member,
            sample=ask.sample,
            propensity=ask.propensity,
            sampling=self._sampling,
            update_seconds=update_seconds,
        )
        for update in updates:
            if self._is_stopped:  # perhaps before this one could be told
                self._blending.stop(prompt_id=self._prompt_id)
            yield update

    def _start(self, run: Any, asks: Sequence[Ask]) -> int:
        for choice, ask in enumerate(asks):
            name = f"ask {self._prompt_id} {Seat(ask.member, ask.sample).label}"
            threading.Thread(target=run, args=(ask, choice), name=name, daemon=True).start()
        return len(asks)


def view_asked(asked: Asked, *, price: Price | None) -> AskedMember:
    """What a member cost and gave, before anything is ranked."""
    end = asked.end
    is_counted = end.n_tokens is not None and end.n_prompt_tokens is not None
    return AskedMember(
        member=asked.ask.member,
        sample=asked.ask.sample,
        answer_id=end.candidate_id,
        failure_kind="" if end.failure is None else end.failure.kind.value,
        failure="" if end.failure is None else end.failure.message,
        seconds=end.seconds,
        first_token_seconds=end.first_token_seconds,
        n_prompt_tokens=end.n_prompt_tokens,
        n_tokens=end.n_tokens,
        cost=price.of(end.n_prompt_tokens or 0, end.n_tokens or 0) if price and is_counted else None,
        propensity=asked.ask.propensity,
    )

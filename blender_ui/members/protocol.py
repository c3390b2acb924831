"""What every member is: something that is asked with messages and streams an answer.

Invariant: a stream ends in exactly one of three ways: a last chunk that carries the usage, a
``MemberError``, or its being closed by the caller. An empty answer is an error, never a chunk.
Non-goal: where the answer comes from, and what becomes of it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

from pydantic import ConfigDict, Field

from blender_ui.members.value_types import Count, Number, Texts
from blender_ui.values import Message as Message

asker: ContextVar[int | None] = ContextVar("asker", default=None)
"""For whom a member is asked in this thread, so that its line is fair to everybody; None for nobody in
particular, who share one place."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn and when the answer ends."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    temperature: Annotated[Number, Field(ge=0, le=2)] = 0.7
    """0 takes the likeliest token."""
    top_p: Annotated[Number, Field(ge=0.01, le=1)] = 0.95
    max_tokens: Annotated[Count, Field(ge=1, le=1_000_000)] = 512
    seed: Annotated[Count, Field(ge=0, le=2**31 - 1)] | None = None
    """The same seed gives the same answer where the backend supports it; None draws anew."""
    stop: Texts = ()
    """The answer ends before the first of these strings."""


class Usage(NamedTuple):
    """What an answer cost, known at its end."""

    n_prompt_tokens: int | None
    """None where the endpoint does not say."""
    n_tokens: int | None
    """Thinking included; None where the endpoint does not say."""
    finish_reason: str
    """``stop`` when the member ended by itself, ``length`` when it was cut at ``max_tokens``; what an
    endpoint says besides stays as it is."""
    first_token_seconds: float
    """From asking to the first text, waiting for the member's start included."""
    seconds: float


class Chunk(NamedTuple):
    """A piece of an answer, or of the thinking before it."""

    text: str
    n_tokens: int
    """Tokens so far; until the usage is known, the number of pieces received."""
    usage: Usage | None = None
    """Set on the last chunk only, whose text is empty."""
    restarts: bool = False
    """The text before this chunk was thinking after all, and no part of the answer."""
    waiting: str = ""
    """What is waited for before the member is asked; such a chunk has nothing else."""
    thinking: str = ""
    """Thinking that comes with this chunk; where it ``restarts``, with the text that was given before."""

    def onto(self, text: str) -> str:
        """The answer so far, of which ``text`` was what came before this chunk."""
        return self.text if self.restarts else text + self.text


class MemberStatus(StrEnum):
    """Whether a member can be asked now."""

    READY = "ready"
    STARTING = "starting"
    IDLE = "idle"
    """Not started; the first question starts it."""
    FAILED = "failed"
    """Its server does not answer or has crashed; the next question tries again."""
    UNAVAILABLE = "unavailable"
    """Something must be done first (weights, a package, a key); the reason says what."""


class MemberHealth(NamedTuple):
    """A member's state and, where it is not ready, why and what to do."""

    name: str
    status: MemberStatus
    reason: str = ""


class Member(Protocol):
    """One LLM of the ensemble with fixed options."""

    @property
    def name(self) -> str:
        """The name that people see."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        options: Sampling | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[Chunk]:
        """Ask, and give the answer piece by piece. Nothing is sent before the first ``next``.

        Args:
            messages: The conversation, the question last; the member's own chat template lays it out.
            options: In place of the member's own sampling.
            stop: Set from any thread to stop at once; the stream then raises the kind ``stopped``.
                Closing the generator stops it too. Either way the server ends its generation.

        Raises:
            MemberError: With the kind of failure and the text that had come.
        """

    @property
    def pause_seconds(self) -> float:
        """How long the member is better left alone: it is down, or asked for it; 0 where it may be asked."""

    def health(self) -> MemberHealth:
        """Whether the member can be asked now. May take a few seconds for a remote endpoint."""

    def start(self) -> None:
        """Begin to make ready, without waiting. Nothing to do for a remote endpoint."""

    def close(self) -> None:
        """Free what the member holds. Streams that run end with an error."""

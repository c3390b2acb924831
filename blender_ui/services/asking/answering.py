"""One member's answer to one prompt, from the first token to its row.

Invariant: every stream leaves exactly one Candidate or one CandidateFailure, however it ends, and its
text so far is kept. Non-goal: the other members.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MemberError
from blender_ui.members.configuration import MemberConfig
from blender_ui.members.protocol import Member, Message, Sampling, Usage
from blender_ui.services.candidates import FailureView, failure_view, key_of
from db.engine import transaction
from db.models import Candidate, CandidateFailure, FailureKind
from db.models import Member as MemberRow
from db.queries import members

UPDATE_SECONDS = 0.05
"""Least time between two updates of one stream; a page cannot show more than about 20 a second."""


@dataclass(frozen=True, kw_only=True)
class CandidateUpdate:
    """The state of one member's answer while it is written; the last has ``is_done``."""

    text: str
    """The whole text so far, not the new piece."""
    waiting: str
    """What is waited for before the member is asked; empty once it is."""
    thinking: str
    """What it has thought so far, which is no part of the text."""
    n_tokens: int | None
    """Pieces while it is written; None at the end where the endpoint does not count."""
    seconds: float
    first_token_seconds: float | None
    candidate_id: int | None = None
    failure: FailureView | None = None
    finish_reason: str | None = None
    """Of a stored answer, see ``CandidateView``."""
    n_prompt_tokens: int | None = None
    """Tokens that the member read; None where its endpoint does not count, and until the end."""
    is_done: bool = False


class Request(NamedTuple):
    """What a member is asked for.

    Attributes:
        prompt_id: What is answered.
        sample: Which of the member's answers it is; each has a seed of its own where the member has one.
        propensity: Probability with which a chooser had the member asked; None where nobody chose.
        sampling: In place of the member's own, and kept with the answer as another row of the member.
    """

    prompt_id: int
    sample: int = 1
    propensity: float | None = None
    sampling: Sampling | None = None


class Answer:
    """An answer that is being written.

    Args:
        engine: The store.
        request: What is asked for.
        config: Who answers, for the row of the member.
        clock: Gives the present time in UTC, for the rows.
        timer: Seconds from a fixed point, for durations.
        update_seconds: Least time between two updates.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        request: Request,
        config: MemberConfig,
        clock: Callable[[], datetime],
        timer: Callable[[], float],
        update_seconds: float = UPDATE_SECONDS,
    ) -> None:
        self._request = request
        self._config = config if request.sampling is None else replace(config, sampling=request.sampling)
        self._update_seconds = update_seconds
        self._engine = engine
        self._clock = clock
        self._timer = timer
        self._started = timer()
        self._text = self._thinking = self._waiting = ""
        self._n_tokens = 0
        self._first_token_seconds: float | None = None
        self._usage: Usage | None = None

    def stream(
        self, member: Member, messages: Sequence[Message], *, stop: threading.Event
    ) -> Generator[CandidateUpdate]:
        """Ask ``member`` once, and keep what comes; see ``Blending.stream``."""
        try:
            yield from self._pump(member, messages, stop)
        except MemberError as error:
            self._text = error.partial_text or self._text
            yield self._keep_failure(FailureKind(error.kind), str(error))
        except GeneratorExit:
            self._keep_failure(FailureKind.STOPPED, f"{self._config.name} was stopped")
            raise
        else:
            yield self._keep()

    def _pump(
        self, member: Member, messages: Sequence[Message], stop: threading.Event
    ) -> Iterator[CandidateUpdate]:
        shown_at = float("-inf")
        with contextlib.closing(member.stream(messages, options=self._options(), stop=stop)) as chunks:
            for chunk in chunks:
                self._text = chunk.onto(self._text)
                self._thinking += chunk.thinking
                self._waiting = chunk.waiting
                self._n_tokens, self._usage = chunk.n_tokens, chunk.usage
                if chunk.text and self._first_token_seconds is None:
                    self._first_token_seconds = self._seconds()
                is_due = bool(chunk.waiting) or self._timer() - shown_at >= self._update_seconds
                if chunk.usage is None and is_due:
                    shown_at = self._timer()
                    yield self._update()

    def _options(self) -> Sampling | None:
        """How this answer is asked for in another way than the member's own; None for its own way.

        With one seed for all its answers, a member would give the first one again.
        """
        sampling, sample = self._config.sampling, self._request.sample
        if sample > 1 and sampling.seed is not None:
            return replace(sampling, seed=sampling.seed + sample - 1)
        return self._request.sampling

    def _seconds(self) -> float:
        return self._timer() - self._started

    def _update(
        self, *, failure: FailureView | None = None, candidate_id: int | None = None
    ) -> CandidateUpdate:
        usage = self._usage
        return CandidateUpdate(
            text=self._text,
            waiting=self._waiting,
            thinking=self._thinking,
            n_tokens=usage.n_tokens if usage else self._n_tokens,
            seconds=usage.seconds if usage else self._seconds(),
            first_token_seconds=usage.first_token_seconds if usage else self._first_token_seconds,
            candidate_id=candidate_id,
            failure=failure,
            finish_reason=usage.finish_reason if usage and candidate_id is not None else None,
            n_prompt_tokens=usage.n_prompt_tokens if usage else None,
            is_done=failure is not None or candidate_id is not None,
        )

    def _keep(self) -> CandidateUpdate:
        if not self._text.strip():
            return self._keep_failure(
                FailureKind.EMPTY, f"{self._config.name} gave an empty answer; try again"
            )
        last = self._update()
        with transaction(self._engine, immediate=True) as session:
            candidate = Candidate(
                prompt_id=self._request.prompt_id,
                member_id=self._member_id(session),
                sample=self._request.sample,
                text=last.text,
                thinking=last.thinking,
                finish_reason=self._usage.finish_reason if self._usage else None,
                n_prompt_tokens=self._usage.n_prompt_tokens if self._usage else None,
                n_tokens=last.n_tokens,
                first_token_seconds=last.first_token_seconds,
                seconds=last.seconds,
                propensity=self._request.propensity,
                created_at=self._clock(),
            )
            session.add(candidate)
            session.flush()
            return self._update(candidate_id=candidate.id)

    def _keep_failure(self, kind: FailureKind, message: str) -> CandidateUpdate:
        with transaction(self._engine, immediate=True) as session:
            failure = CandidateFailure(
                prompt_id=self._request.prompt_id,
                member_id=self._member_id(session),
                sample=self._request.sample,
                kind=kind,
                message=message,
                partial_text=self._text,
                thinking=self._thinking,
                seconds=self._seconds(),
                created_at=self._clock(),
            )
            session.add(failure)
            session.flush()
            return self._update(failure=failure_view(failure, self._config.name))

    def _member_id(self, session: Session) -> int:
        config = self._config
        row = MemberRow(
            name=config.name,
            backend=config.backend,
            model=config.model,
            options=config.options,
            fingerprint=config.fingerprint,
            created_at=self._clock(),
        )
        return key_of(members.get_or_add(session, member=row).id)

"""Candidates and their failures as rows and as the views that pages get.

Invariant: a view holds no row, so it outlives its transaction. Non-goal: how an answer came about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from blender_ui.conversations import messages_json
from blender_ui.errors import NotFound
from blender_ui.language import tr
from blender_ui.members.seats import Seat
from blender_ui.values import RankingPrompt
from db.models import Candidate, CandidateFailure, FailureKind, Prompt

FUSION_BACKEND = "fusion"
"""``Member.backend`` of fused answers, which are candidates and not members' answers."""


@dataclass(frozen=True, kw_only=True)
class FailureView:
    """Why a member gave no answer."""

    failure_id: int
    member: str
    sample: int = 1
    """Which of the member's answers it was to be."""
    kind: FailureKind
    message: str
    partial_text: str
    thinking: str
    seconds: float

    @property
    def seat(self) -> Seat:
        """Whose answer it was to be, and which."""
        return Seat(self.member, self.sample)


@dataclass(frozen=True, kw_only=True)
class CandidateView:
    """A member's answer."""

    candidate_id: int
    member: str
    sample: int = 1
    """Which of the member's answers to the prompt."""
    text: str
    thinking: str = ""
    """What it thought before it answered; people, rankers and fusers judge the text alone."""
    seconds: float | None
    first_token_seconds: float | None
    n_tokens: int | None
    finish_reason: str | None
    """``length`` where the answer was cut at the member's limit."""

    @property
    def seat(self) -> Seat:
        """Whose answer it is, and which."""
        return Seat(self.member, self.sample)


def get_prompt(session: Session, prompt_id: int) -> Prompt:
    """The prompt of this id.

    Raises:
        NotFound: If there is none.
    """
    prompt = session.get(Prompt, prompt_id)
    if prompt is None:
        raise NotFound(tr("there is no prompt {prompt_id}; ask a question first", prompt_id=prompt_id))
    return prompt


def get_candidate(session: Session, candidate_id: int) -> Candidate:
    """The answer of this id.

    Raises:
        NotFound: If there is none.
    """
    candidate = session.get(Candidate, candidate_id)
    if candidate is None:
        raise NotFound(tr("there is no answer {candidate_id}", candidate_id=candidate_id))
    return candidate


def prompt_columns(prompt: RankingPrompt) -> dict[str, Any]:
    """What a prompt's row says of the prompt itself."""
    return {
        "instruction": prompt.instruction,
        "input": prompt.input,
        "fingerprint": prompt.fingerprint,
        "history": messages_json(prompt.history),
        "first_turn_fingerprint": prompt.first_turn_fingerprint if prompt.history else None,
    }


def candidate_view(candidate: Candidate, member: str) -> CandidateView:
    """A stored answer as the pages see it."""
    return CandidateView(
        candidate_id=key_of(candidate.id),
        member=member,
        sample=candidate.sample,
        text=candidate.text,
        thinking=candidate.thinking,
        seconds=candidate.seconds,
        first_token_seconds=candidate.first_token_seconds,
        n_tokens=candidate.n_tokens,
        finish_reason=candidate.finish_reason,
    )


def failure_view(failure: CandidateFailure, member: str) -> FailureView:
    """A stored failure as the pages see it."""
    return FailureView(
        failure_id=key_of(failure.id),
        member=member,
        sample=failure.sample,
        kind=failure.kind,
        message=failure.message,
        partial_text=failure.partial_text,
        thinking=failure.thinking,
        seconds=failure.seconds,
    )


def key_of(value: int | None) -> int:
    """The primary key of a row that has been flushed."""
    if value is None:
        raise ValueError("expected a row that has been flushed")
    return value

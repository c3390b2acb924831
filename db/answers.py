"""Tables of what is asked and answered: members, prompts, candidates and failures.

Invariant: an answer or a failure names its prompt and its member, and stays as it came.
Non-goal: what is said of answers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, enum_column, utc_now
from db.enums import DEFAULT_PROJECT_ID, FailureKind


class Member(SQLModel, table=True):
    """One LLM with fixed options; other options make another row of the same name."""

    __tablename__: ClassVar[str] = "member"
    __table_args__ = (UniqueConstraint("name", "fingerprint"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True, max_length=128)
    backend: str = Field(max_length=32)
    """llama_cpp, transformers, openai; ``import`` for members known by their answers only, ``fusion``
    for fused answers."""
    model: str = Field(max_length=512)
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    fingerprint: str = Field(max_length=64)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Prompt(SQLModel, table=True):
    """What a person asked, once per asking; an imported prompt once per project and source.

    It is the last turn of a conversation, whose other messages are its history.
    """

    __tablename__: ClassVar[str] = "prompt"
    __table_args__ = (
        UniqueConstraint("project_id", "source", "external_id"),
        UniqueConstraint("id", "project_id"),
        CheckConstraint("length(trim(instruction)) + length(trim(input)) > 0", name="not_blank"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(default=DEFAULT_PROJECT_ID, foreign_key="project.id")
    instruction: str
    input: str = ""
    fingerprint: str = Field(index=True, max_length=64)
    """``RankingPrompt.fingerprint``: equal for the same question after the same history."""
    history: list[dict[str, str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """The messages before, the oldest first, as ``conversations.messages_json`` writes them; empty for a
    conversation of one turn."""
    first_turn_fingerprint: str | None = Field(default=None, max_length=64)
    """That of the conversation's first turn, by which data is split; NULL where ``history`` is empty and
    ``fingerprint`` is it."""
    source: str | None = Field(default=None, max_length=128)
    """Data set it was imported from; NULL for a prompt asked here."""
    external_id: str | None = Field(default=None, max_length=256)
    licence: str | None = Field(default=None, max_length=128)
    lang: str | None = Field(default=None, max_length=32)
    category: str | None = Field(default=None, max_length=128)
    asked_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    record_fingerprint: str | None = Field(default=None, max_length=64)
    """SHA-256 of the record it was imported from: tells the same record from a changed one."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Continuation(SQLModel, table=True):
    """A prompt goes on from an answer, which is the last message of its history.

    A table of its own, because a column of ``prompt`` would make two tables refer to each other.
    """

    __tablename__: ClassVar[str] = "continuation"

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    candidate_id: int = Field(foreign_key="candidate.id", index=True)


class Candidate(SQLModel, table=True):
    """A member's answer to a prompt."""

    __tablename__: ClassVar[str] = "candidate"

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    member_id: int = Field(foreign_key="member.id", index=True)
    sample: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """Which of the member's answers to this prompt, from 1, where it was asked for several."""
    text: str
    thinking: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What the member thought before it answered: no part of the answer; empty where it told none."""
    finish_reason: str | None = Field(default=None, max_length=32)
    n_prompt_tokens: int | None = None
    n_tokens: int | None = None
    first_token_seconds: float | None = None
    seconds: float | None = None
    propensity: float | None = None
    """Probability with which a chooser had this member asked; NULL where nobody chose among members."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class SharedRound(SQLModel, table=True):
    """A round to which its asker made a link, and whether that was taken back."""

    __tablename__: ClassVar[str] = "shared_round"

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    n_revoked: int = 0
    """How often a link was taken back: a later one has another token."""
    shared_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """NULL while the last link opens."""


class CandidateFailure(SQLModel, table=True):
    """Why a member gave no answer; what it had said before stays with it."""

    __tablename__: ClassVar[str] = "candidate_failure"

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    member_id: int = Field(foreign_key="member.id", index=True)
    sample: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """As of a ``Candidate``."""
    kind: FailureKind = Field(sa_column=enum_column(FailureKind))
    message: str
    partial_text: str = ""
    thinking: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """As of a ``Candidate``."""
    seconds: float
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)

"""Tables of people and what they are asked: annotators, accounts, invitations, projects, the audit trail.

Invariant: no secret is stored, only argon2 hashes of passwords and SHA-256 of random tokens, and
there is always the default project, to which everything belongs that names no other. Rows are
never deleted: an account is disabled, a sign-in ended, a member removed, a project archived.
Non-goal: what a role may do, which ``blender_ui.services.people.access`` decides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Connection, Index, Table, event, insert
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, enum_column, utc_now
from db.enums import AnnotatorKind, Ask, Audience, Reveal, Role

DEFAULT_PROJECT_NAME = "Default project"


class Annotator(SQLModel, table=True):
    """A person who labels, or a judge whose verdicts were imported."""

    __tablename__: ClassVar[str] = "annotator"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=128)
    """``browser:`` and a SHA-256 of the secret that a person's browser keeps, ``guest:`` where nothing of
    theirs is stored yet and the row may go to the next guest; ``import:`` and a
    SHA-256 of source, kind and name for imported annotators."""
    name: str = Field(max_length=128)
    kind: AnnotatorKind = Field(sa_column=enum_column(AnnotatorKind))
    role: Role = Field(sa_column=enum_column(Role))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Account(SQLModel, table=True):
    """How an annotator signs in: a password, a Hugging Face account, or both."""

    __tablename__: ClassVar[str] = "account"
    __table_args__ = (
        CheckConstraint("password_hash IS NOT NULL OR hub_name IS NOT NULL", name="can_sign_in"),
        CheckConstraint("length(trim(username)) > 0", name="username_not_blank"),
    )

    annotator_id: int = Field(primary_key=True, foreign_key="annotator.id")
    username: str = Field(unique=True, max_length=64)
    """In lower case."""
    password_hash: str | None = Field(default=None, max_length=256)
    """Of argon2id, with its salt and parameters."""
    hub_name: str | None = Field(default=None, unique=True, max_length=128)
    """Name of the Hugging Face account that signs in as this one."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)


class SignIn(SQLModel, table=True):
    """A browser that is signed in to an account, known by the SHA-256 of its token."""

    __tablename__: ClassVar[str] = "sign_in"
    __table_args__ = (CheckConstraint("length(token_hash) = 64", name="token_is_hashed"),)

    token_hash: str = Field(primary_key=True, max_length=64)
    annotator_id: int = Field(foreign_key="account.annotator_id", index=True)
    expires_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """When the person signed out or the account was disabled."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Project(SQLModel, table=True):
    """Prompts with guidelines, and how their pairs are asked."""

    __tablename__: ClassVar[str] = "project"
    __table_args__ = (
        CheckConstraint("length(trim(name)) > 0", name="name_not_blank"),
        CheckConstraint("overlap >= 1", name="overlap_is_positive"),
        CheckConstraint("gold_share >= 0 AND attention_share >= 0", name="shares_not_negative"),
        CheckConstraint("gold_share + attention_share <= 0.5", name="most_turns_are_labels"),
        CheckConstraint("random_share > 0 AND random_share <= 1", name="random_share_is_a_share"),
        CheckConstraint("pay IS NULL OR pay >= 0", name="pay_not_negative"),
        CheckConstraint("n_answers >= 3 AND n_answers <= 8", name="n_answers_can_be_shown"),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=128)
    guidelines: str = ""
    """Markdown; the app's own guidelines are shown where it is empty."""
    overlap: int = 1
    """How many people are asked each pair that is queued from now on."""
    gold_share: float = 0.0
    """Share of turns that ask a pair whose answer a researcher knows."""
    attention_share: float = 0.0
    """Share of turns that ask a pair which only somebody who does not read gets wrong."""
    policy: str = Field(default="balanced_random", max_length=64)
    random_share: float = 0.2
    """Share of turns that stay random when a ranker orders the queue."""
    questions: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What is asked beside the outcome, see ``blender_ui.services.projects.questions``."""
    ask: Ask = Field(default=Ask.PAIR, sa_column=enum_column(Ask, default=Ask.PAIR))
    """Of two answers, or of ``n_answers`` at once."""
    n_answers: int = 4
    """How many are shown at once where more than a pair is asked."""
    audience: Audience = Field(
        default=Audience.EVERYBODY, sa_column=enum_column(Audience, default=Audience.EVERYBODY)
    )
    reveal: Reveal = Field(default=Reveal.VOTE, sa_column=enum_column(Reveal, default=Reveal.VOTE))
    """When people who label it are told who wrote what they judged."""
    pay: float | None = None
    """What a person gets for a pair, in the prices' currency; NULL where nobody said."""
    created_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcTime)


class ProjectMember(SQLModel, table=True):
    """An annotator who may label a project that is for its members."""

    __tablename__: ClassVar[str] = "project_member"

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True, index=True)
    added_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    """NULL where an invitation link brought them."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Workspace(SQLModel, table=True):
    """The project that a person works in: what pages show them until they choose another one."""

    __tablename__: ClassVar[str] = "workspace"

    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True)
    project_id: int | None = Field(default=None, foreign_key="project.id")
    """NULL for all projects at once."""
    chosen_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Invitation(SQLModel, table=True):
    """A link that makes accounts, known by the SHA-256 of its token."""

    __tablename__: ClassVar[str] = "invitation"
    __table_args__ = (
        CheckConstraint("n_left >= 0", name="n_left_not_negative"),
        CheckConstraint("length(token_hash) = 64", name="token_is_hashed"),
    )

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True, max_length=64)
    role: Role = Field(sa_column=enum_column(Role))
    project_id: int | None = Field(default=None, foreign_key="project.id")
    """Whose member the invited becomes; NULL for none."""
    n_left: int = 1
    """How many accounts it may still make; 0 when it is used up or was withdrawn."""
    expires_at: datetime = Field(sa_type=UtcTime)
    made_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    """NULL for the set-up link that the app prints when it has no admin."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class AuditEvent(SQLModel, table=True):
    """One change that somebody made; votes are not repeated here, their own rows keep their history."""

    __tablename__: ClassVar[str] = "audit_event"
    __table_args__ = (Index("ix_audit_event_object", "object_type", "object_id"),)

    id: int | None = Field(default=None, primary_key=True)
    annotator_id: int | None = Field(default=None, foreign_key="annotator.id", index=True)
    """NULL for the command line and for the app itself."""
    action: str = Field(max_length=64)
    """``project.create``, ``account.role``...: what it was done to, and what."""
    object_type: str = Field(max_length=64)
    object_id: str = Field(max_length=64)
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


def _add_default_project(table: Table, connection: Connection, **_options: Any) -> None:
    connection.execute(insert(table).values(name=DEFAULT_PROJECT_NAME, questions={}))


event.listen(Project.__table__, "after_create", _add_default_project)  # type: ignore[attr-defined]

"""Every table by its name; those of comparisons, leases and votes, and the rules of all.

The schema holds what must always be true (NOT NULL, CHECK, UNIQUE, foreign keys), because
SQLModel's ``table=True`` classes do not validate. Constraints are named so that migrations can
change them. Times are in UTC, durations in seconds. Rows are never deleted: an undone
preference is retracted, a changed member is a new row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from db.answers import Candidate as Candidate
from db.answers import CandidateFailure as CandidateFailure
from db.answers import Continuation as Continuation
from db.answers import Member as Member
from db.answers import Prompt as Prompt
from db.answers import SharedRound as SharedRound
from db.ballots import Ballot as Ballot
from db.choices import Choice as Choice
from db.columns import UtcTime as UtcTime
from db.columns import enum_column as _enum_column
from db.columns import utc_now as utc_now
from db.enums import DEFAULT_PROJECT_ID as DEFAULT_PROJECT_ID
from db.enums import RANKER_TRAININGS as RANKER_TRAININGS
from db.enums import TRAININGS as TRAININGS
from db.enums import AnnotatorKind as AnnotatorKind
from db.enums import Ask as Ask
from db.enums import Audience as Audience
from db.enums import FailureKind as FailureKind
from db.enums import JobKind as JobKind
from db.enums import JobStatus as JobStatus
from db.enums import LeaseStatus as LeaseStatus
from db.enums import ModelKind as ModelKind
from db.enums import ModelRole as ModelRole
from db.enums import Origin as Origin
from db.enums import Outcome as Outcome
from db.enums import Purpose as Purpose
from db.enums import Reveal as Reveal
from db.enums import Role as Role
from db.enums import WebhookEvent as WebhookEvent
from db.jobs import Job as Job
from db.jobs import ModelVersion as ModelVersion
from db.jobs import Promotion as Promotion
from db.jobs import TrainingPoint as TrainingPoint
from db.keys import ApiKey as ApiKey
from db.keys import KeyUse as KeyUse
from db.people import Account as Account
from db.people import Annotator as Annotator
from db.people import AuditEvent as AuditEvent
from db.people import Invitation as Invitation
from db.people import Project as Project
from db.people import ProjectMember as ProjectMember
from db.people import SignIn as SignIn
from db.people import Workspace as Workspace
from db.rankings import Bet as Bet
from db.rankings import Fusion as Fusion
from db.rankings import FusionSource as FusionSource
from db.rankings import FusionSpan as FusionSpan
from db.rankings import PairwiseLogit as PairwiseLogit
from db.rankings import Ranking as Ranking
from db.rankings import RankingEntry as RankingEntry
from db.rankings import Reading as Reading
from db.rankings import ShadowBet as ShadowBet
from db.webhooks import Sighting as Sighting
from db.webhooks import Webhook as Webhook
from db.webhooks import WebhookMessage as WebhookMessage


class Comparison(SQLModel, table=True):
    """Two candidates of one prompt, with the side each is shown on."""

    __tablename__: ClassVar[str] = "comparison"
    __table_args__ = (
        CheckConstraint("left_id <> right_id", name="two_candidates"),
        CheckConstraint("n_taken >= 0 AND n_taken <= overlap", name="n_taken_within_overlap"),
        CheckConstraint("is_open = (n_taken < overlap)", name="open_while_places_are_left"),
        CheckConstraint("(purpose = 'label') = (gold_outcome IS NULL)", name="gold_is_known"),
        UniqueConstraint("left_id", "right_id"),
        ForeignKeyConstraint(["prompt_id", "project_id"], ["prompt.id", "prompt.project_id"]),
        Index("ix_comparison_queue", "project_id", "purpose", "is_open", "n_taken", "priority"),
        Index("ix_comparison_information", "project_id", "purpose", "is_open", "information"),
        Index("ix_comparison_prompt_open", "prompt_id", "is_open", "n_taken"),
    )

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int
    project_id: int = Field(default=DEFAULT_PROJECT_ID)
    """The prompt's, kept here because the queue's index needs it."""
    left_id: int = Field(foreign_key="candidate.id", index=True)
    right_id: int = Field(foreign_key="candidate.id", index=True)
    origin: Origin = Field(sa_column=_enum_column(Origin))
    side_seed: int | None = None
    """Seed of the random sides; NULL where an import brought the order."""
    priority: float = 0.0
    """Random in [0, 1), drawn once: breaks ties among the least labelled, low first."""
    information: float | None = None
    """How unsure the active ranker is of it, high is asked first; NULL before a ranker said so."""
    overlap: int = 1
    """How many people are to answer it; 0 keeps it out of the queue."""
    n_taken: int = 0
    """Leases that count towards the overlap: active or answered."""
    is_open: bool = Field(default=True)
    """``n_taken < overlap``; a column because the queue's index needs it."""
    purpose: Purpose = Field(default=Purpose.LABEL, sa_column=_enum_column(Purpose, default=Purpose.LABEL))
    gold_outcome: Outcome | None = Field(default=None, sa_column=_enum_column(Outcome, nullable=True))
    """The right answer, for gold pairs and attention checks; never shown before the vote."""
    gold_reason: str | None = Field(default=None, sa_type=Text)
    """Why it is right, in a researcher's words; told to people who begin, after their vote."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Lease(SQLModel, table=True):
    """One comparison lent to one annotator, once; how it was chosen stays with it."""

    __tablename__: ClassVar[str] = "lease"
    __table_args__ = (
        UniqueConstraint("comparison_id", "annotator_id"),
        CheckConstraint("propensity > 0 AND propensity <= 1", name="propensity_is_a_probability"),
        Index("ix_lease_annotator_status", "annotator_id", "status"),
        Index("ix_lease_expiry", "status", "expires_at"),
        Index("ix_lease_annotator_ended", "annotator_id", "ended_at"),
        Index(
            "ix_lease_ballot",
            "ballot_id",
            sqlite_where=text("ballot_id IS NOT NULL"),
            postgresql_where=text("ballot_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    comparison_id: int = Field(foreign_key="comparison.id")
    annotator_id: int = Field(foreign_key="annotator.id")
    status: LeaseStatus = Field(sa_column=_enum_column(LeaseStatus))
    policy: str = Field(max_length=64)
    propensity: float
    """Probability with which the policy chose this comparison among those open to the annotator."""
    expires_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """When it was answered, skipped or expired; NULL while active. Undo goes back by it."""
    ballot_id: int | None = Field(default=None, foreign_key="ballot.id")
    """With which other leases it began and ends, because all were shown at once; NULL for a pair."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class SeenPrompt(SQLModel, table=True):
    """An annotator saw this prompt's answers with names, so no pair of it is blind to them."""

    __tablename__: ClassVar[str] = "seen_prompt"

    annotator_id: int = Field(foreign_key="annotator.id", primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Preference(SQLModel, table=True):
    """One annotator's outcome for a comparison. A retracted one is kept and no longer counts."""

    __tablename__: ClassVar[str] = "preference"
    __table_args__ = (
        CheckConstraint("strength IS NULL OR (strength > 0 AND strength <= 1)", name="strength_in_range"),
        CheckConstraint(
            "superseded_by_id IS NULL OR (retracted_at IS NOT NULL AND superseded_by_id > id)",
            name="superseded_by_a_later_one",
        ),
        Index(
            "ix_preference_ballot",
            "annotator_id",
            "retracted_at",
            "ballot_id",
            sqlite_where=text("ballot_id IS NOT NULL"),
            postgresql_where=text("ballot_id IS NOT NULL"),
        ),
        Index(
            "uq_preference_standing",
            "comparison_id",
            "annotator_id",
            unique=True,
            sqlite_where=text("retracted_at IS NULL"),
            postgresql_where=text("retracted_at IS NULL"),
        ),
        Index("ix_preference_annotator_standing", "annotator_id", "retracted_at", "created_at"),
        # Has all that counts by prompt ask for, so that they read no rows.
        Index(
            "ix_preference_comparison_standing", "comparison_id", "retracted_at", "annotator_id", "outcome"
        ),
        Index(
            "ix_preference_retracted",
            "retracted_at",
            sqlite_where=text("retracted_at IS NOT NULL"),
            postgresql_where=text("retracted_at IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    comparison_id: int = Field(foreign_key="comparison.id")
    annotator_id: int = Field(foreign_key="annotator.id")
    lease_id: int | None = Field(default=None, foreign_key="lease.id")
    """NULL for imported preferences."""
    ballot_id: int | None = Field(default=None, foreign_key="ballot.id")
    """What it follows from, with its reason and seconds; NULL where the pair itself was answered."""
    outcome: Outcome = Field(sa_column=_enum_column(Outcome))
    strength: float | None = None
    reason: str | None = None
    criteria: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Outcome by criterion, where the project asks: ``{"helpful": "left", "correct": "tie"}``."""
    spans: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Marked stretches: ``{"side", "start", "end", "text", "label"}`` in the shown text's characters."""
    seconds: float | None = None
    """From the pair being drawn to the vote."""
    idempotency_key: str = Field(unique=True, max_length=128)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    retracted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    superseded_by_id: int | None = Field(default=None, foreign_key="preference.id")
    """The annotator's later answer to the same pair; NULL where it stands or was undone."""


class Adjudication(SQLModel, table=True):
    """A researcher's ruling on two candidates that people disagree about; the latest one counts."""

    __tablename__: ClassVar[str] = "adjudication"

    id: int | None = Field(default=None, primary_key=True)
    comparison_id: int = Field(foreign_key="comparison.id", index=True)
    """Rules on its two candidates, whichever side they are shown on elsewhere."""
    outcome: Outcome = Field(sa_column=_enum_column(Outcome))
    reason: str
    decided_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)

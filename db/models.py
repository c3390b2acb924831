"""Every table, its enums and its invariants.

The schema holds what must always be true (NOT NULL, CHECK, UNIQUE, foreign keys), because
SQLModel's ``table=True`` classes do not validate. Constraints are named so that migrations can
change them. Times are in UTC, durations in seconds. Rows are never deleted: an undone
preference is retracted, a changed member is a new row.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from db.ballots import Ballot as Ballot
from db.columns import UtcTime as UtcTime
from db.columns import enum_column as _enum_column
from db.columns import utc_now as utc_now
from db.people import DEFAULT_PROJECT_ID as DEFAULT_PROJECT_ID
from db.people import Account as Account
from db.people import Ask as Ask
from db.people import Audience as Audience
from db.people import AuditEvent as AuditEvent
from db.people import Invitation as Invitation
from db.people import Project as Project
from db.people import ProjectMember as ProjectMember
from db.people import Role as Role
from db.people import SignIn as SignIn


class AnnotatorKind(enum.StrEnum):
    HUMAN = "human"
    JUDGE = "judge"


class Outcome(enum.StrEnum):
    """What an annotator said of a comparison; a skip is not an outcome but a lease's end."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"

    @property
    def turned(self) -> Outcome:
        """What it is with the sides exchanged."""
        return {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}.get(self, self)


class Origin(enum.StrEnum):
    """Where a comparison came from."""

    BLEND = "blend"
    QUEUE = "queue"
    IMPORT = "import"


class Purpose(enum.StrEnum):
    """Why people are asked a comparison."""

    LABEL = "label"
    """To learn which answer is better."""
    GOLD = "gold"
    """A researcher knows the answer: tells how far an annotator agrees."""
    ATTENTION = "attention"
    """Everybody who reads gets it right: shows whether an annotator reads."""


class LeaseStatus(enum.StrEnum):
    ACTIVE = "active"
    ANSWERED = "answered"
    SKIPPED = "skipped"
    EXPIRED = "expired"


class FailureKind(enum.StrEnum):
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    BAD_RESPONSE = "bad_response"
    EMPTY = "empty"
    STOPPED = "stopped"


class JobStatus(enum.StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"

    def is_finished(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in (JobStatus.COMPLETE, JobStatus.FAILED, JobStatus.CANCELLED)


class ModelRole(enum.StrEnum):
    """What a trained model is for; at most one version of each role serves at a time."""

    RANKER = "ranker"
    FUSER = "fuser"


class ModelKind(enum.StrEnum):
    """How a trained model is made."""

    FAST = "fast"
    """A Bayesian head over a frozen language model's readings."""
    JOINT = "joint"
    """The paper's cross-encoder, both candidates in one input."""
    POINTWISE = "pointwise"
    """An encoder that scores one candidate at a time, fine-tuned whole."""
    FUSER = "fuser"
    """A sequence-to-sequence model that writes one answer from several."""

    @property
    def role(self) -> ModelRole:
        """What a model of this kind is for."""
        return ModelRole.FUSER if self is ModelKind.FUSER else ModelRole.RANKER


class JobKind(enum.StrEnum):
    """What a job does: it trains one kind of model, or has members answer a project's prompts."""

    FAST = "fast"
    JOINT = "joint"
    POINTWISE = "pointwise"
    FUSER = "fuser"
    GENERATION = "generation"

    @property
    def model(self) -> ModelKind:
        """The kind of model that a training makes a version of; a ValueError of a generation."""
        return ModelKind(self.value)


TRAININGS = tuple(kind for kind in JobKind if kind is not JobKind.GENERATION)
"""Kinds of job that end in a version. They wait for each other; generations do not wait for them."""
RANKER_TRAININGS = tuple(kind for kind in TRAININGS if kind.model.role is ModelRole.RANKER)


class Annotator(SQLModel, table=True):
    """A person who labels, or a judge whose verdicts were imported."""

    __tablename__: ClassVar[str] = "annotator"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=128)
    """``browser:`` and a SHA-256 of the secret that a person's browser keeps, ``guest:`` where nothing of
    theirs is stored yet and the row may go to the next guest; ``import:`` and a
    SHA-256 of source, kind and name for imported annotators."""
    name: str = Field(max_length=128)
    kind: AnnotatorKind = Field(sa_column=_enum_column(AnnotatorKind))
    role: Role = Field(sa_column=_enum_column(Role))
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


class Candidate(SQLModel, table=True):
    """A member's answer to a prompt."""

    __tablename__: ClassVar[str] = "candidate"

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    member_id: int = Field(foreign_key="member.id", index=True)
    text: str
    thinking: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What the member thought before it answered: no part of the answer; empty where it told none."""
    finish_reason: str | None = Field(default=None, max_length=32)
    n_prompt_tokens: int | None = None
    n_tokens: int | None = None
    first_token_seconds: float | None = None
    seconds: float | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Continuation(SQLModel, table=True):
    """A prompt goes on from an answer, which is the last message of its history.

    A table of its own, because a column of ``prompt`` would make two tables refer to each other.
    """

    __tablename__: ClassVar[str] = "continuation"

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    candidate_id: int = Field(foreign_key="candidate.id", index=True)


class CandidateFailure(SQLModel, table=True):
    """Why a member gave no answer; what it had said before stays with it."""

    __tablename__: ClassVar[str] = "candidate_failure"

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    member_id: int = Field(foreign_key="member.id", index=True)
    kind: FailureKind = Field(sa_column=_enum_column(FailureKind))
    message: str
    partial_text: str = ""
    thinking: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """As of a ``Candidate``."""
    seconds: float
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


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


class Job(SQLModel, table=True):
    """A request that a worker trains a model or has members answer, and its fate."""

    __tablename__: ClassVar[str] = "job"
    __table_args__ = (
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress_is_a_share"),
        CheckConstraint(
            "n_done >= 0 AND n_failed >= 0 AND n_done + n_failed <= n_total", name="counts_within_total"
        ),
        CheckConstraint("(kind = 'generation') = (project_id IS NOT NULL)", name="project_suits_kind"),
        Index(
            "uq_job_unfinished_generation",
            "project_id",
            unique=True,
            sqlite_where=text("status IN ('waiting', 'running')"),
            postgresql_where=text("status IN ('waiting', 'running')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    workflow_id: str = Field(default_factory=lambda: uuid4().hex, unique=True, max_length=64)
    kind: JobKind = Field(sa_column=_enum_column(JobKind))
    status: JobStatus = Field(sa_column=_enum_column(JobStatus, index=True))
    project_id: int | None = Field(default=None, foreign_key="project.id")
    """Whose prompts are answered; a training belongs to no project. A project has one unfinished generation
    at most; NULLs do not count."""
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    requested_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    """NULL where the count of new preferences asked for it."""
    cut_off_preference_id: int = 0
    """Preferences after this id are not part of the job; 0 where it learns from none."""
    n_total: int = 0
    """Answers to ask for, counted when it was requested; 0 for a training."""
    n_done: int = 0
    n_failed: int = 0
    phase: str = Field(default="waiting", max_length=64)
    progress: float = 0.0
    remaining_seconds: float | None = None
    error: str | None = None
    cancel_requested_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    heartbeat_at: datetime | None = Field(default=None, sa_type=UtcTime)
    progressed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """When the work last got on; the heartbeat goes on while it does not."""
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)


class TrainingPoint(SQLModel, table=True):
    """One point of a job's live curve."""

    __tablename__: ClassVar[str] = "training_point"

    job_id: int = Field(foreign_key="job.id", primary_key=True)
    step: int = Field(primary_key=True)
    loss: float
    accuracy: float
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class ModelVersion(SQLModel, table=True):
    """One trained model: where it came from, what it learnt from, and how good it is."""

    __tablename__: ClassVar[str] = "model_version"
    __table_args__ = (
        CheckConstraint("(role = 'fuser') = (kind = 'fuser')", name="kind_suits_role"),
        Index(
            "uq_model_version_active",
            "role",
            unique=True,
            sqlite_where=text("is_active"),
            postgresql_where=text("is_active"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    role: ModelRole = Field(sa_column=_enum_column(ModelRole))
    kind: ModelKind = Field(sa_column=_enum_column(ModelKind))
    job_id: int | None = Field(default=None, foreign_key="job.id", unique=True)
    parent_id: int | None = Field(default=None, foreign_key="model_version.id")
    base_model: str = Field(max_length=512)
    base_fingerprint: str = Field(max_length=64)
    fingerprint: str = Field(max_length=64)
    path: str = Field(max_length=1024)
    """The checkpoint's folder, relative to the folder of its role."""
    cut_off_preference_id: int
    n_train: int
    n_held_out: int
    hyper_parameters: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    metrics: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    code_version: str = Field(max_length=64)
    is_active: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Promotion(SQLModel, table=True):
    """A decision about a version: made active, refused, or rolled back to; with its reason."""

    __tablename__: ClassVar[str] = "promotion"

    id: int | None = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="model_version.id", index=True)
    previous_id: int | None = Field(default=None, foreign_key="model_version.id")
    promoted: bool
    reason: str
    decided_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Reading(SQLModel, table=True):
    """What a frozen reader read in one candidate: little-endian float32, one vector."""

    __tablename__: ClassVar[str] = "reading"

    candidate_id: int = Field(foreign_key="candidate.id", primary_key=True)
    reader_fingerprint: str = Field(primary_key=True, max_length=64)
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Ranking(SQLModel, table=True):
    """One ranker version's decision about the candidates of a prompt."""

    __tablename__: ClassVar[str] = "ranking"

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    ranker_version_id: int = Field(foreign_key="model_version.id", index=True)
    refitted_preference_id: int | None = None
    """Last preference that the live head had learnt from; NULL for the version as trained."""
    policy: str = Field(max_length=32)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class RankingEntry(SQLModel, table=True):
    """The score and rank of one candidate in a ranking."""

    __tablename__: ClassVar[str] = "ranking_entry"

    ranking_id: int = Field(foreign_key="ranking.id", primary_key=True)
    candidate_id: int = Field(foreign_key="candidate.id", primary_key=True)
    score: float
    rank: int


class PairwiseLogit(SQLModel, table=True):
    """One entry of a ranking's matrix: ``first`` shown first against ``second``."""

    __tablename__: ClassVar[str] = "pairwise_logit"

    ranking_id: int = Field(foreign_key="ranking.id", primary_key=True)
    first_id: int = Field(foreign_key="candidate.id", primary_key=True)
    second_id: int = Field(foreign_key="candidate.id", primary_key=True)
    logit: float
    uncertainty: float | None = None
    """Standard deviation of the logit, where the ranker knows it."""


class Fusion(SQLModel, table=True):
    """A fused answer, or the reason why the best source is shown in its place."""

    __tablename__: ClassVar[str] = "fusion"

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    ranking_id: int | None = Field(default=None, foreign_key="ranking.id")
    """NULL where the sources were taken without a ranker, in the members' order."""
    fuser: str = Field(max_length=512)
    attributed_by: str | None = Field(default=None, max_length=32)
    """How the spans were found: by ``alignment`` of words or by the fuser's ``attention``; NULL
    where fusing failed."""
    candidate_id: int | None = Field(default=None, foreign_key="candidate.id", unique=True)
    """The fused text, kept as a candidate so that people can vote on it; NULL when fusing failed."""
    error: str | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class FusionSource(SQLModel, table=True):
    """One source of a fusion, in the order in which the fuser saw it."""

    __tablename__: ClassVar[str] = "fusion_source"

    fusion_id: int = Field(foreign_key="fusion.id", primary_key=True)
    position: int = Field(primary_key=True)
    candidate_id: int = Field(foreign_key="candidate.id")
    share: float | None = None
    """Share of the fused characters attributed to this source."""


class FusionSpan(SQLModel, table=True):
    """A stretch of the fused text and the source it came from; NULL where it is the fuser's own."""

    __tablename__: ClassVar[str] = "fusion_span"

    fusion_id: int = Field(foreign_key="fusion.id", primary_key=True)
    start: int = Field(primary_key=True)
    end: int
    source_id: int | None = Field(default=None, foreign_key="candidate.id")

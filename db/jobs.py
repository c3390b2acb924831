"""Tables of jobs, and of the models that trainings make: versions and the decisions about them.

Invariant: a job's state and its end agree, and each role has one active version at most.
Non-goal: how a job is carried out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from sqlalchemy import JSON, CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, enum_column, utc_now
from db.enums import JobKind, JobStatus, ModelKind, ModelRole


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
    kind: JobKind = Field(sa_column=enum_column(JobKind))
    status: JobStatus = Field(sa_column=enum_column(JobStatus, index=True))
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
        CheckConstraint(
            "(role = 'fuser') = (kind = 'fuser') AND (role = 'chooser') = (kind = 'chooser')",
            name="kind_suits_role",
        ),
        Index(
            "uq_model_version_active",
            "role",
            unique=True,
            sqlite_where=text("is_active"),
            postgresql_where=text("is_active"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    role: ModelRole = Field(sa_column=enum_column(ModelRole))
    kind: ModelKind = Field(sa_column=enum_column(ModelKind))
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

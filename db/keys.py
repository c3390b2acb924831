"""Tables of the keys that programs send, and of how much each was used.

Invariant: the store has a key's SHA-256, never the key; a revoked key stays, with what was done with it.
Non-goal: what a role may do, which ``blender_ui.api.rules`` says.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, enum_column, utc_now
from db.enums import Role


class ApiKey(SQLModel, table=True):
    """A key that a program sends with every request."""

    __tablename__: ClassVar[str] = "api_key"
    __table_args__ = (
        CheckConstraint("length(trim(name)) > 0", name="name_not_blank"),
        CheckConstraint("length(secret_hash) = 64", name="secret_is_hashed"),
        CheckConstraint("requests_a_minute >= 1 AND tokens_a_day >= 1", name="limits_are_positive"),
    )

    id: int | None = Field(default=None, primary_key=True)
    annotator_id: int = Field(foreign_key="annotator.id", unique=True)
    """Who asks and votes by it: a ``judge``, because it is no person."""
    name: str = Field(max_length=128)
    secret_hash: str = Field(unique=True, max_length=64)
    start: str = Field(max_length=16)
    """The key's first characters, by which people tell keys apart."""
    role: Role = Field(sa_column=enum_column(Role))
    project_id: int | None = Field(default=None, foreign_key="project.id")
    """The one project that it works in; NULL for every one, and then it asks in the default project."""
    requests_a_minute: int
    tokens_a_day: int
    """Read and written by members, of one day in UTC."""
    made_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    """NULL for the command line."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class KeyUse(SQLModel, table=True):
    """What was done with a key on one day."""

    __tablename__: ClassVar[str] = "key_use"

    key_id: int = Field(foreign_key="api_key.id", primary_key=True)
    day: str = Field(primary_key=True, max_length=10)
    """In UTC, as ``2026-01-31``."""
    n_requests: int = 0
    n_tokens: int = Field(default=0, sa_type=BigInteger)

"""Tables of webhooks: where to say that something happened, what was said, and what was last seen.

Invariant: the store has a webhook's salt, never its secret; a message that is delivered or given up has
no next try. Non-goal: sending.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, enum_column, utc_now
from db.enums import WebhookEvent


class Webhook(SQLModel, table=True):
    """An address that is told of events."""

    __tablename__: ClassVar[str] = "webhook"
    __table_args__ = (
        CheckConstraint("length(trim(url)) > 0", name="url_not_blank"),
        CheckConstraint("length(secret_hash) = 64", name="secret_is_hashed"),
    )

    id: int | None = Field(default=None, primary_key=True)
    url: str = Field(max_length=2048)
    events: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Words of ``WebhookEvent``."""
    salt: str = Field(max_length=64)
    """What its secret is derived from, with the installation's."""
    secret_hash: str = Field(max_length=64)
    """SHA-256: tells an installation that would derive another secret."""
    made_by_id: int | None = Field(default=None, foreign_key="annotator.id")
    """NULL for the command line."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class WebhookMessage(SQLModel, table=True):
    """One message to one webhook, and how its delivery goes."""

    __tablename__: ClassVar[str] = "webhook_message"
    __table_args__ = (
        CheckConstraint("n_tries >= 0", name="tries_not_negative"),
        CheckConstraint("delivered_at IS NULL OR next_try_at IS NULL", name="delivered_is_over"),
        Index(
            "ix_webhook_message_due",
            "next_try_at",
            sqlite_where=text("next_try_at IS NOT NULL"),
            postgresql_where=text("next_try_at IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    webhook_id: int = Field(foreign_key="webhook.id", index=True)
    name: str = Field(unique=True, max_length=64)
    """By which the receiver knows a message that comes again."""
    event: WebhookEvent = Field(sa_column=enum_column(WebhookEvent))
    body: str
    """The text that is signed and sent."""
    n_tries: int = 0
    next_try_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """NULL once it is delivered or given up."""
    tried_at: datetime | None = Field(default=None, sa_type=UtcTime)
    status: int | None = None
    """Of HTTP, that the last try was answered with; NULL where nothing answered."""
    problem: str | None = None
    """Why the last try did not deliver it."""
    delivered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class Sighting(SQLModel, table=True):
    """What was last seen of something whose changes are told to webhooks."""

    __tablename__: ClassVar[str] = "sighting"

    name: str = Field(primary_key=True, max_length=200)
    """What was looked at: ``promoted:ranker``, ``queue:1``, ``member:NAME``."""
    value: str = Field(max_length=64)
    seen_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    """When it became this."""

"""The table of ballots: several answers of one prompt shown to one person at once, and what they said.

Invariant: a ballot's answers are of its prompt and stay in the order in which they were shown. What was said
is never overwritten: taken back, the ballot is retracted, and its answers are lent again as another ballot.
Non-goal: pairs; every pair that follows from a ballot is a ``Preference`` that names it.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, enum_column, utc_now
from db.enums import Ask


class Ballot(SQLModel, table=True):
    """Answers of one prompt lent to one person at once, and the order in which that person put them.

    How it was chosen (policy and propensity) and when its time is over stands on its leases.
    """

    __tablename__: ClassVar[str] = "ballot"
    __table_args__ = (
        CheckConstraint("ask <> 'pair'", name="asks_for_more_than_a_pair"),
        CheckConstraint(
            "(places IS NULL) = (given_at IS NULL) AND (idempotency_key IS NULL) = (given_at IS NULL)",
            name="given_as_a_whole",
        ),
        CheckConstraint("retracted_at IS NULL OR given_at IS NOT NULL", name="only_what_was_given"),
        Index("ix_ballot_annotator_given", "annotator_id", "given_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    annotator_id: int = Field(foreign_key="annotator.id")
    ask: Ask = Field(sa_column=enum_column(Ask))
    """What was asked; never ``pair``."""
    shown: list[int] = Field(sa_column=Column(JSON, nullable=False))
    """Candidates in the order in which they were shown."""
    shown_seed: int
    """Seed of that order; 0 where a file brought the ballot, whose answers stand in the file's order, or
    where they stood in the columns of a round, whose order is the prompt's own."""
    places: list[int] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """The place of each candidate of ``shown``, 1 is best, equal places tie; NULL until given. Where the best
    or the worst was asked, nothing was said of two others with equal places."""
    reason: str | None = None
    seconds: float | None = None
    """From the answers being drawn to the ballot."""
    idempotency_key: str | None = Field(default=None, unique=True, max_length=128)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)
    """When its answers were lent."""
    given_at: datetime | None = Field(default=None, sa_type=UtcTime)
    retracted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    """When it was taken back, and all its preferences with it."""

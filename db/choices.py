"""The table of which members a prompt was asked of, where not everybody was.

Invariant: what was expected stays as it was when the members were chosen, and names the version that
expected it. Non-goal: what they answered, which ``db.answers`` has.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, utc_now


class Choice(SQLModel, table=True):
    """The members that were chosen for a prompt, by a chooser or by a person."""

    __tablename__: ClassVar[str] = "choice"
    __table_args__ = (
        CheckConstraint("version_id IS NULL OR value IS NOT NULL", name="chooser_says_what_it_expects"),
    )

    prompt_id: int = Field(foreign_key="prompt.id", primary_key=True)
    version_id: int | None = Field(default=None, foreign_key="model_version.id", index=True)
    """Of the chooser; NULL where a person chose."""
    kind: str = Field(default="", max_length=256)
    """Of task."""
    is_explored: bool = False
    """Whether the last of those asked was drawn at random."""
    value: float | None = None
    """Expected quality of the best answer of those asked."""
    all_value: float | None = None
    """The same if all had been asked."""
    members: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    """Name, whether it was to be asked, and what was expected of it; those asked first, in their order."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)

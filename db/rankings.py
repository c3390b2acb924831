"""Tables of what models say of answers: readings, rankings with their logits, and fused answers.

Invariant: what a model said stays as it was said, and names the version that said it.
Non-goal: what people say, which ``db.models`` has.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from db.columns import UtcTime, utc_now


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


class Bet(SQLModel, table=True):
    """The ranking that stood while a lent pair was to be voted on: what the ranker expected."""

    __tablename__: ClassVar[str] = "bet"

    lease_id: int = Field(foreign_key="lease.id", primary_key=True)
    """One bet a lease, never changed, and laid only while the lease is active."""
    ranking_id: int = Field(foreign_key="ranking.id", index=True)
    """Its matrix has both orders of the pair."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


class ShadowBet(SQLModel, table=True):
    """What a version as it was trained says of a pair that people voted on after it was made."""

    __tablename__: ClassVar[str] = "shadow_bet"

    version_id: int = Field(foreign_key="model_version.id", primary_key=True)
    comparison_id: int = Field(foreign_key="comparison.id", primary_key=True)
    logit: float
    """Log-odds that the left answer is preferred, the mean of both orders."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcTime)


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

"""The win rate of fused answers in blind votes against their sources and other members.

Invariant: only standing votes of people count, those on checks left out, a tie and "both bad" half; where a
researcher has ruled, the ruling counts. Non-goal: the ranker's judgement; ``rows`` has that.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.statistics.shares import wilson_interval
from blender_ui.values import TARGETS
from db.queries import fusions
from db.queries.columns import OUTCOME_CODES


@dataclass(frozen=True, kw_only=True)
class FusionRecord:
    """One fuser's win rate against members' answers.

    Attributes:
        fuser: The fuser's name.
        n_votes: Votes on a pair of which one side was fused by it.
        win_rate: Share won, ties half.
        low: Lower end of the 95 % interval (Wilson).
        high: Its upper end.
    """

    fuser: str
    n_votes: int
    win_rate: float
    low: float
    high: float


def list_records(session: Session, *, fuser: str | None = None) -> tuple[FusionRecord, ...]:
    """The record of every fuser that was voted on, or of one; the one with most votes first."""
    points: dict[str, list[float]] = {}
    for vote in fusions.list_votes(session, backend=FUSION_BACKEND, fuser=fuser):
        left = float(TARGETS[OUTCOME_CODES[vote.outcome]])
        points.setdefault(vote.fuser, []).append(left if vote.is_left else 1 - left)
    records = []
    for name, won in points.items():
        rate = wilson_interval(sum(won), len(won))
        records.append(
            FusionRecord(fuser=name, n_votes=len(won), win_rate=rate.value, low=rate.low, high=rate.high)
        )
    return tuple(sorted(records, key=lambda record: -record.n_votes))


def find_record(session: Session, fuser: str) -> FusionRecord | None:
    """One fuser's record; None before the first vote."""
    return next(iter(list_records(session, fuser=fuser)), None)

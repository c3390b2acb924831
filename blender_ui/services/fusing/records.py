"""The win rate of fused answers in blind votes against their sources and other members.

Invariant: only standing votes of people count, those on checks left out, a tie and "both bad" half; where a
researcher has ruled, the ruling counts. Non-goal: the ranker's judgement; ``rows`` has that.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from sqlmodel import Session

from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.statistics.shares import measure_share
from blender_ui.values import TARGETS
from blender_ui.votes.arrays import number_statements
from db.queries import fusions
from db.queries.columns import OUTCOME_CODES
from db.queries.fusions import FusedVote


@dataclass(frozen=True, kw_only=True)
class FusionRecord:
    """One fuser's win rate against members' answers.

    Attributes:
        fuser: The fuser's name.
        n_votes: Votes on a pair of which one side was fused by it.
        win_rate: Share won, ties half.
        low: Lower end of the 95 % interval (Wilson); votes that follow from one ballot go together.
        high: Its upper end.
    """

    fuser: str
    n_votes: int
    win_rate: float
    low: float
    high: float


def list_records(session: Session, *, fuser: str | None = None) -> tuple[FusionRecord, ...]:
    """The record of every fuser that was voted on, or of one; the one with most votes first."""
    by_fuser: dict[str, list[FusedVote]] = defaultdict(list)
    for vote in fusions.list_votes(session, backend=FUSION_BACKEND, fuser=fuser):
        by_fuser[vote.fuser].append(vote)
    records = []
    for name, votes in by_fuser.items():
        left = TARGETS[[OUTCOME_CODES[vote.outcome] for vote in votes]]
        won = np.where([vote.is_left for vote in votes], left, 1 - left)
        ids = np.array([(vote.ballot_id, vote.preference_id) for vote in votes])
        statement = np.unique(number_statements(ids[:, 0], ids[:, 1]), return_inverse=True)[1]
        rate = measure_share(won, statement)
        figures = {"win_rate": float(rate.share[0]), "low": float(rate.low[0]), "high": float(rate.high[0])}
        records.append(FusionRecord(fuser=name, n_votes=len(votes), **figures))
    return tuple(sorted(records, key=lambda record: -record.n_votes))


def find_record(session: Session, fuser: str) -> FusionRecord | None:
    """One fuser's record; None before the first vote."""
    return next(iter(list_records(session, fuser=fuser)), None)

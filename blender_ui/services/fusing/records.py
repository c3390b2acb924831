"""How people like fused answers: blind votes on them against their sources and other members.

Invariant: only standing votes of people count, a tie and "both bad" half. Non-goal: what the ranker
thinks; ``fusions`` has that.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.statistics.shares import wilson_interval
from db.models import Annotator, AnnotatorKind, Candidate, Comparison, Member, Outcome, Preference


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


def list_records(session: Session) -> tuple[FusionRecord, ...]:
    """The record of every fuser that was voted on, the one with most votes first."""
    points: dict[str, list[float]] = {}
    for fuser, is_left, outcome in _votes(session):
        points.setdefault(fuser, []).append(_points(outcome, is_left=is_left))
    records = []
    for fuser, won in points.items():
        rate = wilson_interval(sum(won), len(won))
        records.append(
            FusionRecord(fuser=fuser, n_votes=len(won), win_rate=rate.value, low=rate.low, high=rate.high)
        )
    return tuple(sorted(records, key=lambda record: -record.n_votes))


def find_record(session: Session, fuser: str) -> FusionRecord | None:
    """One fuser's record; None before the first vote."""
    return next((record for record in list_records(session) if record.fuser == fuser), None)


def _votes(session: Session) -> list[tuple[str, bool, Outcome]]:
    """Fuser, whether its answer was the left one, and outcome, of pairs with one fused side."""
    fused = (
        select(col(Candidate.id).label("id"), col(Member.model).label("fuser"))
        .join(Member, col(Candidate.member_id) == col(Member.id))
        .where(Member.backend == FUSION_BACKEND)
        .subquery()
    )
    rows = session.execute(
        select(fused.c.fuser, fused.c.id, col(Comparison.left_id), col(Preference.outcome))
        .select_from(Preference)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(fused, or_(fused.c.id == col(Comparison.left_id), fused.c.id == col(Comparison.right_id)))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(col(Preference.retracted_at).is_(None), col(Annotator.kind) == AnnotatorKind.HUMAN)
    ).all()
    return [(fuser, fused_id == left_id, Outcome(outcome)) for fuser, fused_id, left_id, outcome in rows]


def _points(outcome: Outcome, *, is_left: bool) -> float:
    match outcome:
        case Outcome.LEFT:
            return float(is_left)
        case Outcome.RIGHT:
            return float(not is_left)
        case Outcome.TIE | Outcome.BOTH_BAD:
            return 0.5

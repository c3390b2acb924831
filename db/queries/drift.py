"""The latest votes and answers, as rows that drift is looked for in.

Invariant: windows are of ids, so that a look reads a bounded number of rows of a store of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import (
    Annotator,
    AnnotatorKind,
    Bet,
    Candidate,
    CandidateFailure,
    Comparison,
    Member,
    Outcome,
    Preference,
    RankingEntry,
)


class VotedRow(NamedTuple):
    """A standing vote of a person."""

    preference_id: int
    comparison_id: int
    prompt_id: int
    outcome: Outcome
    left: str
    right: str
    created_at: datetime


class AnswerRow(NamedTuple):
    """An answer, or a failure, of a member."""

    member: str
    is_failure: bool
    seconds: float | None
    created_at: datetime


def get_last_ids(session: Session) -> tuple[int, int]:
    """The highest id of any preference and of any answer; 0 where there is none."""
    preference = session.scalar(select(func.max(col(Preference.id)))) or 0
    return preference, session.scalar(select(func.max(col(Candidate.id)))) or 0


def list_votes(session: Session, *, after_id: int, until_id: int) -> list[VotedRow]:
    """People's standing votes in a range of ids, oldest first, with who wrote each side."""
    left, right = aliased(Candidate), aliased(Candidate)
    left_member, right_member = aliased(Member), aliased(Member)
    found = session.execute(
        select(
            col(Preference.id),
            col(Preference.comparison_id),
            col(Comparison.prompt_id),
            col(Preference.outcome),
            col(left_member.name),
            col(right_member.name),
            col(Preference.created_at),
        )
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .join(left_member, col(left_member.id) == col(left.member_id))
        .join(right_member, col(right_member.id) == col(right.member_id))
        .where(
            col(Preference.id) > after_id,
            col(Preference.id) <= until_id,
            col(Preference.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
        )
        .order_by(col(Preference.id))
    )
    return [VotedRow(*row) for row in found]


def list_seconds(session: Session, *, after_id: int, until_id: int) -> list[tuple[int, int, bool]]:
    """Each vote of a range after another person's on the same pair: id, pair, whether they agree."""
    earlier, by = aliased(Preference), aliased(Annotator)
    found = session.execute(
        select(
            col(Preference.id), col(Preference.comparison_id), col(Preference.outcome), col(earlier.outcome)
        )
        .join(earlier, col(earlier.comparison_id) == col(Preference.comparison_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .join(by, col(by.id) == col(earlier.annotator_id))
        .where(
            col(Preference.id) > after_id,
            col(Preference.id) <= until_id,
            col(earlier.id) < col(Preference.id),
            col(Preference.retracted_at).is_(None),
            col(earlier.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            col(by.kind) == AnnotatorKind.HUMAN,
        )
    )
    return [(number, pair, said == before) for number, pair, said, before in found]


def list_bets(session: Session, *, after_id: int, until_id: int) -> list[tuple[int, int, bool]]:
    """Each decided vote of a range that the ranker had bet on: id, prompt, whether the ranker was right."""
    left, right = aliased(RankingEntry), aliased(RankingEntry)
    found = session.execute(
        select(
            col(Preference.id),
            col(Comparison.prompt_id),
            col(Preference.outcome),
            left.score - col(right.score),
        )
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(Bet, col(Bet.lease_id) == col(Preference.lease_id))
        .join(
            left,
            (col(left.ranking_id) == col(Bet.ranking_id))
            & (col(left.candidate_id) == col(Comparison.left_id)),
        )
        .join(
            right,
            (col(right.ranking_id) == col(Bet.ranking_id))
            & (col(right.candidate_id) == col(Comparison.right_id)),
        )
        .where(
            col(Preference.id) > after_id,
            col(Preference.id) <= until_id,
            col(Preference.retracted_at).is_(None),
            col(Preference.outcome).in_((Outcome.LEFT, Outcome.RIGHT)),
        )
    )
    return [(number, prompt, (lead > 0) == (said is Outcome.LEFT)) for number, prompt, said, lead in found]


def find_time(session: Session, *, after_id: int) -> datetime | None:
    """When the first answer with a higher id came."""
    query = select(col(Candidate.created_at)).where(col(Candidate.id) > after_id).order_by(col(Candidate.id))
    found: datetime | None = session.scalar(query.limit(1))
    return found


def list_answers(
    session: Session, *, after_id: int, until_id: int, without_backends: Sequence[str]
) -> list[AnswerRow]:
    """Members' answers in a range of ids, and their failures of the same time."""
    asked = col(Member.backend).not_in(without_backends)
    answers = session.execute(
        select(col(Member.name), col(Candidate.seconds), col(Candidate.created_at))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.id) > after_id, col(Candidate.id) <= until_id, asked)
    )
    rows = [AnswerRow(name, False, seconds, at) for name, seconds, at in answers]
    if not rows:
        return []
    times = [one.created_at for one in rows]
    failures = session.execute(
        select(col(Member.name), col(CandidateFailure.created_at))
        .join(Member, col(Member.id) == col(CandidateFailure.member_id))
        .where(
            col(CandidateFailure.created_at) >= min(times),
            col(CandidateFailure.created_at) <= max(times),
            asked,
        )
    )
    return rows + [AnswerRow(name, True, None, at) for name, at in failures]

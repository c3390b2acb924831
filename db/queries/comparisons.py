"""What a comparison is about: its prompt, its two texts, and, for after the vote, who wrote them.

Plain values by statements that are built once: a vote waits for these.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Member, Outcome, Project, Prompt, Reveal


class ShownTexts(NamedTuple):
    """What an annotator is shown of a comparison."""

    instruction: str
    input: str
    history: list[dict[str, str]]
    left: str
    right: str
    left_id: int
    right_id: int


class MemberNames(NamedTuple):
    """Who wrote the two answers of a comparison, and when its project tells."""

    left: str
    right: str
    project_id: int
    reveal: Reveal


class Gold(NamedTuple):
    """The known answer of a gold pair, and why it is right."""

    outcome: Outcome
    reason: str


def find_gold(session: Session, *, comparison_id: int) -> Gold | None:
    """What is known of a gold pair with a reason, for after the vote; None of any other pair."""
    query = select(col(Comparison.gold_outcome), col(Comparison.gold_reason)).where(
        col(Comparison.id) == comparison_id, col(Comparison.gold_reason).is_not(None)
    )
    row = session.execute(query).first()
    return None if row is None or row[0] is None or row[1] is None else Gold(row[0], row[1])


def get_prompt_id(session: Session, *, comparison_id: int) -> int:
    """Whose answers a comparison is about."""
    query = select(col(Comparison.prompt_id)).where(col(Comparison.id) == comparison_id)
    prompt_id: int = session.connection().execute(query).scalar_one()
    return prompt_id


def get_texts(session: Session, *, comparison_id: int) -> ShownTexts:
    """The prompt and the two answers of a comparison, without names."""
    return ShownTexts(*session.connection().execute(_texts_query(), {"comparison_id": comparison_id}).one())


def get_member_names(session: Session, *, comparison_id: int) -> MemberNames:
    """The names behind a comparison, for after the vote."""
    return MemberNames(*session.connection().execute(_names_query(), {"comparison_id": comparison_id}).one())


@cache
def _texts_query() -> Select[*tuple[Any, ...]]:
    left, right = aliased(Candidate), aliased(Candidate)
    return (
        select(
            col(Prompt.instruction),
            col(Prompt.input),
            col(Prompt.history),
            col(left.text),
            col(right.text),
            col(left.id),
            col(right.id),
        )
        .select_from(Comparison)
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .where(col(Comparison.id) == bindparam("comparison_id"))
    )


@cache
def _names_query() -> Select[*tuple[Any, ...]]:
    left, right = aliased(Candidate), aliased(Candidate)
    left_member, right_member = aliased(Member), aliased(Member)
    return (
        select(col(left_member.name), col(right_member.name), col(Comparison.project_id), col(Project.reveal))
        .select_from(Comparison)
        .join(Project, col(Project.id) == col(Comparison.project_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .join(left_member, col(left_member.id) == col(left.member_id))
        .join(right_member, col(right_member.id) == col(right.member_id))
        .where(col(Comparison.id) == bindparam("comparison_id"))
    )

"""Rulings: researchers' decisions on two candidates, and the comparisons that each counts for.

Invariant: the latest ruling on two candidates counts for every label of them, turned to the label's sides;
what rates, judges, counts or learns takes outcomes by the one query here. Non-goal: changing labels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import Adjudication, Comparison, Outcome


class Ruling(NamedTuple):
    """A ruling on two candidates of a prompt."""

    prompt_id: int
    left_id: int
    right_id: int
    outcome: Outcome


def select_last_id() -> Select[Any]:
    """The latest ruling's id, 0 where there is none."""
    return select(func.coalesce(func.max(col(Adjudication.id)), 0))


def select_ruled() -> Select[Any]:
    """Id of every comparison that a ruling counts for, the outcome, and whether the sides are its own."""
    on = aliased(Comparison)
    left, right = col(on.left_id), col(on.right_id)
    low, high = case((left < right, left), else_=right), case((left < right, right), else_=left)
    latest = select(func.max(col(Adjudication.id))).join(on, col(on.id) == col(Adjudication.comparison_id))
    same = and_(col(Comparison.left_id) == left, col(Comparison.right_id) == right)
    turned = and_(col(Comparison.left_id) == right, col(Comparison.right_id) == left)
    return (
        select(col(Comparison.id), col(Adjudication.outcome), case((same, 1), else_=0))
        .select_from(Adjudication)
        .join(on, col(on.id) == col(Adjudication.comparison_id))
        .join(Comparison, and_(col(Comparison.prompt_id) == col(on.prompt_id), or_(same, turned)))
        .where(col(Adjudication.id).in_(latest.group_by(low, high)))
    )


def find_ruled(session: Session) -> dict[int, Outcome]:
    """The outcome of every comparison that a ruling counts for, by the comparison's id and for its sides."""
    rows = session.execute(select_ruled())
    return {id_: outcome if is_same else outcome.turned for id_, outcome, is_same in rows}


def list_rulings(
    session: Session, *, first_id: int | None = None, last_id: int | None = None
) -> list[Ruling]:
    """The rulings by ascending id, so that the last one on two candidates counts.

    Args:
        session: In a transaction.
        first_id, last_id: Only on prompts from one id to another.
    """
    query = (
        select(
            col(Comparison.prompt_id),
            col(Comparison.left_id),
            col(Comparison.right_id),
            col(Adjudication.outcome),
        )
        .join(Comparison, col(Comparison.id) == col(Adjudication.comparison_id))
        .order_by(col(Adjudication.id))
    )
    if first_id is not None and last_id is not None:
        query = query.where(col(Comparison.prompt_id).between(first_id, last_id))
    return [Ruling(*row) for row in session.execute(query)]

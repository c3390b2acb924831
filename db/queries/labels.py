"""Labels as columns of numbers, for statistics over every one there is.

Invariant: label columns come by ascending id, and no row of them is ever made, so a million cost about a
second. Non-goal: what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Select, case, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from db.models import (
    Annotator,
    AnnotatorKind,
    Candidate,
    Comparison,
    Outcome,
    Preference,
    Prompt,
)
from db.queries.columns import OUTCOME_CODES, Columns, select_milliseconds


class Vote(NamedTuple):
    """What one person says of a comparison."""

    comparison_id: int
    annotator: str
    outcome: Outcome
    reason: str | None


class ComparedTexts(NamedTuple):
    """What a comparison is about."""

    comparison_id: int
    instruction: str
    input: str
    history: list[dict[str, str]]
    left: str
    right: str


def list_latest(session: Session, *, annotator_id: int, limit: int = 30) -> Columns:
    """Outcome's code, whether the sides were random, milliseconds, gold; the latest label first."""
    query = (
        select(
            case(OUTCOME_CODES, value=col(Preference.outcome), else_=-1),
            # At once, answers have places and no sides.
            case((col(Comparison.side_seed).is_not(None) & col(Preference.ballot_id).is_(None), 1), else_=0),
            select_milliseconds(),
            case(OUTCOME_CODES, value=col(Comparison.gold_outcome), else_=-1),
        )
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(col(Preference.annotator_id) == annotator_id, col(Preference.retracted_at).is_(None))
        .order_by(col(Preference.created_at).desc(), col(Preference.id).desc())
        .limit(limit)
    )
    return _fetch(session, query, 4)


def names_of_people(session: Session) -> dict[int, str]:
    """The name of every annotator who is a person."""
    query = select(col(Annotator.id), col(Annotator.name)).where(col(Annotator.kind) == AnnotatorKind.HUMAN)
    return {annotator_id: name for annotator_id, name in session.execute(query) if annotator_id is not None}


def times_of(session: Session, *, preference_ids: Sequence[int]) -> dict[int, datetime]:
    """When some preferences were given."""
    query = select(col(Preference.id), col(Preference.created_at)).where(
        col(Preference.id).in_(preference_ids)
    )
    return {preference_id: at for preference_id, at in session.execute(query) if preference_id is not None}


def list_texts(session: Session, *, comparison_ids: Sequence[int]) -> dict[int, ComparedTexts]:
    """What some comparisons are about, by id."""
    left, right = aliased(Candidate), aliased(Candidate)
    query = (
        select(
            col(Comparison.id),
            col(Prompt.instruction),
            col(Prompt.input),
            col(Prompt.history),
            col(left.text),
            col(right.text),
        )
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .where(col(Comparison.id).in_(comparison_ids))
    )
    return {row[0]: ComparedTexts(*row) for row in session.execute(query)}


def list_votes(session: Session, *, comparison_ids: Sequence[int]) -> list[Vote]:
    """The standing labels of people on some comparisons, by ascending id."""
    query = (
        select(
            col(Preference.comparison_id),
            col(Annotator.name),
            col(Preference.outcome),
            col(Preference.reason),
        )
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(
            col(Preference.comparison_id).in_(comparison_ids),
            col(Preference.retracted_at).is_(None),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
        )
        .order_by(col(Preference.id))
    )
    return [Vote(*row) for row in session.execute(query)]


def _fetch(session: Session, query: Select[*tuple[Any, ...]], width: int) -> Columns:
    """Run a query of whole numbers, past the rows that SQLAlchemy would make of each."""
    result = session.connection().execute(query)
    rows: Iterable[tuple[int, ...]] = result.cursor  # type: ignore[assignment]
    numbers = np.fromiter(chain.from_iterable(rows), dtype=np.int64)
    result.close()
    return np.ascontiguousarray(numbers.reshape(-1, width).T)

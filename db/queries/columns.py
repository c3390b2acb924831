"""Whole tables as columns of numbers, for statistics over every preference there is.

Invariant: rows come in ascending order of their ids, and only numbers leave the driver, so a million of
them cost a second and not a minute. Non-goal: rows with texts; other queries read those.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, case, func, select
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Outcome, Preference, Prompt

Columns = NDArray[np.int64]
"""Shape (n_columns, n_rows)."""

OUTCOME_CODES = {Outcome.RIGHT: 0, Outcome.TIE: 1, Outcome.LEFT: 2, Outcome.BOTH_BAD: 3}


class DataVersion(NamedTuple):
    """Tells one state of the preferences from every other one."""

    last_id: int
    n: int
    n_retracted: int


class PromptFacts(NamedTuple):
    """What a prompt says of itself without its text."""

    prompt_id: int
    fingerprint: str
    category: str | None
    source: str | None


def get_data_version(session: Session) -> DataVersion:
    """The state of the preferences at this moment."""
    retracted = func.count(col(Preference.retracted_at))
    last, n, n_retracted = session.execute(
        select(func.coalesce(func.max(col(Preference.id)), 0), func.count(), retracted)
    ).one()
    return DataVersion(int(last), int(n), int(n_retracted))


def list_preferences(session: Session, *, after_id: int = 0) -> Columns:
    """Id, comparison, annotator and outcome's code of every preference, the retracted ones too."""
    code = case(OUTCOME_CODES, value=col(Preference.outcome), else_=-1)
    query = select(col(Preference.id), col(Preference.comparison_id), col(Preference.annotator_id), code)
    return _fetch(session, query.where(col(Preference.id) > after_id).order_by(col(Preference.id)), 4)


def list_retracted(session: Session) -> Columns:
    """Ids of the preferences that were taken back, shape (1, n)."""
    query = select(col(Preference.id)).where(col(Preference.retracted_at).is_not(None))
    return _fetch(session, query.order_by(col(Preference.id)), 1)


def list_comparisons(session: Session, *, after_id: int = 0) -> Columns:
    """Id, prompt, left and right candidate of every comparison."""
    query = select(
        col(Comparison.id), col(Comparison.prompt_id), col(Comparison.left_id), col(Comparison.right_id)
    )
    return _fetch(session, query.where(col(Comparison.id) > after_id).order_by(col(Comparison.id)), 4)


def list_authors(session: Session, *, after_id: int = 0) -> Columns:
    """Id and member of every candidate."""
    query = select(col(Candidate.id), col(Candidate.member_id)).where(col(Candidate.id) > after_id)
    return _fetch(session, query, 2)


def list_styles(session: Session, *, after_id: int = 0) -> Columns:
    """Id, characters, list items, headings and bold stretches of every candidate.

    Counted where the texts lie, because a million of them would take long to travel.
    """
    text = col(Candidate.text)

    def count(mark: str) -> Any:
        return (func.length(text) - func.length(func.replace(text, mark, ""))) / len(mark)

    query = select(
        col(Candidate.id),
        func.length(text),
        count("\n- ") + count("\n* "),
        count("\n#"),
        count("**") / 2,
    )
    return _fetch(session, query.where(col(Candidate.id) > after_id), 5)


def list_prompt_facts(session: Session, *, after_id: int = 0) -> list[PromptFacts]:
    """Facts of every prompt, by ascending id."""
    query = select(col(Prompt.id), col(Prompt.fingerprint), col(Prompt.category), col(Prompt.source))
    rows = session.execute(query.where(col(Prompt.id) > after_id).order_by(col(Prompt.id)))
    return [PromptFacts(*row) for row in rows]


def _fetch(session: Session, query: Select[*tuple[Any, ...]], width: int) -> Columns:
    """Run a query of whole numbers, past the rows that SQLAlchemy would make of each."""
    result = session.connection().execute(query)
    rows: Iterable[tuple[int, ...]] = result.cursor  # type: ignore[assignment]
    numbers = np.fromiter(chain.from_iterable(rows), dtype=np.int64)
    result.close()
    return np.ascontiguousarray(numbers.reshape(-1, width).T)

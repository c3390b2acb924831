"""Whole tables as columns of numbers, for statistics over every preference there is.

Invariant: rows come in ascending order of their ids. A column leaves the driver as one text of digits, not
as a Python number a cell, so a million rows cost half a second. Non-goal: what is made of the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, String, case, cast, func, select
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Member, Outcome, Preference, Prompt, Reading
from db.queries import rulings
from db.queries.checks import select_checks
from db.queries.prompts import select_first_turn

Columns = NDArray[np.int64]
"""Shape (n_columns, n_rows)."""


class ReadAfter(Protocol):
    """Reads the rows with a higher id."""

    def __call__(self, session: Session, *, after_id: int = 0) -> Columns:
        """Columns, the id first."""


ROWS_AT_ONCE = 100_000
"""Ids that one statement asks for: other threads wait while a text of digits is read, here a hundredth of a
second, and no text nears SQLite's limit of a gigabyte."""
TEXTS_AT_ONCE = 5_000
OUTCOME_CODES = {outcome: code for code, outcome in enumerate(Outcome)}
"""An outcome's code is its place in ``Outcome``."""


class DataVersion(NamedTuple):
    """Tells one state of the preferences from every other one."""

    last_id: int
    n: int
    n_retracted: int
    last_ruling_id: int
    checks: tuple[tuple[int, int], ...]
    """Gold pairs and attention checks by ascending id, each with its right answer's code or -1."""


class PromptFacts(NamedTuple):
    """What prompts say of themselves without their texts, a column each."""

    prompt_ids: list[int]
    first_turns: list[str]
    """Their fingerprints."""
    categories: list[str | None]
    sources: list[str | None]


def get_data_version(session: Session) -> DataVersion:
    """The state of the preferences at this moment; a figure each, because most have an index of its own."""
    n = select(func.count()).select_from(Preference)
    last_id = select(func.coalesce(func.max(col(Preference.id)), 0))
    n_retracted = n.where(col(Preference.retracted_at).is_not(None))
    wanted = (last_id, n, n_retracted, rulings.select_last_id())
    figures = session.execute(select(*(one.scalar_subquery() for one in wanted))).one()
    gold = case(OUTCOME_CODES, value=col(Comparison.gold_outcome), else_=-1)
    checks = [(int(id_), int(code)) for id_, code in session.execute(select_checks().add_columns(gold))]
    last, n_all, n_gone, last_ruling = (int(one) for one in figures)
    return DataVersion(last, n_all, n_gone, last_ruling, tuple(sorted(checks)))


def list_preferences(session: Session, *, after_id: int = 0) -> Columns:
    """Every preference, retracted ones too.

    Columns: id, comparison, annotator, outcome's code, milliseconds, and the ballot it follows from or 0.
    """
    code = case(OUTCOME_CODES, value=col(Preference.outcome))
    ballot = func.coalesce(col(Preference.ballot_id), 0)
    others = (
        col(Preference.comparison_id),
        col(Preference.annotator_id),
        code,
        select_milliseconds(),
        ballot,
    )
    return fetch_columns(session, col(Preference.id), *others, after_id=after_id)


def select_milliseconds() -> Any:
    """How long a preference took, -1 where unknown."""
    return cast(func.coalesce(func.round(col(Preference.seconds) * 1000), -1), BigInteger)


def list_retracted(session: Session) -> Columns:
    """Ids of the preferences that were taken back, shape (1, n)."""
    query = select(col(Preference.id)).where(col(Preference.retracted_at).is_not(None))
    return np.array([sorted(session.execute(query).scalars())], dtype=np.int64)


def list_ruled(session: Session) -> Columns:
    """Id and outcome's code of every comparison that a ruling counts for, by ascending id, (2, n)."""
    rows = [(id_, OUTCOME_CODES[outcome]) for id_, outcome in sorted(rulings.find_ruled(session).items())]
    return np.array(rows, dtype=np.int64).reshape(-1, 2).T


def list_comparisons(session: Session, *, after_id: int = 0) -> Columns:
    """Id, prompt, left, right and whether the sides were drawn at random, of every comparison."""
    is_side_drawn = case((col(Comparison.side_seed).is_not(None), 1), else_=0)
    wanted = (col(Comparison.prompt_id), col(Comparison.left_id), col(Comparison.right_id), is_side_drawn)
    return fetch_columns(session, col(Comparison.id), *wanted, after_id=after_id)


def list_prompt_projects(session: Session, *, after_id: int = 0) -> Columns:
    """Id and project of every prompt."""
    return fetch_columns(session, col(Prompt.id), col(Prompt.project_id), after_id=after_id)


def list_authors(session: Session, *, after_id: int = 0) -> Columns:
    """Id, member and number of characters of every candidate."""
    wanted = (col(Candidate.member_id), func.length(col(Candidate.text)))
    return fetch_columns(session, col(Candidate.id), *wanted, after_id=after_id)


def list_read(session: Session, *, fingerprint: str) -> Columns:
    """Ids of the candidates that a reader has read, ascending, shape (1, n)."""
    return fetch_columns(
        session, col(Reading.candidate_id), where=col(Reading.reader_fingerprint) == fingerprint
    )


def iterate_texts(session: Session, *, after_id: int = 0) -> Iterator[tuple[list[int], list[str]]]:
    """Ids and texts of all candidates, by ascending id, ``TEXTS_AT_ONCE`` at a time."""
    wanted = (col(Candidate.id), col(Candidate.text))
    query = select(*wanted).order_by(col(Candidate.id)).limit(TEXTS_AT_ONCE)
    last = after_id
    while cells := _fetch_cells(session, query.where(col(Candidate.id) > last)):
        yield cells[::2], cells[1::2]
        last = cells[-2]


def list_members(session: Session) -> list[tuple[int, str]]:
    """Id and name of every member, by ascending id."""
    rows = session.execute(select(col(Member.id), col(Member.name)).order_by(col(Member.id)))
    return [(id_, name) for id_, name in rows if id_ is not None]


def iterate_uncategorised(session: Session, *, first_id: int, last_id: int) -> Iterator[tuple[int, str, str]]:
    """Id, instruction and input of the prompts from one id to another that no import put into a category."""
    query = select(col(Prompt.id), col(Prompt.instruction), col(Prompt.input)).where(
        col(Prompt.id).between(first_id, last_id), func.coalesce(col(Prompt.category), "") == ""
    )
    for id_, instruction, input_ in session.execute(query):
        yield id_ or 0, instruction, input_


def list_prompt_facts(session: Session, *, after_id: int = 0) -> PromptFacts:
    """Facts of every prompt, by ascending id."""
    wanted = (col(Prompt.id), select_first_turn(), col(Prompt.category), col(Prompt.source))
    cells = _fetch_cells(session, select(*wanted).where(col(Prompt.id) > after_id).order_by(col(Prompt.id)))
    return PromptFacts._make(cells[start :: len(wanted)] for start in range(len(wanted)))


def _fetch_cells(session: Session, query: Any) -> list[Any]:
    """All rows end to end: the driver's rows die at once, so that the garbage collector has none to visit."""
    result = session.connection().execute(query)
    rows: Iterable[tuple[Any, ...]] = result.cursor  # type: ignore[assignment]
    cells = [*chain.from_iterable(rows)]  # past the rows that SQLAlchemy would make of each
    result.close()
    return cells


def fetch_columns(session: Session, id_: Any, *others: Any, after_id: int = 0, where: Any = None) -> Columns:
    """An id and other whole numbers of every row with a higher id."""
    wanted = (id_, *others)
    query = select(*(func.aggregate_strings(cast(one, String), ",") for one in wanted))
    query = query if where is None else query.where(where)
    last = session.execute(select(func.max(id_))).scalar() or 0
    parts = [np.zeros((len(wanted), 0), dtype=np.int64)]
    for start in range(after_id, last, ROWS_AT_ONCE):
        row = session.execute(query.where(id_ > start, id_ <= start + ROWS_AT_ONCE)).one()
        if row[0] is not None:
            parts.append(np.array([np.fromstring(text, dtype=np.int64, sep=",") for text in row]))
    columns = np.concatenate(parts, axis=1)
    # All texts are of the same rows in the same order, but which order it is the database may choose.
    is_sorted = bool((columns[0, 1:] > columns[0, :-1]).all())
    return columns if is_sorted else columns[:, np.argsort(columns[0])]

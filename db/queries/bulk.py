"""Many rows at once, as an import writes and an export reads them.

Plain values, not rows of the session, whose bookkeeping would cost more than the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Table, func, insert, select, text
from sqlmodel import Session, SQLModel, col

from db.models import (
    Annotator,
    AnnotatorKind,
    Ballot,
    Candidate,
    Comparison,
    Member,
    Outcome,
    Preference,
    Prompt,
)

Value = TypeVar("Value")
IDS_PER_QUERY = 900  # SQLite built with the old default allows 999 variables in a statement


class StoredLabel(NamedTuple):
    """One standing preference with all that an export says of it."""

    prompt_id: int
    left_id: int
    right_id: int
    outcome: Outcome
    strength: float | None
    reason: str | None
    seconds: float | None
    created_at: datetime
    annotator_id: int
    criteria: dict[str, str] | None
    ballot_id: int | None
    """With whose reason and seconds."""
    preference_id: int = 0


class StoredCandidate(NamedTuple):
    """One candidate with its member's name."""

    candidate_id: int
    prompt_id: int
    member: str
    text: str


class StoredAnnotator(NamedTuple):
    """One annotator by the key that the store keeps."""

    key: str
    name: str
    kind: AnnotatorKind


def portions(ids: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Cut ids into as many as one statement can name."""
    for start in range(0, len(ids), IDS_PER_QUERY):
        yield ids[start : start + IDS_PER_QUERY]


def insert_rows(session: Session, *, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows and give their ids, in the rows' order.

    Args:
        session: In a transaction.
        model: A table with a column ``id``.
        rows: Every column that has no default in the schema, by name.
    """
    if not rows:
        return []
    table: Table = model.__table__  # type: ignore[attr-defined]
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        # SQLite's writer is alone already; here another's rows could come between ours.
        connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
    last: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    # Many times faster than RETURNING, which SQLite can only put in order row by row.
    connection.execute(insert(table), list(rows))
    ids = connection.execute(select(table.c.id).where(table.c.id > last).order_by(table.c.id))
    return list(ids.scalars())


def count_open(session: Session) -> int:
    """How many comparisons of all projects people are still to be asked."""
    query = select(func.count()).select_from(Comparison).where(col(Comparison.is_open).is_(True))
    n_open: int = session.execute(query).scalar_one()
    return n_open


def list_own_prompts(session: Session, *, project_id: int) -> list[tuple[int, str]]:
    """Id and fingerprint of every prompt of a project that was asked here."""
    rows = session.execute(
        select(col(Prompt.id), col(Prompt.fingerprint)).where(
            col(Prompt.source).is_(None), col(Prompt.project_id) == project_id
        )
    )
    return [(prompt_id, fingerprint) for prompt_id, fingerprint in rows if prompt_id is not None]


def ids_by_key(session: Session) -> dict[str, int]:
    """The id of every annotator by the key that the store keeps."""
    rows = session.execute(select(col(Annotator.key), col(Annotator.id)))
    return {key: annotator_id for key, annotator_id in rows if annotator_id is not None}


def ids_by_member(session: Session, *, backend: str) -> dict[str, int]:
    """The id of every member of a backend by its name, the first where options differ."""
    rows = session.execute(
        select(col(Member.name), col(Member.id))
        .where(col(Member.backend) == backend)
        .order_by(col(Member.id).desc())
    )
    return {name: member_id for name, member_id in rows if member_id is not None}


def list_prompts_after(
    session: Session, *, after_id: int, limit: int, project_id: int | None = None
) -> Sequence[Prompt]:
    """The next prompts by ascending id; of one project if asked."""
    query = select(Prompt).where(col(Prompt.id) > after_id).order_by(col(Prompt.id)).limit(limit)
    if project_id is not None:
        query = query.where(col(Prompt.project_id) == project_id)
    return session.scalars(query).all()


def list_candidates_between(session: Session, *, first_id: int, last_id: int) -> list[StoredCandidate]:
    """The candidates of the prompts from one id to another, by ascending id."""
    rows = session.execute(
        select(col(Candidate.id), col(Candidate.prompt_id), col(Member.name), col(Candidate.text))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.prompt_id).between(first_id, last_id))
        .order_by(col(Candidate.id))
    )
    return [StoredCandidate(*row) for row in rows]


def list_labels_between(session: Session, *, first_id: int, last_id: int) -> list[StoredLabel]:
    """The standing preferences about the prompts from one id to another, by ascending id."""
    rows = session.execute(
        select(
            col(Comparison.prompt_id),
            col(Comparison.left_id),
            col(Comparison.right_id),
            col(Preference.outcome),
            col(Preference.strength),
            func.coalesce(col(Preference.reason), col(Ballot.reason)),
            func.coalesce(col(Preference.seconds), col(Ballot.seconds)),
            col(Preference.created_at),
            col(Preference.annotator_id),
            col(Preference.criteria),
            col(Preference.ballot_id),
            col(Preference.id),
        )
        .join(Preference, col(Preference.comparison_id) == col(Comparison.id))
        .join(Ballot, col(Ballot.id) == col(Preference.ballot_id), isouter=True)
        .where(col(Comparison.prompt_id).between(first_id, last_id), col(Preference.retracted_at).is_(None))
        .order_by(col(Preference.id))
    )
    return [StoredLabel(*row) for row in rows]


def list_labellers(session: Session) -> list[tuple[int, str]]:
    """Id and name of every annotator with a standing preference, by name."""
    rows = session.execute(
        select(col(Annotator.id), col(Annotator.name))
        .where(
            col(Annotator.id).in_(
                select(col(Preference.annotator_id)).where(col(Preference.retracted_at).is_(None)).distinct()
            )
        )
        .order_by(col(Annotator.name), col(Annotator.id))
    )
    return [(annotator_id, name) for annotator_id, name in rows if annotator_id is not None]


def annotators_by_id(session: Session) -> dict[int, StoredAnnotator]:
    """Every annotator."""
    rows = session.execute(
        select(col(Annotator.id), col(Annotator.key), col(Annotator.name), col(Annotator.kind))
    )
    return {row[0]: StoredAnnotator(*row[1:]) for row in rows if row[0] is not None}

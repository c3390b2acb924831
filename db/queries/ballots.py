"""Ballots: several answers lent to one person at once, and what they said of them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, case, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import Session, col

from db.models import Ask, Ballot, Candidate, Comparison, Member, Project, Prompt, Reveal


class Shown(NamedTuple):
    """A ballot as it was read: which answers, in which order, and what was said of them, if anything."""

    id: int
    prompt_id: int
    annotator_id: int
    ask: Ask
    shown: list[int]
    shown_seed: int
    places: list[int] | None


class Answers(NamedTuple):
    """What a ballot shows; the texts and members in its order."""

    instruction: str
    input: str
    history: list[dict[str, str]]
    texts: tuple[str, ...]
    members: tuple[str, ...]
    project_id: int
    reveal: Reveal
    """When the project tells the members."""


class Pair(NamedTuple):
    """A comparison of two of a ballot's candidates."""

    comparison_id: int
    left_id: int
    right_id: int


def add(session: Session, *, values: dict[str, Any]) -> int:
    """Store a ballot, with every column by name that is not to be NULL; give its id."""
    return int(session.connection().execute(_add_statement(), values).scalar_one())


def get(session: Session, *, ballot_id: int) -> Shown:
    """One ballot."""
    return Shown(*session.connection().execute(_by_id_query(), {"ballot_id": ballot_id}).one())


def find_by_key(session: Session, *, idempotency_key: str) -> Shown | None:
    """The ballot that was given under a key, retracted or not."""
    row = session.connection().execute(_by_key_query(), {"key": idempotency_key}).first()
    return None if row is None else Shown(*row)


def change(session: Session, *, ballot_id: int, **values: Any) -> None:
    """Store what was said of a ballot, or when it was taken back, by column."""
    session.connection().execute(update(Ballot).where(col(Ballot.id) == ballot_id).values(**values))


def get_answers(session: Session, *, ballot: Shown) -> Answers:
    """The prompt and the answers of a ballot; the names are for after it."""
    prompt = session.connection().execute(_prompt_query(), {"prompt_id": ballot.prompt_id}).one()
    query = (
        select(col(Candidate.id), col(Candidate.text), col(Member.name))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.id).in_(ballot.shown))
    )
    found = {id_: (text, name) for id_, text, name in session.connection().execute(query)}
    texts, names = zip(*(found[candidate_id] for candidate_id in ballot.shown), strict=True)
    return Answers(
        prompt.instruction, prompt.input, prompt.history, texts, names, prompt.project_id, prompt.reveal
    )


def list_pairs(session: Session, *, comparison_ids: list[int]) -> list[Pair]:
    """The comparisons of a ballot's leases."""
    query = select(col(Comparison.id), col(Comparison.left_id), col(Comparison.right_id)).where(
        col(Comparison.id).in_(comparison_ids)
    )
    rows = session.connection().execute(query)
    return [Pair(id_, left_id, right_id) for id_, left_id, right_id in rows if id_ is not None]


def sum_seconds(
    session: Session, *, annotator_id: int, project_id: int, since: datetime, longest: float
) -> float:
    """Time that an annotator's standing ballots in a project since then took, ``longest`` at most each."""
    seconds = case((col(Ballot.seconds) > longest, longest), else_=col(Ballot.seconds))
    query = (
        select(func.coalesce(func.sum(seconds), 0.0))
        .join(Prompt, col(Prompt.id) == col(Ballot.prompt_id))
        .where(
            col(Ballot.annotator_id) == annotator_id,
            col(Ballot.given_at) >= since,
            col(Ballot.retracted_at).is_(None),
            col(Prompt.project_id) == project_id,
        )
    )
    total: float = session.execute(query).scalar_one()
    return total


# Building a statement takes longer than running it, so the ones of the label loop are built once.


@cache
def _add_statement() -> ReturningInsert[Any]:
    return insert(Ballot).returning(col(Ballot.id))


def _shown_query() -> Select[*tuple[Any, ...]]:
    return select(*(getattr(Ballot, name) for name in Shown._fields))


@cache
def _by_id_query() -> Select[*tuple[Any, ...]]:
    return _shown_query().where(col(Ballot.id) == bindparam("ballot_id"))


@cache
def _by_key_query() -> Select[*tuple[Any, ...]]:
    return _shown_query().where(col(Ballot.idempotency_key) == bindparam("key"))


@cache
def _prompt_query() -> Select[*tuple[Any, ...]]:
    of_project = (col(Prompt.project_id), col(Project.reveal))
    wanted = (col(Prompt.instruction), col(Prompt.input), col(Prompt.history), *of_project)
    query = select(*wanted).join(Project, col(Project.id) == col(Prompt.project_id))
    return query.where(col(Prompt.id) == bindparam("prompt_id"))

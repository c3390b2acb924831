"""Candidates and failures: what members answered, and why some did not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import Candidate, CandidateFailure, FailureKind, Member, Prompt
from db.queries.bulk import portions


class Answer(NamedTuple):
    """A candidate and who wrote it."""

    candidate: Candidate
    member: str
    backend: str


class Failure(NamedTuple):
    """A failure and whose it was."""

    failure: CandidateFailure
    member: str


def get_last_id(session: Session) -> int:
    """The highest id of any candidate, 0 where there is none."""
    last: int = session.execute(select(func.coalesce(func.max(col(Candidate.id)), 0))).scalar_one()
    return last


def list_answers(session: Session, *, prompt_id: int) -> list[Answer]:
    """The candidates of a prompt by ascending id, the fused ones too."""
    query = (
        select(Candidate, col(Member.name), col(Member.backend))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.prompt_id) == prompt_id)
        .order_by(col(Candidate.id))
    )
    return [Answer(*row) for row in session.execute(query)]


class Author(NamedTuple):
    """Who wrote a candidate."""

    prompt_id: int
    candidate_id: int
    member: str
    backend: str
    sample: int


class Written(NamedTuple):
    """A candidate's text and who wrote it."""

    candidate_id: int
    prompt_id: int
    text: str
    member: str
    backend: str


def list_written(session: Session, *, prompt_ids: Sequence[int]) -> list[Written]:
    """What was written for some prompts, by ascending id, the fused ones too."""
    query = select(
        col(Candidate.id),
        col(Candidate.prompt_id),
        col(Candidate.text),
        col(Member.name),
        col(Member.backend),
    ).join(Member, col(Member.id) == col(Candidate.member_id))
    return sorted(
        Written(*row)
        for ids in portions(prompt_ids)
        for row in session.execute(query.where(col(Candidate.prompt_id).in_(ids)))
    )


def list_authors(session: Session, *, prompt_ids: Sequence[int]) -> list[Author]:
    """Who wrote the candidates of some prompts, by ascending id, the fused ones too."""
    query = (
        select(
            col(Candidate.prompt_id),
            col(Candidate.id),
            col(Member.name),
            col(Member.backend),
            col(Candidate.sample),
        )
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.prompt_id).in_(prompt_ids))
        .order_by(col(Candidate.id))
    )
    return [Author(*row) for row in session.execute(query)]


def ids_of_prompt(session: Session, *, prompt_id: int) -> list[int]:
    """The ids of a prompt's candidates, ascending, the fused ones too."""
    query = select(col(Candidate.id)).where(col(Candidate.prompt_id) == prompt_id)
    return [id_ for id_ in session.scalars(query.order_by(col(Candidate.id))) if id_ is not None]


def list_failures(session: Session, *, prompt_id: int) -> list[Failure]:
    """The failures of a prompt by ascending id."""
    query = (
        select(CandidateFailure, col(Member.name))
        .join(Member, col(Member.id) == col(CandidateFailure.member_id))
        .where(col(CandidateFailure.prompt_id) == prompt_id)
        .order_by(col(CandidateFailure.id))
    )
    return [Failure(*row) for row in session.execute(query)]


def texts_by_id(session: Session, *, candidate_ids: Sequence[int]) -> dict[int, str]:
    """The texts of some candidates."""
    query = select(col(Candidate.id), col(Candidate.text))
    return {
        row[0]: row[1]
        for ids in portions(candidate_ids)
        for row in session.execute(query.where(col(Candidate.id).in_(ids)))
    }


class Text(NamedTuple):
    """A candidate's text, and where it came from."""

    prompt_id: int
    candidate_id: int
    text: str
    member: str


def list_texts(session: Session, *, up_to_id: int, without_backend: str) -> list[Text]:
    """Every candidate up to an id by ascending id, without those of one backend."""
    query = (
        select(col(Candidate.prompt_id), col(Candidate.id), col(Candidate.text), col(Member.name))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.id) <= up_to_id, col(Member.backend) != without_backend)
        .order_by(col(Candidate.id))
    )
    return [Text(*row) for row in session.execute(query)]


def list_ends(session: Session, *, project_id: int, failed_since: datetime) -> set[tuple[int, str, int]]:
    """Prompt, member and number of each answer in a project that came, or failed since a time."""
    answered, failed = (
        select(col(table.prompt_id), col(Member.name), col(table.sample))
        .join(Member, col(Member.id) == col(table.member_id))
        .join(Prompt, col(Prompt.id) == col(table.prompt_id))
        .where(col(Prompt.project_id) == project_id)
        .distinct()
        for table in (Candidate, CandidateFailure)
    )
    failed = failed.where(col(CandidateFailure.created_at) >= failed_since)
    return {(row[0], row[1], row[2]) for query in (answered, failed) for row in session.execute(query)}


class Asked(NamedTuple):
    """What one answer took."""

    member: str
    first_token_seconds: float | None
    seconds: float | None
    n_prompt_tokens: int | None
    n_tokens: int | None


def list_asked(
    session: Session, *, since: datetime, project_id: int | None, without_backends: Sequence[str]
) -> list[Asked]:
    """What the answers since a time took, by ascending id; of one project where it is named."""
    query = (
        select(
            col(Member.name),
            col(Candidate.first_token_seconds),
            col(Candidate.seconds),
            col(Candidate.n_prompt_tokens),
            col(Candidate.n_tokens),
        )
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.created_at) >= since, col(Member.backend).not_in(without_backends))
        .order_by(col(Candidate.id))
    )
    if project_id is not None:
        query = query.join(Prompt, col(Prompt.id) == col(Candidate.prompt_id))
        query = query.where(col(Prompt.project_id) == project_id)
    return [Asked(*row) for row in session.execute(query)]


class Failed(NamedTuple):
    """How one question was not answered."""

    member: str
    kind: FailureKind
    message: str


def list_failed(session: Session, *, since: datetime, project_id: int | None) -> list[Failed]:
    """The failures since a time, by ascending id; of one project where it is named."""
    query = (
        select(col(Member.name), col(CandidateFailure.kind), col(CandidateFailure.message))
        .join(Member, col(Member.id) == col(CandidateFailure.member_id))
        .where(col(CandidateFailure.created_at) >= since)
        .order_by(col(CandidateFailure.id))
    )
    if project_id is not None:
        query = query.join(Prompt, col(Prompt.id) == col(CandidateFailure.prompt_id))
        query = query.where(col(Prompt.project_id) == project_id)
    return [Failed(*row) for row in session.execute(query)]

"""Candidates and failures: what members answered, and why some did not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from db.models import Candidate, CandidateFailure, Member, Prompt
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


def list_ends(session: Session, *, project_id: int, failed_since: datetime) -> set[tuple[int, str]]:
    """Prompt and member of every answer in a project, and of every failure since a time."""
    answered, failed = (
        select(col(table.prompt_id), col(Member.name))
        .join(Member, col(Member.id) == col(table.member_id))
        .join(Prompt, col(Prompt.id) == col(table.prompt_id))
        .where(col(Prompt.project_id) == project_id)
        for table in (Candidate, CandidateFailure)
    )
    rows = (
        *session.execute(answered),
        *session.execute(failed.where(col(CandidateFailure.created_at) >= failed_since)),
    )
    return {(prompt_id, member) for prompt_id, member in rows}

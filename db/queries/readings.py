"""What frozen readers read in candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from db.models import Candidate, Member, Reading
from db.queries.bulk import portions


class ReadAnswer(NamedTuple):
    """An answer that a reader has read."""

    candidate_id: int
    prompt_id: int
    member: str
    backend: str
    vector: bytes


def list_answers(session: Session, *, fingerprint: str, prompt_ids: Sequence[int]) -> list[ReadAnswer]:
    """The answers to some prompts that a reader has read, by ascending id."""
    query = (
        select(
            col(Candidate.id), col(Candidate.prompt_id), col(Member.name), col(Member.backend),
            col(Reading.vector),
        )
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .join(Reading, col(Reading.candidate_id) == col(Candidate.id))
        .where(col(Reading.reader_fingerprint) == fingerprint)
    )  # fmt: skip
    return sorted(
        ReadAnswer(*row)
        for ids in portions(prompt_ids)
        for row in session.execute(query.where(col(Candidate.prompt_id).in_(ids)))
    )

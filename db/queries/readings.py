"""What frozen readers read in candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from db.models import Candidate, Member, Reading, utc_now
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


def vectors_by_candidate(
    session: Session, *, candidate_ids: Sequence[int], fingerprint: str
) -> dict[int, bytes]:
    """The vectors of those candidates that a reader has read, by candidate id."""
    query = select(col(Reading.candidate_id), col(Reading.vector)).where(
        col(Reading.reader_fingerprint) == fingerprint
    )
    return {
        candidate_id: vector
        for ids in portions(candidate_ids)
        for candidate_id, vector in session.execute(query.where(col(Reading.candidate_id).in_(ids)))
    }


def list_unread(session: Session, *, candidate_ids: Sequence[int], fingerprint: str) -> list[int]:
    """Those of the candidates that a reader has not read, in the given order."""
    query = select(col(Reading.candidate_id)).where(col(Reading.reader_fingerprint) == fingerprint)
    read = {
        candidate_id
        for ids in portions(candidate_ids)
        for candidate_id in session.scalars(query.where(col(Reading.candidate_id).in_(ids)))
    }
    return [id_ for id_ in candidate_ids if id_ not in read]


def add(session: Session, *, fingerprint: str, vectors: Mapping[int, bytes]) -> None:
    """Keep vectors by candidate id; those already there stay as they are.

    Web process and worker may read the same answer at once; the first one is kept.
    """
    if not vectors:
        return
    now = utc_now()
    rows = [
        {
            "candidate_id": candidate_id,
            "reader_fingerprint": fingerprint,
            "vector": vector,
            "created_at": now,
        }
        for candidate_id, vector in vectors.items()
    ]
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    session.execute(insert(Reading).values(rows).on_conflict_do_nothing())

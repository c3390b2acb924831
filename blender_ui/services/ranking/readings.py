"""Readings of frozen readers as rows, so that a reader reads no answer twice.

Invariant: vectors of one fingerprint have one width. Non-goal: reading; callers bring the vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col, select

from blender_ui.values import FloatArray
from db.engine import transaction
from db.models import Reading, utc_now

_IDS_PER_QUERY = 900  # SQLite built with the old default allows 999 variables in a statement


def load_readings(
    session: Session, candidate_ids: Sequence[int], *, fingerprint: str
) -> dict[int, FloatArray]:
    """Vectors of the candidates that this reader has read, by candidate id; shape (width,) each."""
    vectors: dict[int, FloatArray] = {}
    for ids in _portions(candidate_ids):
        rows = session.execute(
            select(col(Reading.candidate_id), col(Reading.vector)).where(
                col(Reading.candidate_id).in_(ids), col(Reading.reader_fingerprint) == fingerprint
            )
        )
        vectors.update((int(id_), np.frombuffer(vector, dtype="<f4")) for id_, vector in rows)
    return vectors


def find_unread(session: Session, candidate_ids: Sequence[int], *, fingerprint: str) -> list[int]:
    """Those of the candidates that this reader has not read, in the given order."""
    read: set[int] = set()
    for ids in _portions(candidate_ids):
        read.update(
            session.execute(
                select(col(Reading.candidate_id)).where(
                    col(Reading.candidate_id).in_(ids), col(Reading.reader_fingerprint) == fingerprint
                )
            ).scalars()
        )
    return [id_ for id_ in candidate_ids if id_ not in read]


def save_readings(
    engine: Engine, *, fingerprint: str, candidate_ids: Sequence[int], vectors: FloatArray
) -> None:
    """Keep vectors, shape (n, width), in one transaction; those already there stay as they are."""
    rows = [
        {
            "candidate_id": candidate_id,
            "reader_fingerprint": fingerprint,
            "vector": np.ascontiguousarray(vector, dtype="<f4").tobytes(),
            "created_at": utc_now(),
        }
        for candidate_id, vector in zip(candidate_ids, vectors, strict=True)
    ]
    if not rows:
        return
    # Web process and worker may read the same answer at once; the first one is kept.
    insert = sqlite_insert if engine.dialect.name == "sqlite" else postgresql_insert
    with transaction(engine, immediate=True) as session:
        session.execute(insert(Reading).values(rows).on_conflict_do_nothing())


def _portions(candidate_ids: Sequence[int]) -> Iterator[list[int]]:
    ids = [int(candidate_id) for candidate_id in candidate_ids]
    for start in range(0, len(ids), _IDS_PER_QUERY):
        yield ids[start : start + _IDS_PER_QUERY]

"""Readings of frozen readers as rows, so that a reader reads no answer twice.

Invariant: vectors of one fingerprint have one width. Non-goal: reading; callers bring the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.values import FloatArray
from db.engine import transaction
from db.queries import readings


def load_readings(
    session: Session, candidate_ids: Sequence[int], *, fingerprint: str
) -> dict[int, FloatArray]:
    """Vectors of the candidates that this reader has read, by candidate id; shape (width,) each."""
    vectors = readings.vectors_by_candidate(session, candidate_ids=candidate_ids, fingerprint=fingerprint)
    return {candidate_id: np.frombuffer(vector, dtype="<f4") for candidate_id, vector in vectors.items()}


def save_readings(
    engine: Engine, *, fingerprint: str, candidate_ids: Sequence[int], vectors: FloatArray
) -> None:
    """Keep vectors, shape (n, width), in one transaction; those already there stay as they are."""
    by_candidate = {
        candidate_id: np.ascontiguousarray(vector, dtype="<f4").tobytes()
        for candidate_id, vector in zip(candidate_ids, vectors, strict=True)
    }
    with transaction(engine, immediate=True) as session:
        readings.add(session, fingerprint=fingerprint, vectors=by_candidate)

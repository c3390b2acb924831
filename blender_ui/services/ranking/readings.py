"""Readings of frozen readers: from the store, and from the engine process where an answer is new.

Invariant: what was read is stored before it is used, so that a reader reads no answer twice, and vectors of
one fingerprint have one width. Non-goal: training, which reads in the worker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import RankerError
from blender_ui.language import tr
from blender_ui.services.ranking.rows import Entrants, load_entrants
from blender_ui.values import FloatArray, RankingPrompt
from db.engine import transaction
from db.models import Candidate
from db.queries import candidates, open_pairs, readings

N_VOTED = 16
"""Latest votes that are looked at."""
N_OPEN = 16
"""Open comparisons that are looked at, those that the queue's random order has first."""


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


def read_answers(
    process: EngineProcess, prompt: RankingPrompt, texts: Sequence[str], *, fingerprint: str
) -> FloatArray:
    """Read n answers with the reader of this fingerprint, shape (n, width), storing nothing.

    Raises:
        RankerError: If the reader failed, or is another one.
    """
    told = process.read(prompt, texts, fingerprint=fingerprint)
    if told.fingerprint != fingerprint:
        raise RankerError(
            tr(
                "the version was trained with the reader {fingerprint} and the reader here is "
                "{fingerprint_2}; set BLENDER_UI_READER back, or train a version with this one",
                fingerprint=fingerprint[:12],
                fingerprint_2=told.fingerprint[:12],
            )
        )
    return told.vectors


def read_missing(
    engine: Engine, process: EngineProcess, entrants: Entrants, *, fingerprint: str
) -> FloatArray:
    """Vectors of all entrants, shape (n, width), reading those that are not in the store.

    Args:
        engine: The store.
        process: Holds the reader.
        entrants: n candidates of one prompt.
        fingerprint: Of the reader that the version was trained with.

    Raises:
        RankerError: If the reader failed, or is not the one that the version was trained with.
    """
    ids = entrants.candidate_ids
    with transaction(engine) as session:
        vectors = load_readings(session, ids, fingerprint=fingerprint)
    unread = [index for index, candidate_id in enumerate(ids) if candidate_id not in vectors]
    if unread:
        texts = [entrants.texts[index] for index in unread]
        read = read_answers(process, entrants.prompt, texts, fingerprint=fingerprint)
        unread_ids = [ids[index] for index in unread]
        save_readings(engine, fingerprint=fingerprint, candidate_ids=unread_ids, vectors=read)
        vectors.update(zip(unread_ids, read, strict=True))
    return np.stack([vectors[candidate_id] for candidate_id in ids])


def read_ahead(engine: Engine, process: EngineProcess, *, fingerprint: str) -> int:
    """Read the unread answers of one prompt, the most wanted: voted on first, then asked next.

    Little at a time, because a page that ranks shares the reader.

    Returns:
        How many answers were read; 0 where nothing is wanted.

    Raises:
        RankerError: If the reader failed, or is not the one of this fingerprint.
    """
    with transaction(engine) as session:
        wanted = [
            *open_pairs.list_voted_candidates(session, limit=N_VOTED),
            *open_pairs.list_next_candidates(session, limit=N_OPEN),
        ]
        unread = readings.list_unread(
            session, candidate_ids=list(dict.fromkeys(wanted)), fingerprint=fingerprint
        )
        if not unread:
            return 0
        prompt_id = session.get_one(Candidate, unread[0]).prompt_id
        of_prompt = candidates.ids_of_prompt(session, prompt_id=prompt_id)
        entrants = load_entrants(
            session, prompt_id=prompt_id, candidate_ids=[id_ for id_ in of_prompt if id_ in set(unread)]
        )
    read_missing(engine, process, entrants, fingerprint=fingerprint)
    return len(entrants.candidate_ids)

"""Readings for the pages: from the store, and from the engine process where an answer is new.

Invariant: what was read is stored before it is used. Non-goal: training, which reads in the worker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import RankerError
from blender_ui.services.ranking.readings import load_readings, save_readings
from blender_ui.services.ranking.rows import Entrants
from blender_ui.values import FloatArray, RankingPrompt
from db.engine import transaction


def read_answers(
    process: EngineProcess, prompt: RankingPrompt, texts: Sequence[str], *, fingerprint: str
) -> FloatArray:
    """Read n answers with the reader of this fingerprint, shape (n, width), storing nothing.

    Raises:
        RankerError: If the reader failed, or is another one.
    """
    readings = process.read(prompt, texts, fingerprint=fingerprint)
    if readings.fingerprint != fingerprint:
        raise RankerError(
            f"the version was trained with the reader {fingerprint[:12]} and the reader here is "
            f"{readings.fingerprint[:12]}; set BLENDER_UI_READER back, or train a version with this one"
        )
    return readings.vectors


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

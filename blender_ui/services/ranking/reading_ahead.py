"""Reads answers for the live head in advance: those voted on, then those asked next.

Invariant: little at a time, because a page that ranks shares the reader. Non-goal: refitting.
"""

from __future__ import annotations

from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.services.ranking.readings import read_missing
from blender_ui.services.ranking.rows import load_entrants
from db.engine import transaction
from db.models import Candidate
from db.queries import candidates, open_pairs, readings

N_VOTED = 16
"""Latest votes that are looked at."""
N_OPEN = 16
"""Open comparisons that are looked at, those that the queue's random order has first."""


def read_ahead(engine: Engine, process: EngineProcess, *, fingerprint: str) -> int:
    """Read the unread answers of one prompt, the most wanted one.

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

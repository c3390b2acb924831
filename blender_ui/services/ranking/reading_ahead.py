"""Reads answers for the live head in advance: those voted on, then those asked next.

Invariant: little at a time, because a page that ranks shares the reader. Non-goal: refitting.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from blender_ui.engine.process import EngineProcess
from blender_ui.services.ranking.answer_readings import read_missing
from blender_ui.services.ranking.readings import find_unread
from blender_ui.services.ranking.rows import load_entrants
from db.engine import transaction
from db.models import Candidate, Comparison, Preference

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
        wanted = [*_list_voted(session), *_list_open(session)]
        unread = find_unread(session, list(dict.fromkeys(wanted)), fingerprint=fingerprint)
        if not unread:
            return 0
        prompt_id = session.execute(
            select(col(Candidate.prompt_id)).where(col(Candidate.id) == unread[0])
        ).scalar_one()
        of_prompt = session.execute(
            select(col(Candidate.id)).where(
                col(Candidate.prompt_id) == prompt_id, col(Candidate.id).in_(unread)
            )
        ).scalars()
        entrants = load_entrants(session, prompt_id=prompt_id, candidate_ids=list(of_prompt))
    read_missing(engine, process, entrants, fingerprint=fingerprint)
    return len(entrants.candidate_ids)


def _list_voted(session: Session) -> list[int]:
    rows = session.execute(
        select(col(Comparison.left_id), col(Comparison.right_id))
        .join(Preference, col(Preference.comparison_id) == col(Comparison.id))
        .where(col(Preference.retracted_at).is_(None))
        .order_by(col(Preference.id).desc())
        .limit(N_VOTED)
    )
    return [int(candidate_id) for pair in rows for candidate_id in pair]


def _list_open(session: Session) -> list[int]:
    rows = session.execute(
        select(col(Comparison.left_id), col(Comparison.right_id))
        .where(col(Comparison.is_open))
        .order_by(col(Comparison.n_taken), col(Comparison.priority), col(Comparison.id))
        .limit(N_OPEN)
    )
    return [int(candidate_id) for pair in rows for candidate_id in pair]

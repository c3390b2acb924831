"""Whether members, people or the ranker do otherwise than before, beyond chance.

The latest whole block of votes, and of answers, is held against the ten before it. Invariant: a block is
looked at as a whole and once, however often somebody looks, so one look in a hundred raises a false alarm at
most (``statistics.drift``). Non-goal: why something changed.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.statistics.drift import Change, Series, find_changes
from db.engine import transaction
from db.models import Outcome
from db.queries import drift as queries
from db.queries.drift import VotedRow

BLOCK = 100
"""Votes, and answers, of a block, by their ids."""
N_BLOCKS = 10
"""That come before it and say how things were."""
NOT_ASKED = (FUSION_BACKEND, "import")


class What(StrEnum):
    """What may drift."""

    WINS = "wins"
    """Share of decided votes that a member's answers win."""
    FAILURES = "failures"
    """Share of questions that a member fails."""
    SECONDS = "seconds"
    """Time of a member's answers."""
    AGREEMENT = "agreement"
    """Share of second votes on a pair that say the same as an earlier one."""
    RANKER = "ranker"
    """Share of decided votes that the ranker had expected."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Something that is otherwise than before.

    Attributes:
        what: Which of them.
        member: Of whom; empty where it is nobody's.
        change: Before and now.
        since: When the block began.
    """

    what: What
    member: str
    change: Change
    since: datetime


class Drifts:
    """Looks for drift in one store.

    Args:
        engine: The store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._looked: tuple[tuple[int, int], tuple[Drift, ...]] = ((0, 0), ())

    def find(self) -> tuple[Drift, ...]:
        """What the latest whole blocks say; the same until the next one is whole."""
        with self._lock:
            with transaction(self._engine) as session:
                votes, answers = (one // BLOCK * BLOCK for one in queries.get_last_ids(session))
                if (votes, answers) == self._looked[0]:
                    return self._looked[1]
                found = _look(session, votes=votes, answers=answers)
            self._looked = (votes, answers), found
            return found


def _look(session: Session, *, votes: int, answers: int) -> tuple[Drift, ...]:
    rows: _Rows = defaultdict(list)
    times = {
        **_collect_votes(session, rows, until=votes),
        **_collect_answers(session, rows, until=answers),
    }
    series = {key: Series(*map(list, zip(*found, strict=True))) for key, found in rows.items()}
    return tuple(
        Drift(what=key[0], member=key[1], change=change, since=times[key[0]])
        for key, change in find_changes(series).items()
    )


_Rows = defaultdict[tuple[What, str], list[tuple[float, int, bool]]]
"""Value, cluster and whether it is recent, by what and whose it is."""


def _collect_votes(session: Session, rows: _Rows, *, until: int) -> dict[What, datetime]:
    start = until - BLOCK
    window = {"after_id": max(start - N_BLOCKS * BLOCK, 0), "until_id": until}
    voted = queries.list_votes(session, **window)
    for vote in voted:
        for member, value in _score(vote):
            rows[What.WINS, member].append((value, vote.prompt_id, vote.preference_id > start))
    for number, pair, is_same in queries.list_seconds(session, **window):
        rows[What.AGREEMENT, ""].append((float(is_same), pair, number > start))
    for number, prompt, is_right in queries.list_bets(session, **window):
        rows[What.RANKER, ""].append((float(is_right), prompt, number > start))
    since = next((one.created_at for one in voted if one.preference_id > start), None)
    return {} if since is None else dict.fromkeys((What.WINS, What.AGREEMENT, What.RANKER), since)


def _score(vote: VotedRow) -> list[tuple[str, float]]:
    """What a vote says of each member; nothing of one against itself, or where no side won."""
    if vote.outcome not in (Outcome.LEFT, Outcome.RIGHT) or vote.left == vote.right:
        return []
    left = float(vote.outcome is Outcome.LEFT)
    return [(vote.left, left), (vote.right, 1 - left)]


def _collect_answers(session: Session, rows: _Rows, *, until: int) -> dict[What, datetime]:
    start = until - BLOCK
    since = queries.find_time(session, after_id=start)
    if since is None:
        return {}
    window = {"after_id": max(start - N_BLOCKS * BLOCK, 0), "until_id": until}
    found = queries.list_answers(session, **window, without_backends=NOT_ASKED)
    for number, one in enumerate(found):
        is_recent = one.created_at >= since
        rows[What.FAILURES, one.member].append((float(one.is_failure), number, is_recent))
        if one.seconds is not None:
            rows[What.SECONDS, one.member].append((one.seconds, number, is_recent))
    return dict.fromkeys((What.FAILURES, What.SECONDS), since)

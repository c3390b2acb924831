"""Bets: what the ranker expects of a vote, on record before the vote comes.

Invariant: a bet is laid while its pair is lent and unanswered, and is never changed; it is read by nothing
that a voter sees before the vote. Non-goal: what came of it, which ``inspecting.reveals`` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from db.engine import transaction
from db.queries import bets, leases


class Bets:
    """Lays bets; safe to share between threads.

    Args:
        engine: The store.
        clock: Gives the present time in UTC, for the rows.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def lay(self, *, lease_id: int, ranking_id: int) -> bool:
        """Keep a ranking as the bet on a lent pair and on all that was lent with it.

        Returns:
            Whether it came in time: not after the vote, and not in place of an earlier bet.
        """
        with transaction(self._engine, immediate=True) as session:
            lease = leases.find_lease(session, lease_id=lease_id)
            if lease is None:
                return False
            together = [one.id for one in leases.list_beside(session, lease=lease)]
            return bets.lay(session, lease_ids=together, ranking_id=ranking_id, now=self._clock()) > 0

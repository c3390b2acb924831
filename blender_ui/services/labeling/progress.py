"""How far the labelling of a project is, by one annotator and by all.

Invariant: every count is of the one project. A ballot counts once, however many preferences follow from it.
Non-goal: why nothing is left, which ``leftover`` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from db.queries import ballots, preferences, queue


@dataclass(frozen=True, kw_only=True)
class ProgressView:
    """How far the labelling of a project is.

    Attributes:
        n_mine: Outcomes and ballots of this annotator that stand; a ballot is one, here and below.
        n_mine_today: Of those, given since midnight UTC.
        seconds_today: Time from pairs being drawn to these answers; five minutes at most each.
        n_standing: Outcomes of all people that stand, imported ones included.
        n_open: Comparisons that more people are to be asked.
    """

    n_mine: int
    n_mine_today: int
    seconds_today: float
    n_standing: int
    n_open: int


def measure(session: Session, *, annotator_id: int, project_id: int, now: datetime) -> ProgressView:
    """Count the outcomes that stand, and the pairs of a project that more people are to be asked."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def count(since: datetime | None = None) -> int:
        of_annotator = {"annotator_id": annotator_id, "project_id": project_id}
        all_pairs = preferences.count_of_annotator(session, **of_annotator, since=since)
        return all_pairs - preferences.count_beyond_ballots(session, **of_annotator, since=since)

    of_pairs = preferences.sum_seconds(
        session, annotator_id=annotator_id, project_id=project_id, since=midnight
    )
    of_ballots = ballots.sum_seconds(
        session,
        annotator_id=annotator_id,
        project_id=project_id,
        since=midnight,
        longest=preferences.LONGEST_SECONDS,
    )
    return ProgressView(
        n_mine=count(),
        n_mine_today=count(midnight),
        seconds_today=of_pairs + of_ballots,
        n_standing=preferences.count_standing_of(session, project_id=project_id)
        - preferences.count_beyond_ballots(session, project_id=project_id),
        n_open=queue.count_places(session, project_id=project_id),
    )

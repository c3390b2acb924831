"""Why no pair of a project is left for an annotator, in counts.

Invariant: each pair to label is counted in one of the counts by person, in one read. Non-goal: the
words, which the page has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from db.models import LeaseStatus
from db.queries import leftover as queries


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A project as it is for one annotator; gold pairs and attention checks are left out.

    Attributes:
        n_prompts: Of the project.
        n_pairs: That people are asked.
        n_mine: Of those, answered by this annotator.
        n_lent: Lent to others at this moment, who may leave them.
        n_skipped: Skipped by this annotator, and still open to others.
        n_seen: Open, but this annotator has seen who wrote them.
        n_by_others: Answered by as many others as are asked.
        back_seconds: Until the first of the lent ones comes back, at the latest; None where none is lent.
        refusal: Why this annotator is lent nothing whatever there is, in a sentence; else empty.
    """

    n_prompts: int
    n_pairs: int
    n_mine: int
    n_lent: int
    n_skipped: int
    n_seen: int
    n_by_others: int
    back_seconds: float | None
    refusal: str = ""


def measure(
    session: Session, *, annotator_id: int, project_id: int, now: datetime, refusal: str = ""
) -> Leftover:
    """Count what there is for somebody who was just lent nothing."""
    of_mine = queries.count_by_own_lease(session, annotator_id=annotator_id, project_id=project_id)
    lent = queries.find_lent(session, annotator_id=annotator_id, project_id=project_id)
    n_pairs = queries.count_pairs(session, project_id=project_id)
    n_mine = of_mine.get(LeaseStatus.ANSWERED, 0)
    n_skipped = of_mine.get(LeaseStatus.SKIPPED, 0)
    n_seen = queries.count_seen(session, annotator_id=annotator_id, project_id=project_id)
    return Leftover(
        n_prompts=queries.count_prompts(session, project_id=project_id),
        n_pairs=n_pairs,
        n_mine=n_mine,
        n_lent=lent.n,
        n_skipped=n_skipped,
        n_seen=n_seen,
        n_by_others=max(n_pairs - n_mine - n_skipped - n_seen - lent.n, 0),
        back_seconds=None if lent.back_at is None else (lent.back_at - now).total_seconds(),
        refusal=refusal,
    )

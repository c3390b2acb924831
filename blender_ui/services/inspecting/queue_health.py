"""How the label queue does: what is open, lent out, gone stale and done, by source.

Invariant: counts alone, read in one moment. Non-goal: who agrees with whom; the quality page says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine, case, func, select
from sqlmodel import Session, col

from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from db.engine import transaction
from db.models import Comparison, Lease, LeaseStatus, Prompt, utc_now


class QueueHealth(NamedTuple):
    """The queue's comparisons of one source.

    Attributes:
        source: Data set, or "" for prompts asked here.
        n_comparisons: All, imported votes' included.
        n_open: With a place left.
        n_leased: Lent to someone at this moment.
        n_overdue: Of those, past their time; they come back by themselves.
        n_answered, n_skipped, n_expired: Leases that ended so.
        n_preferences: That stand.
    """

    source: str
    n_comparisons: int
    n_open: int
    n_leased: int
    n_overdue: int
    n_answered: int
    n_skipped: int
    n_expired: int
    n_preferences: int


def measure_queue(
    engine: Engine, table: PreferenceTable, *, clock: Callable[[], datetime] = utc_now
) -> tuple[QueueHealth, ...]:
    """The queue's health by source, the largest first."""
    told, prompts = table.current(), table.prompts()
    preferences = np.bincount(prompts.source[told.prompt_id], minlength=len(prompts.sources))
    with transaction(engine) as session:
        comparisons = _count_comparisons(session)
        leases = _count_leases(session, clock())
    found = [
        QueueHealth._make(
            (
                source or "",
                *comparisons[source],
                *leases.get(source, (0, 0, 0, 0, 0)),
                int(preferences[prompts.sources.index(source or "")]),
            )
        )
        for source in comparisons
    ]
    return tuple(sorted(found, key=lambda one: -one.n_comparisons))


def _count_comparisons(session: Session) -> dict[str | None, tuple[int, int]]:
    is_open = func.sum(case((col(Comparison.is_open), 1), else_=0))
    by_prompt = (
        select(col(Comparison.prompt_id).label("prompt_id"), func.count().label("n"), is_open.label("n_open"))
        .group_by(col(Comparison.prompt_id))
        .subquery()
    )
    rows = session.execute(
        select(col(Prompt.source), func.sum(by_prompt.c.n), func.sum(by_prompt.c.n_open))
        .join(by_prompt, by_prompt.c.prompt_id == col(Prompt.id))
        .group_by(col(Prompt.source))
    )
    return {source: (int(n), int(n_open)) for source, n, n_open in rows}


def _count_leases(session: Session, now: datetime) -> dict[str | None, tuple[int, ...]]:
    status = col(Lease.status)
    active = status == LeaseStatus.ACTIVE

    def count(condition: object) -> object:
        return func.sum(case((condition, 1), else_=0))  # type: ignore[arg-type]

    columns = [count(active), count(active & (col(Lease.expires_at) < now))]
    columns += [count(status == one) for one in (LeaseStatus.ANSWERED, LeaseStatus.SKIPPED)]
    columns.append(count(status == LeaseStatus.EXPIRED))
    rows = session.execute(
        select(col(Prompt.source), *columns)
        .select_from(Lease)
        .join(Comparison, col(Comparison.id) == col(Lease.comparison_id))
        .join(Prompt, col(Prompt.id) == col(Comparison.prompt_id))
        .group_by(col(Prompt.source))
    )
    return {row[0]: tuple(int(value) for value in row[1:]) for row in rows}

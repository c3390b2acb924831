"""The label queue in counts: open, lent, overdue and done pairs, by source.

Invariant: counts alone, read in one moment. Non-goal: agreement; the quality page has it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from db.engine import transaction
from db.models import utc_now
from db.queries import sources
from db.queries.sources import LeaseCount


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
    engine: Engine,
    table: PreferenceTable,
    *,
    project_id: int | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> tuple[QueueHealth, ...]:
    """The health of the queue of a project, or of all, by source, the largest first."""
    told, prompts = table.of_project(table.current(), project_id), table.prompts()
    preferences = np.bincount(prompts.source[told.prompt_id], minlength=len(prompts.sources))
    with transaction(engine) as session:
        comparisons = sources.count_comparisons(session, project_id=project_id)
        leases = sources.count_leases(session, now=clock(), project_id=project_id)
    found = [
        QueueHealth._make(
            (
                source or "",
                *comparisons[source],
                *leases.get(source, LeaseCount()),
                int(preferences[prompts.sources.index(source or "")]),
            )
        )
        for source in comparisons
    ]
    return tuple(sorted(found, key=lambda one: -one.n_comparisons))

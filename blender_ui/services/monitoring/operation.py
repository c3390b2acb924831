"""How an installation is doing, for whoever operates it: the store, the worker's jobs, the members.

Invariant: nothing is asked of a member's endpoint, so that a look costs milliseconds; what is told is how the
last questions went. Non-goal: figures of quality.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from blender_ui.members.asking import Ensemble
from blender_ui.services.monitoring.drift import Drift, Drifts
from db.engine import transaction
from db.enums import JobStatus, ModelRole
from db.queries import operation, preferences

SILENT_AFTER = timedelta(minutes=2)
"""Without a sign of life of a job that waits or runs, its worker counts as gone."""


@dataclass(frozen=True, kw_only=True)
class OperationView:
    """Counts of one moment.

    Attributes:
        jobs: By status.
        is_worker_silent: Whether a job waits or runs and no worker gives a sign of life for it.
        n_preferences: Of people, that stand.
        n_open: Pairs that more people are to be asked.
        n_promotions: Decisions that made a version active.
        active: The version that serves in each role.
        drifts: What is otherwise than before, beyond chance.
        pauses: Seconds that a member is left alone, because it is down or wants it; 0 where it may be asked.
    """

    jobs: Mapping[JobStatus, int]
    is_worker_silent: bool
    n_preferences: int
    n_open: int
    n_promotions: int
    active: Mapping[ModelRole, int]
    drifts: tuple[Drift, ...]
    pauses: Mapping[str, float]

    @property
    def can_answer(self) -> bool:
        """Whether a member may be asked."""
        return any(pause == 0 for pause in self.pauses.values())


class Operation:
    """Looks at one installation.

    Args:
        engine: The store.
        members: Who is asked.
        drifts: Looks for drift.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self, engine: Engine, *, members: Ensemble, drifts: Drifts, clock: Callable[[], datetime]
    ) -> None:
        self._drifts = drifts
        self._engine = engine
        self._members = members
        self._clock = clock

    def measure(self) -> OperationView:
        """Count.

        Raises:
            StorageError: If the database does not do its part.
        """
        drifts = self._drifts.find()
        with transaction(self._engine) as session:
            oldest = operation.find_oldest_sign(session)
            return OperationView(
                jobs=operation.count_jobs(session),
                is_worker_silent=oldest is not None and self._clock() - oldest > SILENT_AFTER,
                n_preferences=preferences.count_standing(session),
                n_open=operation.count_open(session),
                n_promotions=operation.count_promotions(session),
                active=operation.list_active(session),
                drifts=drifts,
                pauses={one.name: self._members.get(one.name).pause_seconds for one in self._members.configs},
            )

"""How a project is doing: progress by day, agreement, time left, cost, its ranker, who is at work.

Invariant: nothing is written; what is not known is None and never guessed. When votes came is kept in memory
and only new rows are read, so that a look at a project of a million preferences costs well below a second.
Non-goal: agreement itself (``services.quality``), and projects' terms (``services.people``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.members.asking import Ensemble
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.services.projects.projects import Projects, ProjectView
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.vote_log import VoteLog, append_rows, by_id
from blender_ui.services.versions.model_versions import VersionView, find_active_version
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.values import IntArray
from db.engine import transaction
from db.queries import dashboard as queries
from db.queries.columns import Columns
from db.queries.dashboard import AtWork

DAY_SECONDS = 24 * 3600
PACE_DAYS = 7
"""The latest days on which anybody answered; their mean is the pace."""
NOT_ASKED = (FUSION_BACKEND, "import")


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day in UTC, and the standing answers that people gave here on it and until its end, checks aside."""

    day: date
    n: int
    n_until: int


@dataclass(frozen=True, kw_only=True)
class CostView:
    """What a project has cost, in the currency of the prices.

    Attributes:
        members: Of the members' counted tokens at today's prices; None where no member has a price.
        people: Pay for the pairs that were answered; None where the project pays nothing for one.
        n_uncounted: Members' answers whose tokens nobody counted, or whose member has no price.
        n_paid: Pairs that were answered.
    """

    members: float | None
    people: float | None
    n_uncounted: int
    n_paid: int


@dataclass(frozen=True, kw_only=True)
class DashboardView:
    """A project at one moment.

    Attributes:
        days: Every day from the first answer to the last, those without any among them.
        pace: Answers a day, of the latest ``PACE_DAYS`` days with one; None before the first.
        days_left: At that pace, until every pair has as many answers as it needs; None where nobody can say.
        median_seconds: Of an answer; None where no time is known.
        agreement: Krippendorff's alpha with its interval; NaN where no pair has two answers.
        n_agreeing: Pairs with answers of two people.
        ranker: The version that ranks now; None where there is none.
        at_work: Who holds pairs now.
    """

    project: ProjectView
    days: tuple[Day, ...]
    pace: float | None
    days_left: float | None
    median_seconds: float | None
    agreement: Estimate
    n_agreeing: int
    cost: CostView
    ranker: VersionView | None
    at_work: tuple[AtWork, ...]


class Dashboards:
    """The dashboards of one store's projects.

    Args:
        engine: The store.
        log: Its votes.
        projects, quality: What they know of a project.
        members: For their prices.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        log: VoteLog,
        projects: Projects,
        quality: Quality,
        members: Ensemble,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._log = log
        self._projects = projects
        self._quality = quality
        self._members = members
        self._clock = clock
        self._lock = threading.Lock()
        self._times: Columns = np.zeros((3, 0), dtype=np.int64)

    def view(self, project_id: int) -> DashboardView:
        """A project's dashboard.

        Raises:
            NotFound: If there is no such project.
        """
        project = self._projects.get(project_id)
        overall = self._quality.view(project_id=project_id).overall
        votes = self._log.of_project(project_id)
        seconds = votes.milliseconds[votes.is_human & (votes.milliseconds >= 0)] / 1000
        with transaction(self._engine) as session:
            asked = votes.preference_id[votes.is_human & ~votes.is_check]
            days = count_days(self._find_times(session, asked))
            cost = self._measure_cost(session, project)
            ranker = find_active_version(session)
            at_work = queries.list_at_work(session, project_id=project_id, now=self._clock())
        pace = measure_pace(days)
        n_left = project.n_wanted - project.n_answered
        return DashboardView(
            project=project,
            days=days,
            pace=pace,
            days_left=n_left / pace if pace else None,
            median_seconds=float(np.median(seconds)) if len(seconds) else None,
            agreement=overall.alpha,
            n_agreeing=overall.n_overlapping,
            cost=cost,
            ranker=ranker,
            at_work=tuple(at_work),
        )

    def _find_times(self, session: Session, preference_ids: IntArray) -> IntArray:
        """When those of some preferences were given that answer a lent pair, in seconds since 1970.

        An import's are left out: they say nothing of the pace.
        """
        with self._lock:
            self._times = append_rows(self._times, queries.list_times, session)
            if not np.isin(preference_ids, self._times[0], kind="table").all():
                self._times = queries.list_times(session)  # on PostgreSQL, as in ``VoteLog``
            ids, seconds, is_lent = self._times
            lent = preference_ids[by_id(ids, is_lent)[preference_ids] == 1]
            times: IntArray = by_id(ids, seconds)[lent]
            return times

    def _measure_cost(self, session: Session, project: ProjectView) -> CostView:
        prices = {config.name: config.price for config in self._members.configs}
        costs, n_uncounted = [], 0
        for one in queries.sum_tokens(session, project_id=project.id, without_backends=NOT_ASKED):
            price = prices.get(one.member)
            if price is None:
                n_uncounted += one.n_answers
                continue
            costs.append(price.of(one.n_prompt_tokens, one.n_tokens))
            n_uncounted += one.n_answers - one.n_counted
        pay = project.terms.pay
        n_paid = queries.count_answered(session, project_id=project.id) if pay else 0
        return CostView(
            members=sum(costs) if costs else None,
            people=n_paid * pay if pay else None,
            n_uncounted=n_uncounted,
            n_paid=n_paid,
        )


def count_days(times: IntArray) -> tuple[Day, ...]:
    """Answers by day, from their times in seconds since 1970, (n,)."""
    if not len(times):
        return ()
    numbers = times // DAY_SECONDS
    first = int(numbers.min())
    counts = np.bincount(numbers - first)
    until = np.cumsum(counts)
    begin = datetime.fromtimestamp(first * DAY_SECONDS, UTC).date()
    return tuple(
        Day(day=begin + timedelta(days=place), n=int(n), n_until=int(until[place]))
        for place, n in enumerate(counts)
    )


def measure_pace(days: tuple[Day, ...]) -> float | None:
    """Answers a day: the mean of the latest ``PACE_DAYS`` days on which anybody answered."""
    latest = [one.n for one in days if one.n][-PACE_DAYS:]
    return sum(latest) / len(latest) if latest else None

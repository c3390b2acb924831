"""A project's dashboard: numbers worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from blender_ui.members.configuration import Price
from blender_ui.services.monitoring.dashboard import Dashboards, Day, count_days, measure_pace
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.vote_log import VoteLog
from blender_ui.ui.people.projects import drawing
from blender_ui.ui.plots import days_plot
from db.engine import transaction
from db.models import Candidate, Member, Outcome
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.services.projects.test_projects import queue_prompts

DAY = 24 * 3600


class Config:
    """A member's name and price, as far as the dashboard asks."""

    def __init__(self, name: str, price: Price | None) -> None:
        self.name, self.price = name, price


class PricedMembers:
    """A scripted ensemble: prices and nothing else."""

    def __init__(self, *configs: Config) -> None:
        self.configs = configs


class Site:
    """A project whose pairs two people are asked, and the default one beside it."""

    def __init__(self, folder: Path, *configs: Config) -> None:
        self.engine, self.clock = make_store(folder), Clock()
        self.labeling = make_labeling(self.engine, self.clock, overlap=2)
        self.people = [self.labeling.sign_in(key=key_of(n)).id for n in (1, 2)]
        self.projects = Projects(self.engine, clock=self.clock)
        self.id = self.projects.create(ProjectTerms(name="Site", overlap=2), by=self.people[0]).id
        queue_prompts(self.engine, self.labeling, self.id, add_prompts(self.engine, n_prompts=4))
        log = VoteLog(self.engine)
        self.dashboards = Dashboards(
            self.engine,
            log=log,
            projects=self.projects,
            quality=Quality(self.engine, clock=self.clock, log=log),
            members=PricedMembers(*configs),  # type: ignore[arg-type]
            clock=self.clock,
        )

    def vote(self, who: int, outcome: Outcome = Outcome.LEFT, *, seconds: float = 10.0) -> None:
        pair = self.labeling.next_pair(annotator_id=who, project_id=self.id)
        assert pair is not None
        self.labeling.submit(
            annotator_id=who,
            lease_id=pair.lease_id,
            outcome=outcome,
            idempotency_key=str(pair.lease_id),
            seconds=seconds,
        )


def test_answers_are_counted_by_day_with_the_days_between() -> None:
    start = int(datetime(2026, 1, 30, 23, 59, 59, tzinfo=UTC).timestamp())
    days = count_days(np.array([start + 2 * DAY, start, start + 1, start + 2 * DAY]))
    assert days == (
        Day(day=date(2026, 1, 30), n=1, n_until=1),
        Day(day=date(2026, 1, 31), n=1, n_until=2),
        Day(day=date(2026, 2, 1), n=2, n_until=4),
    )
    assert count_days(np.zeros(0, dtype=np.int64)) == ()


def test_the_pace_is_of_the_latest_days_on_which_anybody_answered() -> None:
    counts = [100, 0, 7, 7, 0, 7, 7, 7, 7, 7]
    days = tuple(Day(day=date(2026, 1, 1 + n), n=count, n_until=0) for n, count in enumerate(counts))
    assert measure_pace(days) == 7.0
    assert measure_pace(()) is None


def test_progress_pace_and_time_left_are_of_the_project_alone(tmp_path: Path) -> None:
    site = Site(tmp_path)
    empty = site.dashboards.view(site.id)
    assert (empty.days, empty.pace, empty.days_left, empty.median_seconds) == ((), None, None, None)
    assert "left" in drawing.draw_dashboard(empty)
    site.vote(site.people[0], seconds=10)
    site.vote(site.people[0], seconds=30)
    site.clock.pass_by(DAY)
    site.vote(site.people[1], seconds=20)
    site.vote(site.people[1], Outcome.RIGHT, seconds=20)
    view = site.dashboards.view(site.id)
    assert [(one.n, one.n_until) for one in view.days] == [(2, 2), (2, 4)]
    # 4 pairs for 2 people are 8 answers; 4 are given, at 2 a day.
    assert (view.pace, view.days_left, view.median_seconds) == (2.0, 2.0, 20.0)
    drawn = drawing.draw_dashboard(view)
    assert "4 answers: about 2 days at this pace, 0.0 h of work" in drawn
    figure = days_plot(view.days, n_wanted=view.project.n_wanted)
    assert list(figure.data[1].y) == [2, 4]
    beside = site.dashboards.view(1)
    assert (beside.days, beside.cost.members) == ((), None)


def test_agreement_has_its_interval_only_where_two_people_answered(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.vote(site.people[0])
    assert math.isnan(site.dashboards.view(site.id).agreement.value)
    assert "no pair has two answers" in drawing.draw_dashboard(site.dashboards.view(site.id))
    for who, n in ((0, 3), (1, 4)):
        for _ in range(n):
            site.vote(site.people[who])
    assert site.dashboards.view(site.id).n_agreeing == 4


def test_cost_is_of_counted_tokens_at_todays_prices_and_of_the_pay_for_each_pair(tmp_path: Path) -> None:
    price = Price(input=2.0, output=10.0)
    site = Site(tmp_path, Config("member-0", price), Config("member-1", None))
    with transaction(site.engine, immediate=True) as session:
        for member in session.exec(select(Member)):
            member.backend = "openai"  # an import's answers cost nothing
        first, second = session.get_one(Candidate, 1), session.get_one(Candidate, 3)
        for one in (first, second):
            one.n_prompt_tokens, one.n_tokens = 100_000, 50_000
    # Both are member-0's: 200,000 tokens in at 2 and 100,000 out at 10 a million.
    cost = site.dashboards.view(site.id).cost
    assert cost.members == pytest.approx(0.4 + 1.0)
    assert (cost.n_uncounted, cost.people) == (4 + 2, None)
    terms = replace(site.projects.get(site.id).terms, pay=0.25)
    site.projects.change(site.id, terms, by=site.people[0])
    for _ in range(3):
        site.vote(site.people[0])
    cost = site.dashboards.view(site.id).cost
    assert (cost.n_paid, cost.people) == (3, 0.75)


def test_who_holds_pairs_is_at_work_until_their_time_is_over(tmp_path: Path) -> None:
    site = Site(tmp_path)
    pair = site.labeling.next_pair(annotator_id=site.people[0], project_id=site.id)
    assert pair is not None
    site.labeling.next_pair(annotator_id=site.people[0], project_id=site.id, besides=pair.lease_id)
    ((name, n_held, _),) = site.dashboards.view(site.id).at_work
    assert n_held == 2
    assert f"{name} (2)" in drawing.draw_dashboard(site.dashboards.view(site.id))
    assert site.dashboards.view(1).at_work == ()
    site.clock.pass_by(61)
    assert site.dashboards.view(site.id).at_work == ()

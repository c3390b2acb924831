"""In which project a person works, and what of the store that leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, NotPermitted
from blender_ui.exchange import read_records
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.signing_in import AnnotatorView
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.projects.workspaces import ALL, Workspaces
from blender_ui.services.quality.agreement import Quality
from db.models import DEFAULT_PROJECT_ID, Audience, Outcome, Role
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.services.projects.test_projects import queue_prompts


class House:
    """A store with the default project and two more, one of them for members."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = make_store(folder)
        self.clock = Clock()
        self.labeling: Labeling = make_labeling(self.engine, self.clock, overlap=2)
        self.projects = Projects(self.engine, clock=self.clock)
        self.workspaces = Workspaces(self.engine, projects=self.projects, clock=self.clock)
        self.ann = self.labeling.sign_in(key=key_of(1))
        self.rosa = replace(self.labeling.sign_in(key=key_of(2)), role=Role.RESEARCHER)
        self.open = self.projects.create(ProjectTerms(name="Open", overlap=2), by=self.rosa.id).id
        closed = ProjectTerms(name="Closed", audience=Audience.MEMBERS)
        self.closed = self.projects.create(closed, by=self.rosa.id).id

    def found(self, person: AnnotatorView | None, asked: str | None = None) -> int | None:
        return self.workspaces.find(person, asked).project_id

    def vote(self, person: AnnotatorView, project_id: int, outcome: Outcome) -> None:
        pair = self.labeling.next_pair(annotator_id=person.id, project_id=project_id)
        assert pair is not None
        self.labeling.submit(
            annotator_id=person.id,
            lease_id=pair.lease_id,
            outcome=outcome,
            idempotency_key=str(pair.lease_id),
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_researcher_works_in_all_projects_until_they_choose_one(house: House) -> None:
    assert house.found(house.rosa) is None
    house.workspaces.choose(house.rosa, house.closed)
    assert house.found(house.rosa) == house.closed
    assert house.found(house.rosa, str(house.open)) == house.open
    assert house.found(house.rosa, ALL) is None
    assert house.found(house.rosa) == house.closed
    house.workspaces.choose(house.rosa, None)
    assert house.found(house.rosa) is None


def test_an_annotator_works_in_a_project_that_is_open_to_them(house: House) -> None:
    assert house.found(house.ann) == DEFAULT_PROJECT_ID
    for asked in (ALL, str(house.closed), "999", "2x", "-1"):
        assert house.found(house.ann, asked) == DEFAULT_PROJECT_ID
    with pytest.raises(NotPermitted, match="not open to you"):
        house.workspaces.choose(house.ann, house.closed)
    with pytest.raises(NotPermitted, match="not open to you"):
        house.workspaces.choose(house.ann, None)
    house.workspaces.choose(house.ann, house.open)
    assert house.found(house.ann) == house.open
    assert [one.name for one in house.workspaces.find(house.ann).projects] == ["Default project", "Open"]


def test_an_archived_project_is_nobodys_any_more(house: House) -> None:
    house.workspaces.choose(house.rosa, house.open)
    house.projects.set_archived(house.open, is_archived=True, by=house.rosa.id)
    assert house.found(house.rosa) is None


def test_figures_prompts_and_exports_are_of_the_project_alone(house: House, tmp_path: Path) -> None:
    mine, theirs = add_prompts(house.engine, n_prompts=2)
    queue_prompts(house.engine, house.labeling, house.open, [mine])
    queue_prompts(house.engine, house.labeling, DEFAULT_PROJECT_ID, [theirs])
    house.vote(house.ann, house.open, Outcome.LEFT)
    house.vote(house.rosa, house.open, Outcome.RIGHT)
    house.vote(house.ann, DEFAULT_PROJECT_ID, Outcome.TIE)

    quality = Quality(house.engine, clock=house.clock)
    n_labels = {one: quality.view(project_id=one).n_labels for one in (None, house.open, DEFAULT_PROJECT_ID)}
    assert n_labels == {None: 3, house.open: 2, DEFAULT_PROJECT_ID: 1}
    assert len(quality.list_disagreements(project_id=house.open)) == 1
    assert quality.list_disagreements(project_id=DEFAULT_PROJECT_ID) == ()

    found = Inspection(house.engine).find_prompts(project_id=house.open)
    assert [one.prompt_id for one in found] == [mine]

    ratings = MemberRatings(house.engine, table=PreferenceTable(house.engine))
    n_told = {
        one: sum(row.n for row in ratings.rate(RatingWish(project_id=one)).members)
        for one in (None, house.open, house.closed)
    }
    assert n_told == {None: 6, house.open: 4, house.closed: 0}

    exporting = Exporting(house.engine)
    path = tmp_path / "one.jsonl"
    assert exporting.export(path, format="jsonl", project_id=house.open).n_lines == 1
    assert [len(record.labels) for record in read_records(path)] == [2]
    with pytest.raises(MalformedInput, match="an archive is every row of every table"):
        exporting.export(tmp_path / "one.zip", format="archive", project_id=house.open)


def test_rulings_and_waiting_pairs_add_up_to_the_pairs_that_people_see_differently(house: House) -> None:
    queue_prompts(house.engine, house.labeling, house.open, add_prompts(house.engine, n_prompts=3))
    for _ in range(3):
        house.vote(house.ann, house.open, Outcome.LEFT)
        house.vote(house.rosa, house.open, Outcome.RIGHT)
    quality = Quality(house.engine, clock=house.clock)
    first = quality.list_disagreements(project_id=house.open)[0]
    quality.rule(comparison_id=first.comparison_id, outcome=Outcome.TIE, reason="even", decided_by_id=None)
    counts = quality.count_disagreements(project_id=house.open)
    assert (counts.n, counts.n_ruled, counts.n_waiting) == (3, 1, 2)
    assert counts.n == quality.view(project_id=house.open).overall.n_disagreeing
    assert quality.count_disagreements(project_id=house.closed).n == 0

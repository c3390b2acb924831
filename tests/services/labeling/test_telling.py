"""When names leave the app: after each vote, at the end of a person's work in the project, or never."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blender_ui.exchange import read_records
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.labeling.answers import Answer, AnsweredView
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.monitoring.queue_health import measure_queue
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.serving.listing import Listing
from db.models import DEFAULT_PROJECT_ID, Outcome, Reveal
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.services.projects.test_projects import queue_prompts


class Desk:
    """Somebody who labels two pairs of a project, and somebody else who may label them, too."""

    def __init__(self, folder: Path, reveal: Reveal, *, n_elsewhere: int = 0) -> None:
        self.engine, self.clock = make_store(folder), Clock()
        self.labeling = make_labeling(self.engine, self.clock, overlap=2)
        self.me = self.labeling.sign_in(key=key_of(1)).id
        self.other = self.labeling.sign_in(key=key_of(2)).id
        self.projects = Projects(self.engine, clock=self.clock)
        terms = ProjectTerms(name="Blind", overlap=2, reveal=reveal)
        self.project = self.projects.create(terms, by=self.me).id
        prompts = add_prompts(self.engine, n_prompts=2 + n_elsewhere)
        self.prompts, self.elsewhere = prompts[:2], prompts[2:]
        queue_prompts(self.engine, self.labeling, self.project, self.prompts)

    def answer(self, who: int, *, key: str = "", sent_from: int | None = None) -> AnsweredView:
        """Answer the next pair; ``sent_from`` is the project that the request names."""
        pair = self.labeling.next_pair(annotator_id=who, project_id=self.project)
        assert pair is not None
        return self.labeling.answer(
            Answer(lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key=key or str(pair.lease_id)),
            annotator_id=who,
            project_id=sent_from or self.project,
        )

    def names_in_list(self) -> set[str]:
        past = Relabeling(self.engine, clock=self.clock).list_mine(
            annotator_id=self.me, project_id=self.project
        )
        return {one.left_member for one in past} | {one.right_member for one in past}

    def exported(self, path: Path) -> set[str]:
        Exporting(self.engine, secret=5).export(path, format="jsonl")
        return {answer.model for record in read_records(path) for answer in record.candidates}

    def listed(self) -> set[str]:
        rows = Listing(self.engine, secret=5).candidates(project_id=None, prompt_id=None, after_id=0, limit=9)
        return {row.member for row in rows}


NAMES = {"member-0", "member-1"}


def test_counts_are_those_of_the_project_that_one_labels(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.VOTE, n_elsewhere=1)
    desk.labeling.queue_prompt(prompt_id=desk.elsewhere[0])
    pair = desk.labeling.next_pair(annotator_id=desk.me)
    assert pair is not None
    desk.labeling.submit(
        annotator_id=desk.me, lease_id=pair.lease_id, outcome=Outcome.TIE, idempotency_key="elsewhere"
    )
    desk.answer(desk.me)
    desk.answer(desk.other)

    def count(project_id: int) -> tuple[int, int, int]:
        found = desk.labeling.progress(annotator_id=desk.me, project_id=project_id)
        return found.n_mine, found.n_mine_today, found.n_standing

    assert count(desk.project) == (1, 1, 2)
    assert count(DEFAULT_PROJECT_ID) == (1, 1, 1)


def test_a_pair_that_is_lent_now_is_no_answer_of_its_project(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.VOTE)
    desk.answer(desk.me)
    assert desk.labeling.next_pair(annotator_id=desk.other, project_id=desk.project) is not None
    view = desk.projects.get(desk.project)
    assert (view.n_taken, view.n_answered, view.n_wanted) == (3, 1, 4)
    table = PreferenceTable(desk.engine)
    (health,) = measure_queue(desk.engine, table, project_id=desk.project, clock=desk.clock)
    assert (health.n_comparisons, health.n_preferences, health.n_answered) == (2, 1, 1)
    assert measure_queue(desk.engine, table, project_id=DEFAULT_PROJECT_ID, clock=desk.clock) == ()


def test_names_are_told_after_each_vote(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.VOTE)
    assert desk.answer(desk.me).is_revealed
    assert desk.names_in_list() == NAMES
    assert desk.exported(tmp_path / "all.jsonl") == NAMES == desk.listed()


def test_names_are_told_when_nothing_of_the_project_is_left_for_the_person(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.END)
    assert not desk.answer(desk.me).is_revealed
    assert desk.names_in_list() == {""}
    last = desk.answer(desk.me)
    assert last.pair is None
    assert last.is_revealed
    assert desk.names_in_list() == NAMES
    # The other person is not done, so nothing leaves the app that they could read.
    assert not desk.exported(tmp_path / "during.jsonl") & NAMES
    assert not desk.listed() & NAMES
    for _ in range(2):
        desk.answer(desk.other)
    assert desk.exported(tmp_path / "after.jsonl") == NAMES == desk.listed()


def test_names_are_never_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.NEVER)
    for _ in range(2):
        assert not desk.answer(desk.me).is_revealed
    assert desk.names_in_list() == {""}
    hidden = desk.exported(tmp_path / "all.jsonl")
    assert len(hidden) == 2
    assert not hidden & NAMES
    assert hidden == desk.listed(), "a member is called the same by the export and the API"
    other_secret = Listing(desk.engine, secret=6).candidates(
        project_id=None, prompt_id=None, after_id=0, limit=9
    )
    assert not {row.member for row in other_secret} & hidden


@pytest.mark.parametrize("reveal", [Reveal.END, Reveal.NEVER])
def test_a_request_that_names_another_project_is_told_no_more(tmp_path: Path, reveal: Reveal) -> None:
    desk = Desk(tmp_path, reveal)
    assert not desk.answer(desk.me, sent_from=DEFAULT_PROJECT_ID).is_revealed


def test_a_vote_that_is_sent_again_is_told_as_much(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.NEVER)
    desk.answer(desk.me, key="once")
    assert not desk.answer(desk.me, key="once").is_revealed


def test_a_policy_is_changed_and_the_trail_says_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Reveal.NEVER)
    terms = desk.projects.get(desk.project).terms
    desk.projects.change(desk.project, replace(terms, reveal=Reveal.VOTE, pay=0.25), by=desk.me)
    assert desk.answer(desk.me).is_revealed
    assert desk.projects.get(desk.project).terms.pay == 0.25

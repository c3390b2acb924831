"""The first pairs of somebody who begins: gold pairs with a reason, which they hear after their vote."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import Session, select

from blender_ui.errors import LeaseLost, MalformedInput
from blender_ui.services.labeling.answers import Answer, AnsweredView, SubmittedView
from blender_ui.services.labeling.lending import N_PRACTICE, PRACTICE
from blender_ui.services.labeling.views import PairView
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.checks import Checks
from blender_ui.services.ranking.datasets import load_dataset
from db.models import DEFAULT_PROJECT_ID, Comparison, Lease, LeaseStatus, Outcome, Preference, Purpose
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store


class School:
    """A project with pairs to label, and some that a researcher explains."""

    def __init__(self, folder: Path, *, n_explained: int, n_prompts: int = 10) -> None:
        self.engine, self.clock = make_store(folder), Clock()
        self.labeling = make_labeling(self.engine, self.clock)
        for prompt_id in add_prompts(self.engine, n_prompts=n_prompts):
            self.labeling.queue_prompt(prompt_id=prompt_id)
        self.me = self.labeling.sign_in(key=key_of(1)).id
        self.checks = Checks(self.engine, clock=self.clock)
        for number in range(1, n_explained + 1):
            self.explain(number)

    def explain(self, number: int) -> None:
        self.checks.set_check(
            number, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=self.me, reason=f"Because of {number}."
        )

    def next(self, who: int | None = None) -> PairView:
        pair = self.labeling.next_turn(annotator_id=who or self.me)
        assert isinstance(pair, PairView)
        return pair

    def answer(self, pair: PairView, outcome: Outcome = Outcome.RIGHT) -> AnsweredView:
        return self.labeling.answer(
            Answer(lease_id=pair.lease_id, outcome=outcome, idempotency_key=str(pair.lease_id)),
            annotator_id=self.me,
        )

    def policies(self) -> list[str]:
        with Session(self.engine) as session:
            return [lease.policy for lease in session.exec(select(Lease).order_by(Lease.id))]  # type: ignore[arg-type]


def test_five_pairs_are_practice_and_each_is_explained_after_its_vote(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=7, n_prompts=12)
    for _ in range(N_PRACTICE):
        pair = school.next()
        assert pair.policy == PRACTICE
        told = school.answer(pair)
        assert isinstance(told.submitted, SubmittedView)
        assert told.submitted.lesson is not None
        assert told.submitted.lesson.outcome is Outcome.LEFT
        assert told.submitted.lesson.reason == f"Because of {pair.comparison_id}."
    pair = school.next()
    assert pair.policy != PRACTICE
    told = school.answer(pair)
    assert isinstance(told.submitted, SubmittedView)
    assert told.submitted.lesson is None
    assert school.policies().count(PRACTICE) == N_PRACTICE


def test_a_check_without_practice_explains_nothing(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=0)
    school.checks.set_check(1, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=school.me)
    assert school.next().policy != PRACTICE


def test_practice_counts_once_as_a_check_and_is_not_learnt_from(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=2)
    school.answer(school.next(), Outcome.LEFT)
    school.answer(school.next(), Outcome.RIGHT)
    school.answer(school.next(), Outcome.RIGHT)
    (mine,) = Quality(school.engine, clock=school.clock).view().annotators
    assert (mine.n_gold, mine.gold.value) == (2, 0.5)
    assert len(load_dataset(school.engine).preference_ids) == 1
    with Session(school.engine) as session:
        compared = [one.comparison_id for one in session.exec(select(Preference))]
    assert len(compared) == len(set(compared)) == 3


def test_practice_is_skipped_once_and_for_all(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=5)
    first = school.next()
    second = school.labeling.next_turn(annotator_id=school.me, besides=first.lease_id)
    assert first.policy == PRACTICE
    assert isinstance(second, PairView)
    assert second.policy == PRACTICE
    lent = school.labeling.end_practice(annotator_id=school.me, project_id=DEFAULT_PROJECT_ID)
    assert isinstance(lent, PairView)
    assert lent.policy != PRACTICE
    school.answer(lent)
    assert school.next().policy != PRACTICE
    with Session(school.engine) as session:
        left = session.exec(select(Lease).where(Lease.policy == PRACTICE)).all()
        assert {lease.status for lease in left} == {LeaseStatus.SKIPPED}
        pair = session.get_one(Comparison, first.comparison_id)
        assert (pair.n_taken, pair.is_open) == (0, True)


def test_somebody_who_has_labelled_before_is_not_sent_back_to_practice(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=0)
    school.answer(school.next())
    school.explain(9)
    assert school.next().policy != PRACTICE
    other = school.labeling.sign_in(key=key_of(2)).id
    assert school.next(other).policy == PRACTICE


def test_texts_as_written_are_told_to_whoever_was_lent_them_alone(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=0)
    pair = school.next()
    lent = school.labeling.read_lent(annotator_id=school.me, lease_id=pair.lease_id)
    assert isinstance(lent, PairView)
    assert (lent.left_text, lent.right_text) == (pair.left_text, pair.right_text)
    other = school.labeling.sign_in(key=key_of(2)).id
    with pytest.raises(LeaseLost):
        school.labeling.read_lent(annotator_id=other, lease_id=pair.lease_id)


def test_gold_pairs_are_listed_and_found_by_question_and_reason_with_what_people_said(tmp_path: Path) -> None:
    school = School(tmp_path, n_explained=3)
    school.answer(school.next(), Outcome.LEFT)
    listed = school.checks.list_pairs(project_id=DEFAULT_PROJECT_ID, checks_only=True)
    assert sorted(one.comparison_id for one in listed) == [1, 2, 3]
    assert sum(one.n_answered for one in listed) == 1 == sum(one.n_right for one in listed)
    assert school.checks.count(project_id=DEFAULT_PROJECT_ID) == {Purpose.GOLD: 3}
    found = school.checks.list_pairs(
        project_id=DEFAULT_PROJECT_ID, containing="BECAUSE of 2", checks_only=True
    )
    assert [(one.comparison_id, one.gold_reason) for one in found] == [(2, "Because of 2.")]
    with pytest.raises(MalformedInput, match="only a gold pair has a reason"):
        school.checks.set_check(4, purpose=Purpose.LABEL, outcome=None, by=school.me, reason="why")

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import NotFound
from blender_ui.services.inspecting.decisions import ASKED_HERE, Inspection
from db.engine import transaction
from db.models import (
    Annotator,
    AnnotatorKind,
    CandidateFailure,
    FailureKind,
    Outcome,
    Preference,
    Prompt,
    Role,
)
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def vote(engine: Engine, outcome: Outcome, *, prompt_id: int, person: int = 1) -> int:
    labeling = make_labeling(engine, Clock())
    labeling.queue_prompt(prompt_id=prompt_id)
    annotator = labeling.sign_in(key=key_of(person))
    pair = labeling.next_pair(annotator_id=annotator.id, prompt_id=prompt_id)
    assert pair is not None
    return labeling.submit(
        annotator_id=annotator.id,
        lease_id=pair.lease_id,
        outcome=outcome,
        idempotency_key=f"{person}-{pair.lease_id}",
        reason="why not",
    ).preference_id


def test_sources_are_counted_apart(engine: Engine) -> None:
    first, second = add_prompts(engine, n_prompts=2, n_candidates=3)
    with transaction(engine, immediate=True) as session:
        prompt = session.get(Prompt, second)
        assert prompt is not None
        prompt.source, prompt.external_id = "elsewhere", "1"
    vote(engine, Outcome.LEFT, prompt_id=first)
    by_name = {source.name: source for source in Inspection(engine).list_sources()}
    assert set(by_name) == {ASKED_HERE, "elsewhere"}
    here, other = by_name[ASKED_HERE], by_name["elsewhere"]
    assert (here.n_prompts, here.n_candidates, here.n_preferences, here.n_open) == (1, 3, 1, 2)
    assert (other.n_prompts, other.n_candidates, other.n_preferences, other.n_open) == (1, 3, 0, 0)


def test_an_empty_store_has_no_source(engine: Engine) -> None:
    assert Inspection(engine).list_sources() == ()


@pytest.mark.parametrize("wanted", ["question 1?", "#2"])
def test_a_prompt_is_found_by_its_words_and_its_id(engine: Engine, wanted: str) -> None:
    add_prompts(engine, n_prompts=3)
    (found,) = Inspection(engine).find_prompts(wanted)
    assert (found.prompt_id, found.excerpt) == (2, "Question 1?")


def test_a_number_finds_its_own_prompt_before_newer_ones_that_hold_it(engine: Engine) -> None:
    add_prompts(engine, n_prompts=3)
    with transaction(engine, immediate=True) as session:
        session.add(Prompt(instruction="Which colour is #25aaff?", fingerprint="f"))
    assert [entry.prompt_id for entry in Inspection(engine).find_prompts("#2")] == [2, 4]
    assert [entry.prompt_id for entry in Inspection(engine).find_prompts("#2", limit=1)] == [2]


@pytest.mark.parametrize("wanted", ["%", "_", "nothing like it", "9" * 40])
def test_signs_of_sql_are_words_like_others(engine: Engine, wanted: str) -> None:
    add_prompts(engine, n_prompts=3)
    assert Inspection(engine).find_prompts(wanted) == ()


def test_prompts_are_listed_newest_first(engine: Engine) -> None:
    ids = add_prompts(engine, n_prompts=3)
    assert [entry.prompt_id for entry in Inspection(engine).find_prompts(limit=2)] == ids[:0:-1]


def test_a_vote_is_told_with_its_rows_and_how_its_pair_was_chosen(engine: Engine) -> None:
    (prompt_id,) = add_prompts(engine, n_prompts=1)
    preference_id = vote(engine, Outcome.TIE, prompt_id=prompt_id)
    inspected = Inspection(engine).get_prompt(prompt_id)
    (told,) = inspected.votes
    assert (told.preference_id, told.outcome, told.reason) == (preference_id, Outcome.TIE, "why not")
    members = {one.candidate_id: one.member for one in inspected.candidates}
    assert (members[told.left_id], members[told.right_id]) == (told.left_member, told.right_member)
    assert told.policy is not None
    assert told.propensity == 1.0
    assert told.is_human


def test_what_was_taken_back_is_not_told(engine: Engine) -> None:
    (prompt_id,) = add_prompts(engine, n_prompts=1)
    vote(engine, Outcome.LEFT, prompt_id=prompt_id)
    labeling = make_labeling(engine, Clock())
    labeling.undo(annotator_id=labeling.sign_in(key=key_of(1)).id)
    assert Inspection(engine).get_prompt(prompt_id).votes == ()


def test_an_imported_judges_verdict_is_told_as_one(engine: Engine) -> None:
    (prompt_id,) = add_prompts(engine, n_prompts=1)
    make_labeling(engine, Clock()).queue_prompt(prompt_id=prompt_id)
    with transaction(engine, immediate=True) as session:
        judge = Annotator(key="import:x:j", name="j", kind=AnnotatorKind.JUDGE, role=Role.ANNOTATOR)
        session.add(judge)
        session.flush()
        session.add(
            Preference(
                comparison_id=1, annotator_id=judge.id or 0, outcome=Outcome.RIGHT, idempotency_key="j"
            )
        )
    (told,) = Inspection(engine).get_prompt(prompt_id).votes
    assert (told.is_human, told.policy, told.propensity) == (False, None, None)


def test_failures_are_told_with_their_member(engine: Engine) -> None:
    (prompt_id,) = add_prompts(engine, n_prompts=1)
    with transaction(engine, immediate=True) as session:
        session.add(
            CandidateFailure(
                prompt_id=prompt_id, member_id=1, kind=FailureKind.TIMEOUT, message="slow", seconds=9.0
            )
        )
    (failure,) = Inspection(engine).get_prompt(prompt_id).failures
    assert (failure.member, failure.kind, failure.message) == ("member-0", FailureKind.TIMEOUT, "slow")


def test_a_prompt_that_is_not_there_is_an_error(engine: Engine) -> None:
    with pytest.raises(NotFound):
        Inspection(engine).get_prompt(1)
    with pytest.raises(NotFound):
        Inspection(engine).get_ranking(1)

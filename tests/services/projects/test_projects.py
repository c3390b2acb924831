"""Projects, their checks, the queue they make, and answers given anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.services.labeling.answers import Marks
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.projects.projects import Projects, ProjectTerms
from blender_ui.services.projects.prompts import ProjectPrompts, split_prompts
from blender_ui.services.projects.questions import Questions, read_questions
from blender_ui.services.quality.checks import Checks
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Comparison, Lease, Outcome, Preference, Prompt, Purpose
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def person(labeling: Labeling, number: int = 1) -> int:
    return labeling.sign_in(key=key_of(number)).id


def queue(engine: Engine, labeling: Labeling, project_id: int, *, n_prompts: int) -> list[int]:
    """Pairs of a project; gives their ids."""
    return queue_prompts(engine, labeling, project_id, add_prompts(engine, n_prompts=n_prompts))


def queue_prompts(engine: Engine, labeling: Labeling, project_id: int, prompt_ids: list[int]) -> list[int]:
    """Pairs of a project's prompts; gives their ids."""
    with transaction(engine, immediate=True) as session:
        for prompt_id in prompt_ids:
            session.get_one(Prompt, prompt_id).project_id = project_id
    for prompt_id in prompt_ids:
        labeling.queue_prompt(prompt_id=prompt_id)
    with Session(engine) as session:
        query = select(Comparison.id).where(Comparison.prompt_id.in_(prompt_ids))  # type: ignore[attr-defined]
        return [one for one in session.exec(query).all() if one is not None]


def test_a_change_keeps_what_was_there_before_in_the_trail(engine: Engine, clock: Clock) -> None:
    me = person(make_labeling(engine, clock))
    projects = Projects(engine, clock=clock)
    made = projects.create(ProjectTerms(name=" Safety ", overlap=3), by=me)
    assert made.terms.name == "Safety"
    projects.change(made.id, replace(made.terms, overlap=5), by=me)
    latest, _ = Auditing(engine).list_latest(object_type="project")
    assert latest.action == "project.change"
    assert (latest.before, latest.after) == ({"overlap": 3}, {"overlap": 5})


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"overlap": 0},
        {"overlap": True},
        {"gold_share": True},
        {"n_answers": 4.5},
        {"gold_share": 0.4, "attention_share": 0.2},
        {"gold_share": -0.1},
        {"policy": "alphabetical"},
        {"random_share": 0.0},
    ],
)
def test_terms_out_of_range_are_refused(engine: Engine, clock: Clock, wrong: dict[str, object]) -> None:
    me = person(make_labeling(engine, clock))
    with pytest.raises(MalformedInput):
        Projects(engine, clock=clock).create(replace(ProjectTerms(name="x"), **wrong), by=me)  # type: ignore[arg-type]


def test_names_are_unique_and_the_default_project_stays(engine: Engine, clock: Clock) -> None:
    me = person(make_labeling(engine, clock))
    projects = Projects(engine, clock=clock)
    projects.create(ProjectTerms(name="Safety"), by=me)
    with pytest.raises(Refused, match="another name"):
        projects.create(ProjectTerms(name="Safety "), by=me)
    with pytest.raises(Refused, match="default project"):
        projects.set_archived(DEFAULT_PROJECT_ID, is_archived=True, by=me)


def test_projects_queues_are_apart_and_their_overlap_is_their_own(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    me = person(labeling)
    other = Projects(engine, clock=clock).create(ProjectTerms(name="Other", overlap=3), by=me)
    first, *rest = add_prompts(engine, n_prompts=3)
    mine = set(queue_prompts(engine, labeling, DEFAULT_PROJECT_ID, rest))
    theirs = set(queue_prompts(engine, labeling, other.id, [first]))
    pair = labeling.next_pair(annotator_id=me, project_id=other.id)
    assert pair is not None
    assert pair.comparison_id in theirs
    assert labeling.next_pair(annotator_id=me).comparison_id in mine  # type: ignore[union-attr]
    assert labeling.next_pair(annotator_id=me, project_id=other.id) == pair
    takers = [labeling.next_pair(annotator_id=person(labeling, n), project_id=other.id) for n in range(2, 6)]
    assert [taker is not None for taker in takers] == [True, True, False, False]


def test_the_pair_after_the_shown_one_is_another_and_comes_again_after_a_reload(
    engine: Engine, clock: Clock
) -> None:
    labeling = make_labeling(engine, clock)
    me = person(labeling)
    queue(engine, labeling, DEFAULT_PROJECT_ID, n_prompts=3)
    shown = labeling.next_pair(annotator_id=me)
    assert shown is not None
    ahead = labeling.next_pair(annotator_id=me, besides=shown.lease_id)
    assert ahead is not None
    assert ahead.comparison_id != shown.comparison_id
    assert labeling.next_pair(annotator_id=me, besides=shown.lease_id) == ahead
    assert labeling.next_pair(annotator_id=me) == shown
    labeling.submit(annotator_id=me, lease_id=shown.lease_id, outcome=Outcome.TIE, idempotency_key="first")
    assert labeling.next_pair(annotator_id=me) == ahead
    undone = labeling.undo(annotator_id=me)
    assert undone is not None
    assert undone.lease_id == shown.lease_id
    after = labeling.next_pair(annotator_id=me, besides=shown.lease_id)
    assert after is not None
    assert after.lease_id == ahead.lease_id


@pytest.mark.slow
def test_checks_are_asked_in_their_share_of_turns_and_their_propensity_is_kept(
    engine: Engine, clock: Clock
) -> None:
    labeling = make_labeling(engine, clock)
    me = person(labeling)
    projects, checks = Projects(engine, clock=clock), Checks(engine, clock=clock)
    terms = replace(projects.get(DEFAULT_PROJECT_ID).terms, gold_share=0.3, attention_share=0.1)
    projects.change(DEFAULT_PROJECT_ID, terms, by=me)
    pairs = queue(engine, labeling, DEFAULT_PROJECT_ID, n_prompts=400)
    for pair in pairs[:150]:
        checks.set_check(pair, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=me)
    for pair in pairs[150:200]:
        checks.set_check(pair, purpose=Purpose.ATTENTION, outcome=Outcome.RIGHT, by=me)
    asked: Counter[str] = Counter()
    for number in range(200):
        pair = labeling.next_pair(annotator_id=me)
        assert pair is not None
        asked[pair.policy] += 1
        if number == 0:
            # 200 pairs to label are equally near the head, as are 150 gold pairs and 50 checks.
            share = {"balanced_random": 0.6 / 200, "gold": 0.3 / 150, "attention": 0.1 / 50}
            assert pair.propensity == pytest.approx(share[pair.policy])
        labeling.submit(
            annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.TIE, idempotency_key=str(number)
        )
    # Binomial with n = 200: five standard deviations either way.
    assert 60 - 33 < asked["gold"] < 60 + 33
    assert 20 - 22 < asked["attention"] < 20 + 22
    assert asked["attention"] > 0


def test_a_check_is_asked_each_person_once_and_never_by_itself(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    me = person(labeling)
    projects, checks = Projects(engine, clock=clock), Checks(engine, clock=clock)
    terms = replace(projects.get(DEFAULT_PROJECT_ID).terms, gold_share=0.5)
    projects.change(DEFAULT_PROJECT_ID, terms, by=me)
    gold, *_ = queue(engine, labeling, DEFAULT_PROJECT_ID, n_prompts=40)
    checks.set_check(gold, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=me)
    seen: list[int] = []
    for number in (1, 2):
        annotator = person(labeling, number)
        for turn in range(15):
            pair = labeling.next_pair(annotator_id=annotator)
            assert pair is not None
            seen.append(pair.comparison_id)
            labeling.submit(
                annotator_id=annotator, lease_id=pair.lease_id, outcome=Outcome.TIE, idempotency_key=str(turn)
            )
    assert Counter(seen)[gold] == 2
    while (pair := labeling.next_pair(annotator_id=me)) is not None:
        labeling.submit(
            annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.TIE, idempotency_key=f"x{pair.lease_id}"
        )
    assert labeling.next_pair(annotator_id=person(labeling, 3)) is None, "a check alone is no work"


def test_a_check_needs_its_answer_and_goes_back_without_one(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    me = person(labeling)
    (pair,) = queue(engine, labeling, DEFAULT_PROJECT_ID, n_prompts=1)
    checks = Checks(engine, clock=clock)
    with pytest.raises(MalformedInput):
        checks.set_check(pair, purpose=Purpose.GOLD, outcome=None, by=me)
    checks.set_check(pair, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=me)
    assert labeling.progress(annotator_id=me).n_open == 0
    back = checks.set_check(pair, purpose=Purpose.LABEL, outcome=None, by=me)
    assert back.gold_outcome is None
    assert labeling.progress(annotator_id=me).n_open == 1


def test_answers_to_a_projects_questions_are_kept_and_others_refused(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    me = person(labeling)
    projects = Projects(engine, clock=clock)
    asked = Questions(criteria=("helpful", "harmless"), spans=True)
    projects.change(
        DEFAULT_PROJECT_ID, replace(projects.get(DEFAULT_PROJECT_ID).terms, questions=asked), by=me
    )
    queue(engine, labeling, DEFAULT_PROJECT_ID, n_prompts=1)
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None
    span = {"side": "left", "start": 0, "end": 6, "text": "Answer", "label": "bad"}

    def answer(marks: Marks) -> None:
        labeling.submit(
            annotator_id=me,
            lease_id=pair.lease_id,  # type: ignore[union-attr]
            outcome=Outcome.LEFT,
            idempotency_key="k",
            strength=2 / 3,
            marks=marks,
        )

    for wrong in (Marks(criteria={"style": "left"}), Marks(criteria={"helpful": "both_bad"})):
        with pytest.raises(MalformedInput):
            answer(wrong)
    with pytest.raises(MalformedInput):
        answer(Marks(spans=[{**span, "end": 0}]))
    answer(Marks(criteria={"helpful": "left"}, spans=[span]))
    with Session(engine) as session:
        (stored,) = session.exec(select(Preference)).all()
    assert (stored.criteria, stored.spans, stored.strength) == ({"helpful": "left"}, [span], 2 / 3)


@pytest.mark.parametrize("wrong", [{"colour": True}, {"strength": 1}, {"criteria": ["a", "A"]}, []])
def test_questions_of_another_form_are_refused(wrong: object) -> None:
    with pytest.raises(MalformedInput):
        read_questions(wrong)


def test_an_answer_given_anew_keeps_the_earlier_one(engine: Engine, clock: Clock) -> None:
    labeling, relabeling = make_labeling(engine, clock), Relabeling(engine, clock=clock)
    me, other = person(labeling), person(labeling, 2)
    queue(engine, labeling, DEFAULT_PROJECT_ID, n_prompts=1)
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None
    first = labeling.submit(
        annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="k", reason="why"
    ).preference_id
    with pytest.raises(NotFound):
        relabeling.relabel(
            annotator_id=other, preference_id=first, outcome=Outcome.TIE, idempotency_key="theirs"
        )
    again = {"annotator_id": me, "preference_id": first, "outcome": Outcome.RIGHT, "idempotency_key": "mine"}
    second = relabeling.relabel(**again)  # type: ignore[arg-type]
    assert relabeling.relabel(**again) == second  # type: ignore[arg-type]
    with Session(engine) as session:
        earlier, later = session.exec(select(Preference).order_by(Preference.id)).all()  # type: ignore[arg-type]
        assert (earlier.superseded_by_id, earlier.outcome) == (second, Outcome.LEFT)
        assert earlier.retracted_at is not None
        assert (later.outcome, later.reason, later.retracted_at) == (Outcome.RIGHT, "why", None)
        assert len(session.exec(select(Lease)).all()) == 1
    (past,) = relabeling.list_mine(annotator_id=me, project_id=DEFAULT_PROJECT_ID)
    assert (past.outcome, past.n_earlier) == (Outcome.RIGHT, 1)
    assert relabeling.list_mine(annotator_id=other, project_id=DEFAULT_PROJECT_ID) == []


def test_typed_prompts_are_parted_by_blank_lines_and_kept_once(engine: Engine, clock: Clock) -> None:
    me = person(make_labeling(engine, clock))
    prompts = split_prompts("Why is the sky blue?\n\n\nWrite a poem\nof two lines.\n\n")
    assert prompts == ["Why is the sky blue?", "Write a poem\nof two lines."]
    adding = ProjectPrompts(engine, clock=clock)
    assert adding.add(DEFAULT_PROJECT_ID, instructions=prompts, by=me) == 2
    assert adding.add(DEFAULT_PROJECT_ID, instructions=[*prompts, "New?"], by=me) == 1
    with pytest.raises(MalformedInput):
        adding.add(DEFAULT_PROJECT_ID, instructions=[], by=me)

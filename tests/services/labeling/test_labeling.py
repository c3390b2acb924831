"""The label loop: what is promised to annotators and to the people who use their labels."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlmodel import col

from blender_ui.errors import LeaseLost, MalformedInput, NotFound
from blender_ui.services.labeling.answers import Answer, Marks
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.views import PairView
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Comparison, Lease, LeaseStatus, Outcome, Preference, Project
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def queued(
    engine: Engine, clock: Clock, *, n_prompts: int, overlap: int = 1, n_candidates: int = 2
) -> Labeling:
    labeling = make_labeling(engine, clock, overlap=overlap)
    for prompt_id in add_prompts(engine, n_prompts=n_prompts, n_candidates=n_candidates):
        labeling.queue_prompt(prompt_id=prompt_id)
    return labeling


def sign_in(labeling: Labeling, number: int = 1) -> int:
    return labeling.sign_in(key=key_of(number)).id


def lent(labeling: Labeling, annotator_id: int) -> PairView:
    pair = labeling.next_pair(annotator_id=annotator_id)
    assert pair is not None
    return pair


def vote(labeling: Labeling, annotator_id: int, pair: PairView, *, key: str | None = None) -> int:
    return labeling.submit(
        annotator_id=annotator_id,
        lease_id=pair.lease_id,
        outcome=Outcome.LEFT,
        idempotency_key=key or f"vote-{pair.lease_id}",
    ).preference_id


def check_places(engine: Engine) -> None:
    """Every comparison's count of places is the number of leases that hold one."""
    with transaction(engine) as session:
        held = (
            select(col(Lease.comparison_id), func.count())
            .where(col(Lease.status).in_((LeaseStatus.ACTIVE, LeaseStatus.ANSWERED)))
            .group_by(col(Lease.comparison_id))
        )
        counts = {comparison_id: n for comparison_id, n in session.execute(held)}
        for comparison in session.scalars(select(Comparison)):
            assert comparison.n_taken == counts.get(comparison.id, 0) <= comparison.overlap


def test_signing_in_again_gives_the_same_annotator(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    first = labeling.sign_in(key=key_of(1), name="Ada")
    assert labeling.sign_in(key=key_of(1)) == first
    assert first.name == "Ada"
    assert labeling.sign_in(key=key_of(2)).id != first.id
    assert labeling.rename(annotator_id=first.id, name=" Countess ").name == "Countess"
    assert labeling.sign_in(key=key_of(1), name="Ada").name == "Countess"
    with pytest.raises(MalformedInput, match="16 characters"):
        labeling.sign_in(key="short")
    with pytest.raises(MalformedInput, match="128 characters"):
        labeling.rename(annotator_id=first.id, name=" ")


def test_a_copy_of_the_store_signs_nobody_in(engine: Engine, clock: Clock, tmp_path: Path) -> None:
    make_labeling(engine, clock).sign_in(key=key_of(1))
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
    assert key_of(1).encode() not in stored


def test_a_pair_stays_the_same_until_it_is_answered(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=5)
    me = sign_in(labeling)
    first = lent(labeling, me)
    assert lent(labeling, me).lease_id == first.lease_id
    vote(labeling, me, first)
    assert lent(labeling, me).comparison_id != first.comparison_id


def test_everyone_is_asked_each_pair_once_and_no_pair_more_often_than_the_overlap(
    engine: Engine, clock: Clock
) -> None:
    labeling = queued(engine, clock, n_prompts=6, overlap=2)
    people = [sign_in(labeling, number) for number in range(3)]
    had: dict[int, list[int]] = {person: [] for person in people}
    while any(pairs := [(person, labeling.next_pair(annotator_id=person)) for person in people]):
        answered = 0
        for person, pair in pairs:
            if pair is not None:
                vote(labeling, person, pair)
                had[person].append(pair.comparison_id)
                answered += 1
        if not answered:
            break
    everything = [comparison for comparisons in had.values() for comparison in comparisons]
    assert all(len(set(comparisons)) == len(comparisons) for comparisons in had.values())
    assert sorted(everything) == sorted([*set(everything), *set(everything)])
    assert len(set(everything)) == 6
    check_places(engine)


def test_the_least_answered_are_asked_first(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=4, overlap=2)
    first, second = sign_in(labeling, 1), sign_in(labeling, 2)
    done = [lent(labeling, first).comparison_id]
    vote(labeling, first, lent(labeling, first))
    done.append(lent(labeling, first).comparison_id)
    vote(labeling, first, lent(labeling, first))
    seen_by_second = []
    for _ in range(4):
        pair = lent(labeling, second)
        seen_by_second.append(pair.comparison_id)
        vote(labeling, second, pair)
    assert set(seen_by_second[2:]) == set(done)


def test_the_propensity_is_one_over_the_least_answered(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=4, overlap=2)
    first, second = sign_in(labeling, 1), sign_in(labeling, 2)
    mine, theirs = lent(labeling, first), lent(labeling, second)
    assert (mine.policy, mine.propensity) == ("balanced_random", 1 / 4)
    assert theirs.propensity == 1 / 3
    labeling.skip(annotator_id=first, lease_id=mine.lease_id)
    # Three are untaken again, and this annotator has had one of them.
    assert lent(labeling, first).propensity == 1 / 2


def test_names_are_told_only_after_the_vote_and_stand_on_their_sides(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=3)
    me = sign_in(labeling)
    for number in range(3):
        pair = lent(labeling, me)
        told = labeling.submit(
            annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.TIE, idempotency_key=f"vote-{number}"
        )
        assert told.left_member in pair.left_text
        assert told.right_member in pair.right_text


def test_the_same_key_again_gives_the_same_answer_and_one_preference(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me = sign_in(labeling)
    pair = lent(labeling, me)
    first = vote(labeling, me, pair, key="key")
    assert vote(labeling, me, pair, key="key") == first
    with pytest.raises(LeaseLost, match="answered already"):
        vote(labeling, me, pair, key="another key")
    with transaction(engine) as session:
        assert session.execute(select(func.count()).select_from(Preference)).scalar_one() == 1


def test_nobody_answers_for_another(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    pair = lent(labeling, me)
    for attempt in (
        lambda: vote(labeling, other, pair),
        lambda: labeling.skip(annotator_id=other, lease_id=pair.lease_id),
    ):
        with pytest.raises(LeaseLost, match="not yours"):
            attempt()
    assert labeling.heartbeat(annotator_id=other, lease_id=pair.lease_id) is False
    with pytest.raises(NotFound, match="sign in"):
        labeling.next_pair(annotator_id=999)


def test_an_expired_lease_opens_its_place_to_others(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=1)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    mine = lent(labeling, me)
    assert labeling.next_pair(annotator_id=other) is None
    clock.pass_by(61)
    theirs = lent(labeling, other)
    assert theirs.comparison_id == mine.comparison_id
    with pytest.raises(LeaseLost, match="others have it"):
        vote(labeling, me, mine)
    vote(labeling, other, theirs)
    check_places(engine)


def test_an_expired_lease_still_counts_while_nobody_has_taken_its_place(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    mine = lent(labeling, me)
    lent(labeling, other)
    clock.pass_by(3600)
    vote(labeling, me, mine)
    check_places(engine)


def test_after_a_long_break_the_same_pair_comes_back(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=3)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    mine = lent(labeling, me)
    clock.pass_by(3600)
    theirs = lent(labeling, other)
    back = lent(labeling, me)
    if theirs.comparison_id == mine.comparison_id:
        assert back.comparison_id != mine.comparison_id
    else:
        assert back.lease_id == mine.lease_id
    check_places(engine)


def test_a_sign_of_life_keeps_a_lease(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=1)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    mine = lent(labeling, me)
    clock.pass_by(50)
    assert labeling.heartbeat(annotator_id=me, lease_id=mine.lease_id)
    clock.pass_by(50)
    assert labeling.next_pair(annotator_id=other) is None


def test_a_skipped_pair_goes_to_others_and_not_back(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=1)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    mine = lent(labeling, me)
    labeling.skip(annotator_id=me, lease_id=mine.lease_id)
    labeling.skip(annotator_id=me, lease_id=mine.lease_id)
    assert labeling.next_pair(annotator_id=me) is None
    assert lent(labeling, other).comparison_id == mine.comparison_id
    check_places(engine)


def test_undo_retracts_the_outcome_and_lends_the_pair_again(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=3)
    me = sign_in(labeling)
    first = lent(labeling, me)
    vote(labeling, me, first)
    clock.pass_by(1)
    second = lent(labeling, me)

    again = labeling.undo(annotator_id=me)
    assert again is not None
    assert again.comparison_id == first.comparison_id
    assert labeling.progress(annotator_id=me).n_mine == 0
    assert lent(labeling, me).comparison_id == first.comparison_id

    labeling.submit(
        annotator_id=me, lease_id=again.lease_id, outcome=Outcome.RIGHT, idempotency_key="second thoughts"
    )
    assert lent(labeling, me).comparison_id == second.comparison_id
    with transaction(engine) as session:
        rows = session.scalars(select(Preference).order_by(col(Preference.id))).all()
        assert [(row.outcome, row.retracted_at is None) for row in rows] == [
            (Outcome.LEFT, False),
            (Outcome.RIGHT, True),
        ]
    check_places(engine)


def test_undo_goes_back_one_by_one_through_votes_and_skips(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=3)
    me = sign_in(labeling)
    first = lent(labeling, me)
    vote(labeling, me, first)
    clock.pass_by(1)
    second = lent(labeling, me)
    labeling.skip(annotator_id=me, lease_id=second.lease_id)
    clock.pass_by(1)

    undone = [labeling.undo(annotator_id=me) for _ in range(3)]
    assert [pair and pair.comparison_id for pair in undone] == [
        second.comparison_id,
        first.comparison_id,
        None,
    ]
    check_places(engine)


def test_undo_on_one_prompt_leaves_what_came_later_on_others(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    early, late, held = add_prompts(engine, n_prompts=3)
    me, pairs = sign_in(labeling), {}
    for prompt_id in (early, late, held):
        labeling.queue_prompt(prompt_id=prompt_id)
        pairs[prompt_id] = lent(labeling, me)
        if prompt_id != held:
            vote(labeling, me, pairs[prompt_id])
        clock.pass_by(1)

    again = labeling.undo(annotator_id=me, prompt_id=early)
    assert again is not None
    assert again.comparison_id == pairs[early].comparison_id
    assert labeling.undo(annotator_id=me, prompt_id=early) is None
    assert labeling.heartbeat(annotator_id=me, lease_id=pairs[held].lease_id)
    with transaction(engine) as session:
        standing = session.scalars(select(Preference).where(col(Preference.retracted_at).is_(None))).all()
        assert [row.comparison_id for row in standing] == [pairs[late].comparison_id]
    check_places(engine)


def test_a_skip_that_others_took_up_cannot_be_undone(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=1)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    labeling.skip(annotator_id=me, lease_id=lent(labeling, me).lease_id)
    vote(labeling, other, lent(labeling, other))
    with pytest.raises(LeaseLost, match="others have it"):
        labeling.undo(annotator_id=me)
    check_places(engine)


def test_a_prompt_whose_names_were_seen_is_never_offered(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me = sign_in(labeling)
    with transaction(engine) as session:
        held = session.get(Comparison, lent(labeling, me).comparison_id)
        assert held is not None
    labeling.mark_seen(annotator_id=me, prompt_id=held.prompt_id)
    labeling.mark_seen(annotator_id=me, prompt_id=held.prompt_id)
    other_pair = lent(labeling, me)
    assert other_pair.comparison_id != held.id
    assert other_pair.propensity == 1.0
    vote(labeling, me, other_pair)
    assert labeling.next_pair(annotator_id=me) is None
    assert labeling.progress(annotator_id=me).n_open == 1
    check_places(engine)


def test_a_vote_after_the_names_were_seen_does_not_count(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me = sign_in(labeling)
    first = lent(labeling, me)
    vote(labeling, me, first)
    second = lent(labeling, me)
    for prompt_id in (1, 2):
        labeling.mark_seen(annotator_id=me, prompt_id=prompt_id)
    with pytest.raises(LeaseLost, match="seen the names"):
        vote(labeling, me, second)
    assert labeling.progress(annotator_id=me).n_mine == 1
    # Undo still takes the earlier vote back, and leaves its pair to others.
    assert labeling.undo(annotator_id=me) is None
    assert labeling.progress(annotator_id=me).n_mine == 0
    assert labeling.next_pair(annotator_id=me) is None
    assert lent(labeling, sign_in(labeling, 2)).comparison_id in (first.comparison_id, second.comparison_id)
    check_places(engine)


def test_a_prompt_is_queued_once_and_identical_answers_never(engine: Engine, clock: Clock) -> None:
    labeling = make_labeling(engine, clock)
    (prompt_id,) = add_prompts(engine, n_prompts=1, n_candidates=4)
    assert labeling.queue_prompt(prompt_id=prompt_id) == 6
    assert labeling.queue_prompt(prompt_id=prompt_id) == 0
    with pytest.raises(NotFound, match="no candidates"):
        labeling.queue_prompt(prompt_id=prompt_id, candidate_ids=[1, 999])
    with pytest.raises(NotFound, match="no prompt"):
        labeling.queue_prompt(prompt_id=77)


def test_a_pair_can_be_asked_of_one_prompt(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=4)
    me = sign_in(labeling)
    elsewhere = lent(labeling, me)
    for prompt_id in (1, 2, 3, 4):
        pair = labeling.next_pair(annotator_id=me, prompt_id=prompt_id)
        assert pair is not None
        assert pair.instruction == f"Question {prompt_id - 1}?"
        assert pair.propensity == (0.25 if pair.lease_id == elsewhere.lease_id else 1.0)


def order_by_information(engine: Engine) -> None:
    """Have the default project ask what a ranker is least sure of."""
    with transaction(engine, immediate=True) as session:
        project = session.get(Project, DEFAULT_PROJECT_ID)
        assert project is not None
        assert project.policy == "balanced_random", "which docs/policies.md speaks for"
        project.policy = "most_informative"


def test_a_ranker_s_uncertainty_orders_the_queue(engine: Engine, clock: Clock) -> None:
    labeling = Labeling(engine, clock=clock, seed=3, lease_seconds=60, overlap=1, random_share=1e-9)
    order_by_information(engine)
    for prompt_id in add_prompts(engine, n_prompts=5):
        labeling.queue_prompt(prompt_id=prompt_id)
    assert labeling.prioritise({1: 0.5, 2: 9.0, 3: 0.1, 4: 2.0, 5: 0.2}) == 5
    me = sign_in(labeling)
    order = []
    for _ in range(5):
        pair = lent(labeling, me)
        order.append(pair.comparison_id)
        assert pair.policy == "most_informative"
        assert pair.propensity == pytest.approx(1.0)
        vote(labeling, me, pair)
    assert order == [2, 4, 1, 5, 3]
    assert labeling.prioritise({1: 1.0}) == 0
    with pytest.raises(MalformedInput, match="finite"):
        labeling.prioritise({1: float("nan")})


def test_progress_counts_today_and_everybody(engine: Engine, clock: Clock) -> None:
    labeling = queued(engine, clock, n_prompts=4)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    vote(labeling, me, lent(labeling, me))
    clock.pass_by(24 * 3600)
    vote(labeling, me, lent(labeling, me))
    vote(labeling, other, lent(labeling, other))
    progress = labeling.progress(annotator_id=me)
    assert (progress.n_mine, progress.n_mine_today, progress.n_standing) == (2, 1, 3)
    assert progress.n_open == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"strength": 1.5}, "strength"),
        ({"strength": 0.5, "outcome": Outcome.TIE}, "only a win"),
        ({"seconds": -1.0}, "seconds"),
        ({"idempotency_key": ""}, "idempotency key"),
        ({"idempotency_key": "x" * 97}, "idempotency key"),
    ],
)
def test_an_answer_out_of_range_is_refused_and_the_pair_kept(
    engine: Engine, clock: Clock, answer: dict[str, object], fault: str
) -> None:
    labeling = queued(engine, clock, n_prompts=1)
    me = sign_in(labeling)
    pair = lent(labeling, me)
    given = {"outcome": Outcome.LEFT, "idempotency_key": "key", **answer}
    with pytest.raises(MalformedInput, match=fault):
        labeling.submit(annotator_id=me, lease_id=pair.lease_id, **given)  # type: ignore[arg-type]
    assert lent(labeling, me).lease_id == pair.lease_id


def test_an_answer_that_comes_too_late_is_not_taken_and_the_next_pair_comes_all_the_same(
    engine: Engine, clock: Clock
) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me, other = sign_in(labeling), sign_in(labeling, 2)
    mine = lent(labeling, me)
    clock.pass_by(10_000)
    for _ in range(2):
        pair = lent(labeling, other)
        if pair.comparison_id == mine.comparison_id:
            vote(labeling, other, pair)
        else:
            labeling.skip(annotator_id=other, lease_id=pair.lease_id)
    answer = Answer(lease_id=mine.lease_id, outcome=Outcome.LEFT, idempotency_key="late")
    told = labeling.answer(answer, annotator_id=me)
    assert told.submitted is None
    assert "others have it now" in told.refusal
    assert told.pair is not None
    assert told.pair.comparison_id != mine.comparison_id
    check_places(engine)


def test_an_answer_with_a_mark_nobody_asked_for_is_not_taken_and_lends_nothing(
    engine: Engine, clock: Clock
) -> None:
    labeling = queued(engine, clock, n_prompts=2)
    me = sign_in(labeling)
    pair = lent(labeling, me)
    marks = Marks(criteria={"kind": "left"})
    answer = Answer(lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="key", marks=marks)
    with pytest.raises(MalformedInput, match="was not asked"):
        labeling.answer(answer, annotator_id=me)
    assert lent(labeling, me).lease_id == pair.lease_id
    check_places(engine)


def test_no_statement_of_the_loop_reads_a_whole_table(engine: Engine, clock: Clock) -> None:
    """Time for a pair must not grow with the store, so every statement goes by an index."""
    labeling = queued(engine, clock, n_prompts=4, overlap=2)
    order_by_information(engine)
    me = sign_in(labeling)
    ran: dict[str, Any] = {}

    @event.listens_for(engine, "before_cursor_execute")
    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.setdefault(statement, parameters)

    assert labeling.prioritise({1: 1.0}) == 1
    for _ in range(3):
        vote(labeling, me, lent(labeling, me))
    labeling.skip(annotator_id=me, lease_id=lent(labeling, me).lease_id)
    labeling.undo(annotator_id=me)
    event.remove(engine, "before_cursor_execute", remember)

    with engine.connect() as connection:
        for statement, parameters in ran.items():
            if statement.startswith(("SELECT", "UPDATE")):
                one = parameters[0] if isinstance(parameters, list) else parameters
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one).all()
                assert not [step for step in plan if step[3].startswith("SCAN")], statement

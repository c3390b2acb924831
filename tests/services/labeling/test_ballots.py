"""Several answers at once: lent whole, stored as said, with the pairs that follow, and taken back whole."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlmodel import col

from blender_ui.errors import LeaseLost, MalformedInput, Refused
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.labeling.answers import Answer, BallotAnswer, SubmittedBallot
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.labeling.views import PairView, SetView
from db.engine import transaction
from db.models import Ask, Ballot, Comparison, Lease, LeaseStatus, Outcome, Preference, Project
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.services.labeling.test_labeling import check_places


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def asking(
    engine: Engine, clock: Clock, *, ask: Ask = Ask.ORDER, n_prompts: int = 1, n: int = 4, **terms: Any
) -> Labeling:
    """A label loop over prompts with n answers each, whose project asks for all of them at once."""
    overlap = terms.pop("overlap", 1)
    n_shown = terms.pop("n_shown", n)
    labeling = make_labeling(engine, clock, overlap=overlap)
    for prompt_id in add_prompts(engine, n_prompts=n_prompts, n_candidates=n):
        labeling.queue_prompt(prompt_id=prompt_id)
    with transaction(engine, immediate=True) as session:
        project = session.get_one(Project, 1)
        project.ask, project.n_answers = ask, n_shown
        for name, value in terms.items():
            setattr(project, name, value)
    return labeling


def sign_in(labeling: Labeling, number: int = 1) -> int:
    return labeling.sign_in(key=key_of(number)).id


def lent_set(labeling: Labeling, annotator_id: int, *, besides: int | None = None) -> SetView:
    shown = labeling.next_turn(annotator_id=annotator_id, besides=besides)
    assert isinstance(shown, SetView)
    return shown


def give(
    labeling: Labeling, me: int, shown: SetView, places: tuple[int, ...], *, key: str = "ballot"
) -> SubmittedBallot:
    answer = BallotAnswer(lease_id=shown.lease_id, places=places, idempotency_key=key, seconds=12)
    told = labeling.answer(answer, annotator_id=me)
    assert isinstance(told.submitted, SubmittedBallot)
    return told.submitted


def standing(engine: Engine) -> list[tuple[int, int, Outcome]]:
    """Winner, loser and outcome of every preference that stands; a tie by ascending ids."""
    query = (
        select(col(Comparison.left_id), col(Comparison.right_id), col(Preference.outcome))
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .where(col(Preference.retracted_at).is_(None))
    )
    with transaction(engine) as session:
        rows = session.execute(query).all()
    turned = [(r, l, o) if o is Outcome.RIGHT else (l, r, o) for l, r, o in rows]  # noqa: E741
    return sorted((*sorted((a, b)), o) if o is Outcome.TIE else (a, b, Outcome.LEFT) for a, b, o in turned)


def test_all_answers_are_lent_at_once_by_a_lease_on_every_pair(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock, n_prompts=2)
    me = sign_in(labeling)
    shown = lent_set(labeling, me)
    assert shown.ask is Ask.ORDER
    assert len(set(shown.texts)) == len(shown.candidate_ids) == 4
    with transaction(engine) as session:
        leases = session.scalars(select(Lease)).all()
    assert len(leases) == 6
    assert {lease.ballot_id for lease in leases} == {shown.ballot_id}
    # Six of twelve pairs are of this set, and each was as likely to be the first in the order.
    assert {lease.propensity for lease in leases} == {0.5}
    assert shown.propensity == 0.5
    check_places(engine)
    assert labeling.next_turn(annotator_id=me) == shown, "the same in every tab and after a reload"
    ahead = lent_set(labeling, me, besides=shown.lease_id)
    assert not set(ahead.candidate_ids) & set(shown.candidate_ids)


def test_the_order_in_which_answers_are_shown_is_random_and_each_persons_own(
    engine: Engine, clock: Clock
) -> None:
    labeling = asking(engine, clock, overlap=8)
    orders = {lent_set(labeling, sign_in(labeling, number)).candidate_ids for number in range(8)}
    assert len(orders) > 4


def test_a_ballot_is_stored_as_said_with_every_pair_that_follows(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    shown = lent_set(labeling, me)
    a, b, c, d = shown.candidate_ids
    said = give(labeling, me, shown, (2, 1, 3, 3))
    assert said.n_pairs == 6
    assert sorted(said.members) == [f"member-{number}" for number in range(4)]
    with transaction(engine) as session:
        ballot = session.scalars(select(Ballot)).one()
        assert (ballot.shown, ballot.places, ballot.seconds) == ([a, b, c, d], [2, 1, 3, 3], 12)
        assert ballot.given_at == clock.now
        assert {one.ballot_id for one in session.scalars(select(Preference))} == {ballot.id}
    wins = [(b, a), (b, c), (b, d), (a, c), (a, d)]
    expected = [(*pair, Outcome.LEFT) for pair in wins]
    assert standing(engine) == sorted([*expected, (min(c, d), max(c, d), Outcome.TIE)])
    progress = labeling.progress(annotator_id=me)
    assert (progress.n_mine, progress.n_mine_today, progress.n_standing) == (1, 1, 1)
    assert progress.seconds_today == 12


@pytest.mark.parametrize(
    ("ask", "places", "n_pairs"), [(Ask.BEST, (2, 2, 1, 2), 3), (Ask.BEST_WORST, (2, 3, 1, 2), 5)]
)
def test_the_best_and_the_worst_give_only_the_pairs_that_were_said(
    engine: Engine, clock: Clock, ask: Ask, places: tuple[int, ...], n_pairs: int
) -> None:
    labeling = asking(engine, clock, ask=ask)
    me = sign_in(labeling)
    assert give(labeling, me, lent_set(labeling, me), places).n_pairs == n_pairs
    assert len(standing(engine)) == n_pairs
    assert labeling.next_turn(annotator_id=me) is None, "what was asked is not asked again pair by pair"
    check_places(engine)


def test_the_same_ballot_sent_twice_counts_once(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    shown = lent_set(labeling, me)
    first = give(labeling, me, shown, (1, 2, 3, 4))
    assert give(labeling, me, shown, (1, 2, 3, 4)) == first
    assert len(standing(engine)) == 6


def test_undo_takes_the_whole_ballot_back_and_keeps_what_was_said(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    shown = lent_set(labeling, me)
    give(labeling, me, shown, (1, 2, 3, 4))
    clock.pass_by(5)
    again = labeling.undo(annotator_id=me)
    assert isinstance(again, SetView)
    assert (again.candidate_ids, again.lease_id) == (shown.candidate_ids, shown.lease_id)
    assert standing(engine) == []
    check_places(engine)
    give(labeling, me, again, (4, 3, 2, 1), key="second thoughts")
    assert len(standing(engine)) == 6
    with transaction(engine) as session:
        first, second = session.scalars(select(Ballot).order_by(col(Ballot.id))).all()
        assert (first.places, first.retracted_at) == ([1, 2, 3, 4], clock.now)
        assert (second.places, second.retracted_at) == ([4, 3, 2, 1], None)
        kept = session.scalars(select(Preference).where(col(Preference.ballot_id) == first.id)).all()
        assert len(kept) == 6
        assert all(one.retracted_at is not None for one in kept)


def test_a_skipped_set_goes_to_others_and_comes_back_by_undo(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    shown = lent_set(labeling, me)
    assert labeling.next_turn(annotator_id=other) is None
    labeling.skip(annotator_id=me, lease_id=shown.lease_id)
    assert labeling.next_turn(annotator_id=me) is None
    check_places(engine)
    again = labeling.undo(annotator_id=me)
    assert isinstance(again, SetView)
    assert again.candidate_ids == shown.candidate_ids
    labeling.skip(annotator_id=me, lease_id=shown.lease_id)
    assert set(lent_set(labeling, other).candidate_ids) == set(shown.candidate_ids)
    with pytest.raises(LeaseLost):
        labeling.undo(annotator_id=me)
    check_places(engine)


def test_an_expired_set_is_still_ones_own_until_others_take_any_of_it(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    shown = lent_set(labeling, me)
    clock.pass_by(61)
    assert lent_set(labeling, me).lease_id == shown.lease_id
    clock.pass_by(61)
    theirs = lent_set(labeling, other)
    late = BallotAnswer(lease_id=shown.lease_id, places=(1, 2, 3, 4), idempotency_key="late")
    told = labeling.answer(late, annotator_id=me)
    assert told.submitted is None
    assert "others have it" in told.refusal
    assert standing(engine) == []
    check_places(engine)
    give(labeling, other, theirs, (1, 2, 3, 4))
    assert len(standing(engine)) == 6


def test_as_many_people_are_lent_a_set_as_the_overlap_asks_and_nobody_twice(
    engine: Engine, clock: Clock
) -> None:
    labeling = asking(engine, clock, n_prompts=3, overlap=2)
    people = [sign_in(labeling, number) for number in range(3)]
    n_given = 0
    for person in people:
        while isinstance(shown := labeling.next_turn(annotator_id=person), SetView):
            give(labeling, person, shown, (1, 2, 3, 4), key=f"ballot-{shown.lease_id}")
            n_given += 1
    assert n_given == 6
    check_places(engine)
    with transaction(engine) as session:
        assert {one.n_taken for one in session.scalars(select(Comparison))} == {2}


def test_of_more_answers_than_are_shown_the_rest_is_asked_in_smaller_sets(
    engine: Engine, clock: Clock
) -> None:
    labeling = asking(engine, clock, n=6, n_shown=4)
    me = sign_in(labeling)
    sizes, pairs = [], set()
    while shown := labeling.next_turn(annotator_id=me):
        if isinstance(shown, SetView):
            sizes.append(len(shown.texts))
            pairs |= {frozenset(two) for two in combinations(shown.candidate_ids, 2)}
            give(labeling, me, shown, tuple(range(1, sizes[-1] + 1)), key=f"{shown.lease_id}")
        else:
            pairs.add(frozenset((shown.left_id, shown.right_id)))
            answer = Answer(
                lease_id=shown.lease_id, outcome=Outcome.LEFT, idempotency_key=f"{shown.lease_id}"
            )
            labeling.answer(answer, annotator_id=me)
    assert sizes[0] == 4
    assert len(pairs) == len(standing(engine)) == 15
    check_places(engine)


def test_checks_and_the_pairs_of_blend_stay_pairs(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock, n_prompts=2, gold_share=0.5)
    me = sign_in(labeling)
    with transaction(engine, immediate=True) as session:
        gold = session.scalars(select(Comparison).where(col(Comparison.prompt_id) == 1)).first()
        assert gold is not None
        gold.purpose, gold.gold_outcome = "gold", Outcome.LEFT
    shown = [labeling.next_turn(annotator_id=sign_in(labeling, number)) for number in range(12)]
    assert any(isinstance(one, PairView) for one in shown)
    assert isinstance(labeling.next_pair(annotator_id=me, prompt_id=2), PairView | None)


def test_a_set_held_on_the_label_page_is_no_pair_of_blend(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    lent_set(labeling, me)
    assert labeling.next_pair(annotator_id=me, prompt_id=1) is None


def test_nobody_is_lent_answers_whose_names_they_have_seen(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    shown = lent_set(labeling, me)
    give(labeling, me, shown, (1, 2, 3, 4))
    labeling.mark_seen(annotator_id=me, prompt_id=1)
    assert labeling.undo(annotator_id=me) is None
    assert standing(engine) == []
    check_places(engine)
    assert labeling.next_turn(annotator_id=me) is None
    assert lent_set(labeling, sign_in(labeling, 2))


def test_what_was_not_asked_is_refused_and_nothing_is_written(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me, other = sign_in(labeling, 1), sign_in(labeling, 2)
    shown = lent_set(labeling, me)
    with pytest.raises(MalformedInput, match="expected a place for each of 4"):
        give(labeling, me, shown, (1, 2, 3))
    with pytest.raises(MalformedInput, match="expected places"):
        labeling.submit(
            annotator_id=me, lease_id=shown.lease_id, outcome=Outcome.LEFT, idempotency_key="as a pair"
        )
    theirs = BallotAnswer(lease_id=shown.lease_id, places=(1, 2, 3, 4), idempotency_key="not mine")
    assert labeling.answer(theirs, annotator_id=other).refusal
    assert standing(engine) == []
    with transaction(engine) as session:
        assert {lease.status for lease in session.scalars(select(Lease))} == {LeaseStatus.ACTIVE}


def test_one_pair_of_a_ballot_is_not_changed_alone(engine: Engine, clock: Clock) -> None:
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    give(labeling, me, lent_set(labeling, me), (1, 2, 3, 4))
    relabeling = Relabeling(engine, clock=clock)
    with transaction(engine) as session:
        one = session.scalars(select(Preference)).first()
        assert one is not None
    with pytest.raises(Refused, match="undo takes the whole"):
        relabeling.relabel(
            annotator_id=me, preference_id=one.id or 0, outcome=Outcome.TIE, idempotency_key="alone"
        )


@pytest.mark.parametrize("n_statements", [1, 3, 5, 7])
def test_a_process_that_dies_in_the_middle_leaves_all_of_a_ballot_or_none(
    engine: Engine, clock: Clock, n_statements: int
) -> None:
    """The transaction is cut after some of its writes, as ``kill -9`` cuts it: nothing of it is kept."""
    labeling = asking(engine, clock)
    me = sign_in(labeling)
    shown = lent_set(labeling, me)
    n_written = 0

    def die(*args: Any) -> None:
        nonlocal n_written
        n_written += args[2].startswith(("INSERT", "UPDATE"))
        if n_written > n_statements:
            raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", die)
    with pytest.raises(KeyboardInterrupt):
        give(labeling, me, shown, (1, 2, 3, 4))
    event.remove(engine, "before_cursor_execute", die)
    assert standing(engine) == []
    with transaction(engine) as session:
        assert session.scalars(select(Ballot)).one().places is None
    give(labeling, me, shown, (1, 2, 3, 4))
    assert len(standing(engine)) == 6


def test_a_ballot_and_its_undo_tell_the_followers_of_votes_once_each(engine: Engine, clock: Clock) -> None:
    asking(engine, clock)
    calls: list[str] = []
    after_vote: AfterVote = _count(calls)
    labeling = Labeling(engine, clock=clock, seed=7, lease_seconds=60, overlap=1, after_vote=after_vote)
    me = sign_in(labeling)
    give(labeling, me, lent_set(labeling, me), (1, 2, 3, 4))
    labeling.undo(annotator_id=me)
    assert len(calls) == 2


def _count(calls: list[str]) -> AfterVote:
    after_vote = AfterVote()
    call: Callable[[], None] = lambda: calls.append("vote")  # noqa: E731
    after_vote.follow(call)
    return after_vote

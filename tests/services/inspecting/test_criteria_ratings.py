"""Who wins on a criterion, and what a slight win counts: not the same as who wins as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from blender_ui.errors import NotFound
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from db.engine import transaction
from db.models import Outcome, Preference, Project
from tests.builders.stores import make_store
from tests.services.inspecting.test_ratings import add_preferences

SHORT, LONG = "member-0", "member-1"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Ten votes for member-0 as a whole; member-1 is more often correct, where that was answered."""
    engine = make_store(tmp_path)
    add_preferences(engine, [Outcome.LEFT] * 10)
    with transaction(engine, immediate=True) as session:
        session.get_one(Project, 1).questions = {"criteria": ["correct", "style"], "strength": True}
        for number, preference in enumerate(session.exec(select(Preference)).all()):
            preference.strength = 1 / 3
            if number < 6:
                preference.criteria = {"correct": "tie" if number == 0 else "right"}
    yield engine
    engine.dispose()


def ratings_of(engine: Engine) -> MemberRatings:
    return MemberRatings(engine, table=PreferenceTable(engine))


def test_a_rating_by_criterion_counts_its_answers_and_no_others(engine: Engine) -> None:
    ratings = ratings_of(engine)
    assert [one.member for one in ratings.rate().members] == [SHORT, LONG]
    view = ratings.rate(RatingWish(criterion="correct"))
    first, second = view.members
    assert (first.member, first.n_wins, first.n_ties, first.n) == (LONG, 5, 1, 6)
    assert first.low < first.rating < first.high
    assert (second.n_wins, view.n_preferences) == (0, 6)
    assert ratings.rate(RatingWish(criterion="style")).members == ()
    with pytest.raises(NotFound, match="correct, style"):
        ratings.rate(RatingWish(criterion="rhyme"))


def test_all_criteria_stand_side_by_side(engine: Engine) -> None:
    points = ratings_of(engine).by_criterion()
    assert {(one.at, one.member) for one in points} == {("correct", SHORT), ("correct", LONG)}
    assert next(one for one in points if one.member == LONG).low > -1


def test_a_slight_win_counts_less_where_that_is_wished(engine: Engine) -> None:
    ratings = ratings_of(engine)
    plain = ratings.rate().members[0]
    weighed = ratings.rate(RatingWish(weighs_strength=True)).members[0]
    assert weighed.member == plain.member == SHORT
    # .5 + 1/6 of a win each: the odds are 2 to 1, less what the prior takes.
    assert 0.2 < weighed.rating < 0.35 < plain.rating
    assert weighed.n == plain.n == 10


def test_a_vote_that_was_taken_back_no_longer_counts_on_its_criteria(engine: Engine) -> None:
    ratings = ratings_of(engine)
    assert ratings.rate(RatingWish(criterion="correct")).n_preferences == 6
    with transaction(engine, immediate=True) as session:
        preference = session.exec(select(Preference)).first()
        assert preference is not None
        preference.retracted_at = preference.created_at
    assert ratings.rate(RatingWish(criterion="correct")).n_preferences == 5


def test_a_decision_shows_strength_and_criteria(engine: Engine) -> None:
    (vote,) = Inspection(engine).get_prompt(2).votes
    assert vote.criteria == {"correct": "right"}
    assert vote.strength == pytest.approx(1 / 3)
    assert vote.ballot_id is None

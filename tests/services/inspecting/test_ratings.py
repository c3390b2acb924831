from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from blender_ui.services.inspecting.member_ratings import MemberRatings
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.votes.ratings import RatingsView
from db.engine import transaction
from db.models import (
    AnnotatorKind,
    Candidate,
    Comparison,
    Member,
    Outcome,
    Preference,
)
from tests.builders.rows import pair, person, save, vote
from tests.builders.stores import add_prompts, make_store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def add_preferences(
    engine: Engine, outcomes: list[Outcome], *, kind: AnnotatorKind = AnnotatorKind.HUMAN
) -> None:
    """One prompt an outcome: member-0 on the left, member-1 on the right."""
    prompt_ids = add_prompts(engine, n_prompts=len(outcomes)) if not count(engine, Comparison) else []
    with transaction(engine, immediate=True) as session:
        (who,) = save(session, [person(key=f"k{kind}", kind=kind)])
        if prompt_ids:
            ids = session.exec(
                select(Candidate.id).order_by(col(Candidate.prompt_id), col(Candidate.id))
            ).all()
            sides = zip(prompt_ids, ids[::2], ids[1::2], strict=True)
            save(session, [pair(prompt_id, left, right) for prompt_id, left, right in sides])
        pairs = session.exec(select(Comparison)).all()
        save(session, [vote(one.id, who.id, said) for one, said in zip(pairs, outcomes, strict=False)])


def rate_members(engine: Engine) -> RatingsView:
    return MemberRatings(engine, table=PreferenceTable(engine)).rate()


def count(engine: Engine, table: type) -> int:
    with Session(engine) as session:
        return len(session.exec(select(table)).all())


def test_wins_losses_and_ties_are_counted_from_both_sides(engine: Engine) -> None:
    add_preferences(engine, [Outcome.LEFT] * 5 + [Outcome.RIGHT] * 2 + [Outcome.TIE, Outcome.BOTH_BAD])
    view = rate_members(engine)
    best, other = view.members
    assert (best.member, best.n, best.n_wins, best.n_losses, best.n_ties) == ("member-0", 9, 5, 2, 2)
    assert (other.member, other.n, other.n_wins, other.n_losses, other.n_ties) == ("member-1", 9, 2, 5, 2)
    assert view.wins == ((0.0, 6.0), (3.0, 0.0))
    assert view.counts == ((0, 9), (9, 0))
    assert (view.n_preferences, view.last_preference_id) == (9, 9)


@pytest.mark.slow
def test_two_members_differ_by_the_log_odds_of_their_wins(engine: Engine) -> None:
    # 600 to 200 wins is ln 3; the prior of precision 0.1 shrinks it by less than a hundredth.
    add_preferences(engine, [Outcome.LEFT] * 600 + [Outcome.RIGHT] * 200)
    best, other = rate_members(engine).members
    assert best.rating - other.rating == pytest.approx(math.log(3), abs=0.01)
    assert best.rating + other.rating == pytest.approx(0)
    assert best.low < best.rating < best.high
    assert best.low > other.high


def test_judges_and_what_was_taken_back_do_not_count(engine: Engine) -> None:
    add_preferences(engine, [Outcome.LEFT, Outcome.LEFT])
    add_preferences(engine, [Outcome.RIGHT, Outcome.RIGHT], kind=AnnotatorKind.JUDGE)
    with transaction(engine, immediate=True) as session:
        preference = session.get(Preference, 2)
        assert preference is not None
        preference.retracted_at = preference.created_at
    view = rate_members(engine)
    assert view.counts == ((0, 1), (1, 0))
    assert view.last_preference_id == 1


def test_rows_of_one_name_are_one_member(engine: Engine) -> None:
    add_preferences(engine, [Outcome.LEFT])
    with transaction(engine, immediate=True) as session:
        again = Member(name="member-0", backend="import", model="m", fingerprint="other options")
        session.add(again)
    assert rate_members(engine).members[0].member_ids == (1, 3)


def test_nothing_compared_is_no_rating_and_no_error(engine: Engine) -> None:
    view = rate_members(engine)
    assert (view.members, view.wins, view.n_preferences) == ((), (), 0)


def test_an_interval_never_closes_because_all_prompts_agree(engine: Engine) -> None:
    # Every prompt says the same, so resampling prompts changes nothing; three votes stay three votes.
    add_preferences(engine, [Outcome.LEFT] * 3)
    best, other = rate_members(engine).members
    assert best.low < 0 < best.high
    assert other.low < 0 < other.high

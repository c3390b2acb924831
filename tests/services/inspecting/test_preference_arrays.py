"""The arrays follow the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.monitoring.queue_health import measure_queue
from blender_ui.services.quality.checks import Checks
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.versions.readiness import measure_readiness
from blender_ui.votes.styles import count_styles
from blender_ui.votes.views import BEST_RANKED
from db.engine import transaction
from db.models import (
    Candidate,
    Comparison,
    Outcome,
    Preference,
    Prompt,
    Purpose,
    Ranking,
    RankingEntry,
    utc_now,
)
from db.queries.preferences import count_teaching
from tests.builders.preferences import add_labeled_prompts, lengthen_good_answers
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_store(tmp_path)
    yield engine
    engine.dispose()


def test_an_empty_store_gives_empty_arrays(engine: Engine) -> None:
    table = PreferenceTable(engine)
    assert len(table.current()) == 0
    assert table.prompts().kinds == ()
    assert table.styles().shape == (1, 4)
    assert measure_queue(engine, table) == ()
    assert MemberRatings(engine, table=table).over_time() == ()


def test_what_comes_is_added_and_what_was_taken_back_is_left_out(engine: Engine) -> None:
    table = PreferenceTable(engine)
    add_labeled_prompts(engine, n_prompts=3)
    before = table.current()
    assert table.current() is before
    add_labeled_prompts(engine, n_prompts=2, offset=10)
    after = table.current()
    assert after.preference_id.tolist() == [1, 2, 3, 4, 5]
    assert before.preference_id.tolist() == [1, 2, 3]
    with transaction(engine, immediate=True) as session:
        preference = session.get(Preference, 2)
        assert preference is not None
        preference.retracted_at = utc_now()
    assert table.current().preference_id.tolist() == [1, 3, 4, 5]


def test_arrays_say_what_the_rows_say(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=5)
    told = PreferenceTable(engine).current()
    with transaction(engine) as session:
        for place, preference_id in enumerate(told.preference_id.tolist()):
            row = session.get(Preference, preference_id)
            left = session.get(Candidate, int(told.left_id[place]))
            assert row is not None
            assert left is not None
            assert told.target[place] == (1.0 if row.outcome is Outcome.LEFT else 0.0)
            assert told.prompt_id[place] == left.prompt_id
            assert told.member_ids[told.left[place]] == (left.member_id,)


def test_a_lower_id_that_is_committed_late_is_read_too(engine: Engine) -> None:
    # As PostgreSQL may do: ids are drawn before the commit.
    add_labeled_prompts(engine, n_prompts=3)
    with transaction(engine, immediate=True) as session:
        late = session.get(Preference, 2)
        assert late is not None
        kept = late.model_dump()
        session.delete(late)
    table = PreferenceTable(engine)
    assert table.current().preference_id.tolist() == [1, 3]
    with transaction(engine, immediate=True) as session:
        session.add(Preference(**kept))
    assert table.current().preference_id.tolist() == [1, 2, 3]


def test_a_pair_that_is_committed_late_is_read_with_the_vote_on_it(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=3)
    with transaction(engine, immediate=True) as session:
        vote, pair = session.get(Preference, 2), session.get(Comparison, 2)
        assert vote is not None
        assert pair is not None
        kept_vote, kept_pair = vote.model_dump(exclude={"id"}), pair.model_dump()
        session.delete(vote)
        session.flush()
        session.delete(pair)
    table = PreferenceTable(engine)
    assert table.current().preference_id.tolist() == [1, 3]
    with transaction(engine, immediate=True) as session:
        session.add(Comparison(**kept_pair))
        session.flush()
        session.add(Preference(**kept_vote, id=4))
    assert table.current().prompt_id.tolist() == [1, 3, 2]


def test_kinds_come_from_the_import_or_from_the_prompts(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=2)
    table = PreferenceTable(engine)
    with transaction(engine, immediate=True) as session:
        first, second = session.get(Prompt, 1), session.get(Prompt, 2)
        assert first is not None
        assert second is not None
        first.category, second.instruction = "poetry", "Write a python function"
    prompts = table.prompts()
    assert [prompts.kinds[one] for one in prompts.kind[1:]] == ["poetry", "all prompts"]
    ratings = MemberRatings(engine, table=table)
    assert ratings.rate(RatingWish(kind="poetry")).n_preferences == 1
    assert {point.at for point in ratings.by_kind()} == {"poetry", "all prompts"}


def test_style_is_counted_where_the_texts_lie(engine: Engine) -> None:
    add_prompts(engine, n_prompts=1)
    with transaction(engine, immediate=True) as session:
        candidate = session.get(Candidate, 1)
        assert candidate is not None
        candidate.text = "**bold** and **more**\n- one\n* two\n# head"
    styles = PreferenceTable(engine).styles()
    n_characters = len("**bold** and **more**\n- one\n* two\n# head")
    np.testing.assert_allclose(np.exp2(styles[1]) - 1, [n_characters, 2, 1, 2])


def test_style_is_counted_in_all_texts_at_once_as_in_each_alone() -> None:
    # Marks at the seams of texts, characters of one to four bytes, and a NUL, which lies between texts.
    parts = ["", "\n", "*", "**", "***", "- ", "\n- ", "\n* ", "#", "\n#", "é", "語", "😀", "\0", " a"]
    texts = [first + second + third for first in parts for second in parts for third in parts]
    by_hand = [
        (len(one), one.count("\n- ") + one.count("\n* "), one.count("\n#"), one.count("**") // 2)
        for one in texts
    ]
    np.testing.assert_array_equal(count_styles(texts), by_hand)


def test_characters_are_known_without_counting_style(engine: Engine) -> None:
    add_prompts(engine, n_prompts=1)
    with transaction(engine, immediate=True) as session:
        candidate = session.get(Candidate, 2)
        assert candidate is not None
        candidate.text = "naïve 語"
    table = PreferenceTable(engine)
    table.current()
    assert table.characters()[2] == 7


def test_ratings_over_time_end_with_the_ratings_of_now(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=30)
    ratings = MemberRatings(engine, table=PreferenceTable(engine))
    points = ratings.over_time()
    last = {point.member: point.rating for point in points if point.at == "30"}
    assert last == pytest.approx({one.member: one.rating for one in ratings.rate().members})
    assert sum(point.n for point in points if point.at == "30") == 60
    assert ratings.dates(points)["30"] == "2026-01-02 00:00"


def test_the_best_ranked_answer_may_count_as_a_member(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=4)
    with transaction(engine, immediate=True) as session:
        session.add(Ranking(prompt_id=1, ranker_version_id=_version(engine, session), policy="max_logits"))
        session.flush()
        session.add(RankingEntry(ranking_id=1, candidate_id=1, score=1.0, rank=1))
        session.add(RankingEntry(ranking_id=1, candidate_id=2, score=0.0, rank=2))
    view = MemberRatings(engine, table=PreferenceTable(engine)).rate(RatingWish(adds_best_ranked=True))
    best = next(one for one in view.members if one.member == BEST_RANKED)
    assert best.n == 1
    assert sum(one.n for one in view.members) == 8


def _version(engine: Engine, session: object) -> int:
    from db.models import ModelKind, ModelRole, ModelVersion

    row = ModelVersion(
        role=ModelRole.RANKER,
        kind=ModelKind.FAST, base_model="b", base_fingerprint="b", fingerprint="f", path="p",
        cut_off_preference_id=0, n_train=0, n_held_out=0, code_version="t",
    )  # fmt: skip
    session.add(row)  # type: ignore[attr-defined]
    session.flush()  # type: ignore[attr-defined]
    return row.id or 0


def test_the_queue_is_counted_by_what_became_of_its_leases(engine: Engine) -> None:
    prompt_ids = add_prompts(engine, n_prompts=2, n_candidates=3)
    clock = Clock()
    labeling = make_labeling(engine, clock)
    for prompt_id in prompt_ids:
        labeling.queue_prompt(prompt_id=prompt_id)
    annotator = labeling.sign_in(key=key_of(1))
    pair = labeling.next_pair(annotator_id=annotator.id)
    assert pair is not None
    labeling.submit(
        annotator_id=annotator.id, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="k"
    )
    assert labeling.next_pair(annotator_id=annotator.id) is not None
    table = PreferenceTable(engine)
    (health,) = measure_queue(engine, table, clock=clock)
    assert (health.source, health.n_comparisons, health.n_open, health.n_leased) == ("", 6, 4, 1)
    assert (health.n_overdue, health.n_answered, health.n_preferences) == (0, 1, 1)
    clock.pass_by(61)
    (health,) = measure_queue(engine, table, clock=clock)
    assert health.n_overdue == 1


def test_style_is_told_apart_from_members(engine: Engine) -> None:
    add_labeled_prompts(engine, n_prompts=60)
    lengthen_good_answers(engine)
    view = MemberRatings(engine, table=PreferenceTable(engine)).rate(RatingWish(holds_style=True))
    effects = {one.name: one for one in view.effects}
    assert effects["length"].effect > 0
    assert effects["bold"].effect == 0


@pytest.mark.parametrize("purpose", [Purpose.GOLD, Purpose.ATTENTION])
def test_checks_of_people_neither_rate_members_nor_teach_rankers(engine: Engine, purpose: Purpose) -> None:
    add_labeled_prompts(engine, n_prompts=4)
    table = PreferenceTable(engine)
    assert table.current().preference_id.tolist() == [1, 2, 3, 4]
    Checks(engine, clock=Clock()).set_check(2, purpose=purpose, outcome=Outcome.LEFT, by=1)
    assert table.current().preference_id.tolist() == [1, 3, 4]
    assert MemberRatings(engine, table=table).rate().n_preferences == 3
    stored = load_dataset(engine)
    assert stored.preference_ids.tolist() == [1, 3, 4]
    assert 3 not in stored.candidate_ids
    with transaction(engine) as session:
        assert (count_teaching(session), count_teaching(session, after_id=1)) == (3, 2)
        assert measure_readiness(session).n_preferences == 3
    Checks(engine, clock=Clock()).set_check(2, purpose=Purpose.LABEL, outcome=None, by=1)
    assert table.current().preference_id.tolist() == [1, 2, 3, 4]
    assert load_dataset(engine).preference_ids.tolist() == [1, 2, 3, 4]

"""What rankers learn from is what people say now, up to a cut-off."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from blender_ui.ranking.evaluation import prompt_clusters
from blender_ui.services.candidates import prompt_columns
from blender_ui.services.ranking.datasets import gather_stored, last_preference_id, load_dataset
from blender_ui.values import Message, RankingPrompt, is_held_out
from db.engine import transaction
from db.models import AnnotatorKind, Candidate, Outcome, Preference, Prompt, utc_now
from db.queries import columns, compared
from db.queries.preferences import count_teaching
from tests.builders.rows import answer, member, pair, person, save, vote
from tests.builders.stores import add_prompts, make_store


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Three prompts with two candidates; a person and a judge; five preferences, one retracted."""
    engine = make_store(tmp_path)
    add_prompts(engine, n_prompts=3)
    with transaction(engine, immediate=True) as session:
        save(session, [person("Ada"), person("judge", kind=AnnotatorKind.JUDGE)])
        save(session, [pair(1, 1, 2), pair(1, 2, 1), pair(3, 6, 5)])
        save(
            session,
            [
                vote(1, 1, Outcome.LEFT, strength=0.5),
                vote(1, 2, Outcome.RIGHT),
                vote(2, 1, Outcome.TIE),
                vote(3, 1, Outcome.BOTH_BAD),
            ],
        )
    return engine


def test_people_s_standing_preferences_become_arrays(engine: Engine) -> None:
    stored = load_dataset(engine)
    dataset = stored.dataset
    # Prompt 2 was never compared, so its candidates 3 and 4 are not there.
    assert stored.candidate_ids.tolist() == [1, 2, 5, 6]
    assert stored.preference_ids.tolist() == [1, 3, 4]
    assert [prompt.instruction for prompt in dataset.prompts] == ["Question 0?", "Question 2?"]
    assert dataset.prompt_of.tolist() == [0, 0, 1, 1]
    assert stored.candidate_ids[dataset.left].tolist() == [1, 2, 6]
    assert stored.candidate_ids[dataset.right].tolist() == [2, 1, 5]
    assert dataset.target.tolist() == [1.0, 0.5, 0.5]
    assert dataset.both_bad.tolist() == [False, False, True]
    np.testing.assert_equal(dataset.strength, [0.5, np.nan, np.nan])
    assert dataset.members == ("member-0", "member-1", "member-0", "member-1")
    assert dataset.annotators == ("1:Ada", "1:Ada", "1:Ada")


def test_turns_of_one_conversation_stand_on_one_side_of_every_split(engine: Engine) -> None:
    first = RankingPrompt(instruction="Question 0?")
    later = RankingPrompt(
        instruction="And then?", history=(Message("user", "Question 0?"), Message("assistant", "So."))
    )
    with transaction(engine) as session:
        prompt = session.get_one(Prompt, 3)
        for name, value in prompt_columns(later).items():
            setattr(prompt, name, value)
        session.get_one(Preference, 4).outcome = Outcome.LEFT
    dataset = load_dataset(engine).dataset
    assert dataset.prompts == (first, later)
    assert prompt_clusters(dataset).tolist() == [0, 0]
    assert set(dataset.held_out(share=0.5).tolist()) == {is_held_out(first.fingerprint, share=0.5)}
    with transaction(engine) as session:
        counted = compared.count_preferences(session, scope=compared.Scope())
        assert counted.decided == {first.fingerprint: 2}
        assert columns.list_prompt_facts(session).first_turns[::2] == [first.fingerprint] * 2


def test_judges_are_read_only_when_asked_for(engine: Engine) -> None:
    assert load_dataset(engine, humans_only=False).preference_ids.tolist() == [1, 2, 3, 4]
    with transaction(engine) as session:
        assert count_teaching(session) == 3
        assert count_teaching(session, after_id=1) == 2
    assert last_preference_id(engine) == 4


def test_a_cut_off_gives_what_there_was_then(engine: Engine) -> None:
    stored = load_dataset(engine, cut_off_preference_id=2)
    assert stored.preference_ids.tolist() == [1]
    assert stored.candidate_ids.tolist() == [1, 2]


def test_a_retracted_preference_teaches_nothing(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        row = session.get(Preference, 4)
        assert row is not None
        row.retracted_at = utc_now()
    stored = load_dataset(engine)
    assert stored.preference_ids.tolist() == [1, 3]
    assert stored.candidate_ids.tolist() == [1, 2]
    with transaction(engine) as session:
        assert count_teaching(session) == 2


def test_an_empty_store_gives_an_empty_dataset(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    engine = make_store(tmp_path / "empty")
    stored = load_dataset(engine)
    assert len(stored.dataset) == len(stored.candidate_ids) == len(stored.preference_ids) == 0
    assert last_preference_id(engine) == 0


def test_evidence_counts_every_member_s_answer_and_only_fused_ones_that_were_voted_on(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        for id_, text in ((1, "Tokyo"), (2, "Kyoto")):
            session.get_one(Candidate, id_).text = text
        members = [
            member("unvoted"),
            member("Fused by m", backend="fusion"),
        ]
        save(session, members)
        save(session, [answer(1, one.id, "tokyo!") for one in members])
    evidence = gather_stored(engine, load_dataset(engine))
    assert evidence.supporters[:2] == (("member-0", "unvoted"), ("member-1",))

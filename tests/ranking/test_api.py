"""One meaning a call: on a ranker whose logits are written down, and against llm-blender's defects."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from blender_ui.errors import RankerError
from blender_ui.ranking import api
from blender_ui.values import FloatArray, RankingPrompt

PROMPT = RankingPrompt(instruction="Which?")


class LengthRanker:
    """Prefers the longer text by a tenth of a nat a character, and whatever stands first by .3."""

    fingerprint = "length"

    def __init__(self) -> None:
        self.asked: list[tuple[RankingPrompt, tuple[str, ...]]] = []
        self.members: list[tuple[str, ...] | None] = []

    def pairwise_logits(
        self, prompt: RankingPrompt, candidates: Sequence[str], *, members: Sequence[str] | None = None
    ) -> FloatArray:
        self.asked.append((prompt, tuple(candidates)))
        self.members.append(None if members is None else tuple(members))
        lengths = np.array([len(text) for text in candidates], dtype=float)
        logits = 0.1 * (lengths[:, None] - lengths[None, :]) + 0.3
        np.fill_diagonal(logits, 0.0)
        return np.asarray(logits)


def test_a_ranking_has_scores_ranks_and_the_readings_by_name() -> None:
    ranking = api.rank(LengthRanker(), PROMPT, ["aa", "aaaa", "aa"])
    np.testing.assert_allclose(ranking.scores, [-0.2, 0.4, -0.2], atol=1e-12)
    assert ranking.ranks.tolist() == [2, 1, 2]
    assert ranking.logits.shape == (3, 3)


def test_prompts_may_have_different_numbers_of_candidates_and_one_has_rank_one() -> None:
    assert api.rank(LengthRanker(), PROMPT, [""]).ranks.tolist() == [1]
    assert api.rank(LengthRanker(), PROMPT, ["a", ""]).ranks.tolist() == [1, 2]


def test_a_margin_is_the_mean_of_both_orders_and_swaps_its_sign() -> None:
    margin = api.compare(LengthRanker(), PROMPT, "aaaa", "a")
    assert margin.logit == pytest.approx(0.3)
    assert (margin.left_first, margin.right_first) == pytest.approx((0.6, 0.0))
    assert api.compare(LengthRanker(), PROMPT, "a", "aaaa").logit == -margin.logit


def test_conversations_become_the_references_prompt_and_answers() -> None:
    ranker = LengthRanker()
    left = [
        {"role": "USER", "content": "hello"},
        {"role": "ASSISTANT", "content": "hi"},
        {"role": "user", "content": "more"},
        {"role": "assistant", "content": "no"},
    ]
    right = [turn | ({"content": "longer"} if turn["content"] == "no" else {}) for turn in left]
    assert api.compare_conversations(ranker, left, right).logit < 0
    prompt, candidates = ranker.asked[0]
    assert prompt.input == "USER: hello\nAssistant: <Response 1>\nUSER: more\nAssistant: <Response 2>"
    assert candidates == ("<Response 1>: hi\n<Response 2>: no", "<Response 1>: hi\n<Response 2>: longer")


@pytest.mark.parametrize(
    ("roles", "reason"), [(["ASSISTANT", "USER"], "USER first"), (["USER"], "by turns"), ([], "by turns")]
)
def test_turns_that_do_not_alternate_are_refused(roles: list[str], reason: str) -> None:
    turns = [{"role": role, "content": "x"} for role in roles]
    with pytest.raises(RankerError, match=reason):
        api.compare_conversations(LengthRanker(), turns, turns)


def test_conversations_about_something_else_are_not_compared() -> None:
    one, other = ([{"role": "USER", "content": text}, {"role": "ASSISTANT", "content": "x"}] for text in "ab")
    with pytest.raises(RankerError, match="same user turns"):
        api.compare_conversations(LengthRanker(), one, other)


@pytest.mark.parametrize(
    ("rule", "expected"), [("longest", 1), ("shortest", 3), ("median_length", 2), ("first", 0), ("last", 3)]
)
def test_the_reference_rule_is_obeyed(rule: str, expected: int) -> None:
    """llm-blender ignores ``mode=``; of lengths 2, 9, 5, 1 the upper median is 5."""
    candidates = ["a" * 2, "a" * 9, "a" * 5, "a"]
    ranking = api.rank_with_reference(LengthRanker(), PROMPT, candidates, rule=rule)  # type: ignore[arg-type]
    assert ranking.scores[expected] == 0
    difference = [len(text) - len(candidates[expected]) for text in candidates]
    np.testing.assert_allclose(ranking.scores, 0.1 * np.array(difference), atol=1e-12)


def test_a_reference_costs_two_readings_for_each_other_candidate() -> None:
    ranker = LengthRanker()
    api.rank_with_reference(ranker, PROMPT, ["a", "bb", "ccc"])
    assert len(ranker.asked) == 2
    api.rank_with_reference(ranker, PROMPT, ["a", "bb", "ccc"], reference="given")
    assert [candidates[1] for _, candidates in ranker.asked[2:]] == ["given"] * 3


def test_an_unknown_rule_or_way_is_an_error_and_not_the_default() -> None:
    with pytest.raises(RankerError, match="median_length"):
        api.rank_with_reference(LengthRanker(), PROMPT, ["a"], rule="medium")  # type: ignore[arg-type]
    with pytest.raises(RankerError, match="tournament"):
        api.best_of_n(LengthRanker(), PROMPT, ["a"], n_readings="bubble")  # type: ignore[arg-type]


@pytest.mark.parametrize("n_readings", ["full", "tournament"])
def test_the_best_is_the_same_every_time_and_the_first_of_equals(n_readings: str) -> None:
    """llm-blender's bubble draws an unseeded order, so its winner changes from call to call."""
    candidates = ["a" * length for length in (3, 8, 1, 8, 5, 2, 7, 4)]
    winners = {
        api.best_of_n(LengthRanker(), PROMPT, candidates, n_readings=n_readings)  # type: ignore[arg-type]
        for _ in range(3)
    }
    assert winners == {1}


def test_a_tournament_reads_pairs_one_by_one_where_the_ranker_knows_no_batches() -> None:
    ranker = LengthRanker()
    tournament = api.play_tournament(
        ranker, PROMPT, ["a" * length for length in range(1, 9)], members=list("abcdefgh")
    )
    assert tournament.winner == 7
    assert len(ranker.asked) == tournament.n_readings < 8 * 7
    assert ranker.members[0] == ("a", "b")


def test_the_top_k_stand_in_rank_order_and_equals_in_the_candidates_order() -> None:
    candidates = ["aa", "aaa", "aa", "aaaa", "aa"]
    assert api.top_k(LengthRanker(), PROMPT, candidates, k=4) == (3, 1, 0, 2)
    assert api.top_k(LengthRanker(), PROMPT, candidates, k=99) == (3, 1, 0, 2, 4)
    with pytest.raises(RankerError, match="at least 1"):
        api.top_k(LengthRanker(), PROMPT, candidates, k=0)


def test_what_is_given_is_not_changed() -> None:
    candidates = ["a", "bb", "ccc"]
    for call in (api.rank, api.best_of_n, api.rank_with_reference):
        call(LengthRanker(), PROMPT, candidates)
    assert candidates == ["a", "bb", "ccc"]


def test_no_candidate_a_bare_text_or_missing_members_are_refused() -> None:
    unusable: list[Sequence[str]] = [[], "text"]
    for candidates in unusable:
        with pytest.raises(RankerError, match="at least one candidate"):
            api.rank(LengthRanker(), PROMPT, candidates)
    with pytest.raises(RankerError, match="2 members"):
        api.rank(LengthRanker(), PROMPT, ["a", "b"], members=["x"])


def test_members_reach_the_ranker() -> None:
    ranker = LengthRanker()
    api.rank(ranker, PROMPT, ["a", "b"], members=["x", "y"])
    api.rank_with_reference(ranker, PROMPT, ["a", "bb"], members=["x", "y"])
    assert ranker.members == [("x", "y"), ("x", "y")]


def test_the_calls_import_no_model_library() -> None:
    code = "import sys, blender_ui.ranking.api; sys.exit(bool({'torch', 'transformers'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0

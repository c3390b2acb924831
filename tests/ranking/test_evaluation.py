import numpy as np
import pytest

from blender_ui.ranking.evaluation import assign_folds, decided_majorities, evaluate, human_ceiling
from blender_ui.values import PreferenceDataset, RankingPrompt
from tests.ranking.preferences import make_preferences


def make_votes(
    votes: list[tuple[int, int, float]], *, texts: tuple[str, ...] = ("a", "bb")
) -> PreferenceDataset:
    """Votes (left, right, target) on candidates of one prompt."""
    left, right, target = (np.array(column) for column in zip(*votes, strict=True))
    return PreferenceDataset(
        prompts=(RankingPrompt(instruction="Question?"),),
        texts=texts,
        members=tuple(f"m{number}" for number in range(len(texts))),
        prompt_of=np.zeros(len(texts), dtype=int),
        left=left,
        right=right,
        target=target,
        both_bad=np.zeros(len(votes), dtype=bool),
        strength=np.full(len(votes), np.nan),
        annotators=tuple(f"p{number}" for number in range(len(votes))),
    )


def test_votes_of_both_display_orders_make_one_majority():
    pairs = decided_majorities(make_votes([(0, 1, 1.0), (1, 0, 0.0), (1, 0, 1.0)]))
    assert (pairs.winner.tolist(), pairs.loser.tolist()) == ([0], [1])


def test_a_pair_without_a_majority_does_not_count():
    assert len(decided_majorities(make_votes([(0, 1, 1.0), (0, 1, 0.0)])).winner) == 0
    assert len(decided_majorities(make_votes([(0, 1, 0.5)])).winner) == 0


def test_the_ceiling_of_two_against_one_is_a_hand_count():
    # The two who agree face one of each, no majority; the third faces two against it: 0 of 1.
    assert human_ceiling(make_votes([(0, 1, 1.0), (0, 1, 1.0), (0, 1, 0.0)])) == 0
    assert human_ceiling(make_votes([(0, 1, 1.0), (0, 1, 1.0), (0, 1, 1.0)])) == 1


def test_one_label_a_pair_has_no_ceiling():
    assert human_ceiling(make_votes([(0, 1, 1.0)])) is None


def test_longer_wins_and_equal_lengths_count_one_half():
    measured = evaluate(make_votes([(0, 1, 0.0), (1, 2, 1.0)], texts=("a", "bb", "cc")), np.ones(2))
    assert measured.longer == 0.75
    assert measured.accuracy == 1


def test_a_perfect_ranker_scores_one_and_a_blind_one_a_half():
    dataset, _ = make_preferences(n_prompts=30)
    n = len(decided_majorities(dataset).winner)
    assert evaluate(dataset, np.ones(n)).accuracy == 1
    blind = evaluate(dataset, np.zeros(n))
    assert (blind.accuracy, blind.low, blind.high) == (0.5, 0.5, 0.5)


def test_the_rating_finds_the_better_member_from_other_prompts():
    dataset, _ = make_preferences(n_prompts=60, by_text=0, by_member=2)
    measured = evaluate(dataset, np.zeros(len(decided_majorities(dataset).winner)))
    assert measured.rating > 0.85
    assert measured.n_prompts == 60


def test_a_member_of_one_prompt_alone_is_rated_by_nobody_else():
    measured = evaluate(make_votes([(0, 1, 1.0)] * 3), np.ones(1))
    assert measured.rating == 0.5
    assert measured.style == 0.5


def test_equal_prompts_of_two_records_share_a_fold():
    dataset, _ = make_preferences(n_prompts=20)
    prompts = tuple(RankingPrompt(instruction=f"Question {number % 10}  ?") for number in range(20))
    doubled = PreferenceDataset(**{**vars(dataset), "prompts": prompts})
    folds = assign_folds(doubled, seed=3)
    np.testing.assert_array_equal(folds[:10], folds[10:])
    assert set(folds) == set(range(5))


def test_the_same_seed_gives_the_same_figures():
    dataset, _ = make_preferences(n_prompts=30)
    logits = np.random.default_rng(0).normal(size=len(decided_majorities(dataset).winner))
    assert evaluate(dataset, logits, seed=4) == evaluate(dataset, logits, seed=4)
    assert evaluate(dataset, logits, seed=4).ece == pytest.approx(evaluate(dataset, logits, seed=5).ece)

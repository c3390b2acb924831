"""A ballot counts once in every interval: an order of four is not six independent votes."""

import numpy as np
import pytest

from benchmarks.ballots import compare, draw_ballots, make_preferences, without_ballots
from blender_ui.statistics.agreement import cohen_kappa, krippendorff_alpha
from blender_ui.statistics.shares import measure_share
from blender_ui.votes.arrays import Predictions, PromptArrays
from blender_ui.votes.ratings import rate_members, rate_over_time
from blender_ui.votes.reports import contrast_versions


def test_intervals_of_orders_hold_the_truth_as_often_as_they_say() -> None:
    found = compare(n_ballots=80, n_draws=60)
    by_ballot, naive, independent = found.values()
    # 360 intervals: a share of 95 % has a standard error of 1.1 %, more as those of one draw go together.
    assert 0.925 < by_ballot.share < 0.985
    assert naive.share < 0.92
    assert by_ballot.half_width > 1.1 * naive.half_width > 1.1 * independent.half_width


def test_ratings_over_time_count_a_ballot_once_too() -> None:
    told = draw_ballots(np.random.default_rng(0), n_ballots=60, n_answers=4)
    wide, narrow = (rate_over_time(one, n_points=1)[0] for one in (told, without_ballots(told)))
    assert wide.rating == narrow.rating
    assert wide.high - wide.low > 1.05 * (narrow.high - narrow.low)


def test_votes_without_a_ballot_have_the_intervals_they_had() -> None:
    rng = np.random.default_rng(1)
    winner = rng.integers(6, size=200)
    told = make_preferences(rng, winner=winner, loser=(winner + 1) % 6, ballot=np.zeros(200, dtype=np.int64))
    assert len(set(told.statement.tolist())) == 200
    prompts = PromptArrays(
        np.arange(3), np.zeros(3, dtype=bool), np.zeros(3, dtype=np.int64), ("any",),
        np.zeros(3, dtype=np.int64), ("",),
    )  # fmt: skip
    assert rate_members(told, prompts) == rate_members(without_ballots(told), prompts)


def test_a_share_of_six_pairs_that_agree_is_as_unsure_as_one_vote() -> None:
    pairs = np.tile([1.0, 0.0], 30)
    votes = measure_share(pairs, np.arange(60))
    ballots = measure_share(np.repeat(pairs, 6), np.repeat(np.arange(60), 6))
    naive = measure_share(np.repeat(pairs, 6), np.arange(360))
    assert ballots.share[0] == votes.share[0]
    assert ballots.high[0] - ballots.low[0] == pytest.approx(votes.high[0] - votes.low[0], rel=0.02)
    assert naive.high[0] - naive.low[0] < 0.5 * (votes.high[0] - votes.low[0])
    both = measure_share(np.repeat(pairs, 6), np.arange(360), np.repeat(np.arange(60), 6))
    assert both.low[0] == ballots.low[0], "the widest counts"


def test_agreement_on_items_of_the_same_ballots_is_resampled_together() -> None:
    rng = np.random.default_rng(2)
    ballots = np.array([[2, 0], [0, 2], [1, 1]])[rng.choice(3, 50, p=[0.4, 0.4, 0.2])]
    alone = krippendorff_alpha(ballots)
    six = krippendorff_alpha(np.repeat(ballots, 6, axis=0), clusters=np.repeat(np.arange(50), 6))
    naive = krippendorff_alpha(np.repeat(ballots, 6, axis=0))
    width = alone.high - alone.low
    assert six.value == pytest.approx(naive.value)
    assert six.high - six.low == pytest.approx(width, rel=0.15)
    assert naive.high - naive.low < 0.6 * width


def test_clusters_of_one_item_each_change_nothing() -> None:
    counts = np.array([[2, 0], [0, 2], [1, 1], [2, 0], [3, 0], [1, 0]] * 5)
    assert krippendorff_alpha(counts, clusters=np.arange(30)) == krippendorff_alpha(counts)


def test_kappa_of_two_annotators_counts_as_many_items_as_are_independent() -> None:
    table = [[20, 5], [10, 15]]  # Cohen's kappa .4
    alone, shared = cohen_kappa(table), cohen_kappa(np.multiply(table, 6), n_independent=50)
    assert shared == pytest.approx(alone)


def test_a_prompt_with_ballots_is_one_decision_in_mcnemars_test() -> None:
    ballots = np.repeat(np.arange(1, 9), 6)  # eight people, each in six pairs, on one prompt
    rng = np.random.default_rng(3)
    n = len(ballots)
    told = make_preferences(
        rng, winner=np.zeros(n, dtype=np.int64), loser=np.ones(n, dtype=np.int64), ballot=ballots
    )
    comparisons = told.comparison_id
    right, wrong = np.full(n, 1.0), np.full(n, -1.0)
    first = Predictions(comparisons, wrong, wrong)
    second = Predictions(comparisons, right, right)
    prompts = PromptArrays(
        np.arange(3), np.ones(3, dtype=bool), np.zeros(3, dtype=np.int64), ("any",),
        np.zeros(3, dtype=np.int64), ("",),
    )  # fmt: skip
    test = contrast_versions(1, 2, told, prompts, first=first, second=second).test
    assert (test.n_first_only, test.n_second_only) == (0, 3), "three prompts, not 48 comparisons"
    alone = contrast_versions(1, 2, without_ballots(told), prompts, first=first, second=second).test
    assert alone.n_second_only == n

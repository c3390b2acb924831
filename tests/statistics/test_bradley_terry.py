import numpy as np
import pytest

from blender_ui.statistics.bradley_terry import fit_bradley_terry


def test_two_players_get_the_log_odds_of_their_wins():
    # 30 wins against 10: the strengths differ by ln 3 when the prior is weak.
    target = np.r_[np.ones(30), np.zeros(10)]
    fit = fit_bradley_terry(np.zeros(40), np.ones(40), target, n_players=2, precision=1e-9)
    assert fit.strengths[0] - fit.strengths[1] == pytest.approx(np.log(3), abs=1e-6)


def test_baseball_of_1987_has_agrestis_published_strengths():
    # American League East 1987: Agresti, Categorical Data Analysis, 2nd ed., table 10.10 and p. 438:
    # Milwaukee 1.58, Detroit 1.44, Toronto 1.29, New York 1.25, Boston 1.11, Cleveland .68, Baltimore 0.
    wins = np.array(
        [
            [0, 7, 9, 7, 7, 9, 11],
            [6, 0, 7, 5, 11, 9, 9],
            [4, 6, 0, 7, 7, 8, 12],
            [6, 8, 6, 0, 6, 7, 10],
            [6, 2, 6, 7, 0, 7, 12],
            [4, 4, 5, 6, 6, 0, 6],
            [2, 4, 1, 3, 1, 7, 0],
        ]
    )
    left, right = np.nonzero(wins)
    times = wins[left, right]
    fit = fit_bradley_terry(
        left.repeat(times), right.repeat(times), np.ones(times.sum()), n_players=7, precision=1e-9
    )
    np.testing.assert_allclose(
        fit.strengths - fit.strengths[6], [1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0], atol=0.006
    )


def test_undefeated_and_unseen_players_have_finite_strengths():
    fit = fit_bradley_terry([0, 0], [1, 1], [1, 1], n_players=3)
    assert fit.strengths[0] > fit.strengths[2] > fit.strengths[1]
    assert np.isfinite(fit.interval()).all()


def test_ties_leave_players_equal():
    fit = fit_bradley_terry([0, 1], [1, 0], [0.5, 0.5], n_players=2)
    np.testing.assert_allclose(fit.strengths, 0)


def test_repeating_each_preference_within_its_cluster_adds_no_certainty():
    rng = np.random.default_rng(0)
    left, right = np.zeros(60, int), np.ones(60, int)
    target = rng.integers(0, 2, 60)
    prompts = np.arange(60)
    once = fit_bradley_terry(left, right, target, n_players=2, clusters=prompts, precision=1e-6)
    thrice = fit_bradley_terry(
        left.repeat(3),
        right.repeat(3),
        target.repeat(3),
        n_players=2,
        clusters=prompts.repeat(3),
        precision=1e-6,
    )
    np.testing.assert_allclose(once.covariance, thrice.covariance, rtol=1e-3)

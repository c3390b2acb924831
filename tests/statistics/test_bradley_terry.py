import numpy as np
import pytest
from scipy.special import expit

from blender_ui.statistics import bradley_terry
from blender_ui.statistics.bradley_terry import (
    count_wins,
    fit_bradley_terry,
    fit_styled_bradley_terry,
    fit_wins,
)


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


def make_styled(n: int = 20_000) -> tuple[np.ndarray, ...]:
    """Players 0 and 1 write longer than 2; length is worth .8, and the strengths are 1, 0 and -1."""
    rng = np.random.default_rng(3)
    left = rng.integers(0, 3, n)
    right = (left + rng.integers(1, 3, n)) % 3
    length = np.array([1.0, 1.0, 0.0])[left] - np.array([1.0, 1.0, 0.0])[right] + rng.normal(size=n)
    chance = expit(np.array([1.0, 0.0, -1.0])[left] - np.array([1.0, 0.0, -1.0])[right] + 0.8 * length)
    return left, right, (rng.random(n) < chance).astype(float), length[:, None], rng.integers(0, 400, n)


def test_style_is_told_apart_from_strength():
    left, right, target, length, clusters = make_styled()
    plain = fit_bradley_terry(left, right, target, n_players=3)
    styled = fit_styled_bradley_terry(left, right, target, length, n_players=3, clusters=clusters)
    assert styled.effects[0] == pytest.approx(0.8, abs=0.05)
    assert abs(styled.effects[0] - 0.8) < 1.5 * styled.effect_margins[0]
    np.testing.assert_allclose(styled.rating.strengths, [1, 0, -1], atol=0.06)
    # Without the control, the one that writes short answers looks weaker than it is.
    assert plain.strengths[2] < styled.rating.strengths[2] - 0.1


def test_a_search_that_begins_at_its_end_finds_the_same():
    left, right, target, length, clusters = make_styled(2_000)
    plain = fit_styled_bradley_terry(left, right, target, length, n_players=3)
    whole = fit_styled_bradley_terry(left, right, target, length, n_players=3, clusters=clusters)
    short = fit_styled_bradley_terry(left, right, target, length, n_players=3, clusters=clusters, start=plain)
    np.testing.assert_allclose(short.rating.strengths, whole.rating.strengths, atol=1e-9)
    np.testing.assert_allclose(short.rating.covariance, whole.rating.covariance, rtol=1e-6)
    np.testing.assert_allclose(short.effect_margins, whole.effect_margins, rtol=1e-6)


def test_a_covariate_that_never_differs_changes_nothing():
    left, right, target, _, _ = make_styled(500)
    plain = fit_bradley_terry(left, right, target, n_players=3)
    styled = fit_styled_bradley_terry(left, right, target, np.zeros((500, 1)), n_players=3)
    np.testing.assert_allclose(styled.rating.strengths, plain.strengths, atol=1e-8)
    np.testing.assert_allclose(styled.rating.covariance, plain.covariance, atol=1e-8)
    assert styled.effects[0] == 0


def test_wins_are_summed_up_from_both_sides():
    wins = count_wins([0, 1, 0, 2], [1, 0, 1, 0], [1, 1, 0.5, 0.25], n_players=3)
    np.testing.assert_allclose(wins, [[0, 1.5, 0.75], [1.5, 0, 0], [0.25, 0, 0]])


def test_clusters_in_blocks_give_what_one_block_gives(monkeypatch):
    left, right, target, length, clusters = make_styled(2_000)
    whole = fit_styled_bradley_terry(left, right, target, length, n_players=3, clusters=clusters)
    monkeypatch.setattr(bradley_terry, "_CELLS", 64)
    blocks = fit_styled_bradley_terry(left, right, target, length, n_players=3, clusters=clusters)
    np.testing.assert_allclose(blocks.rating.covariance, whole.rating.covariance, rtol=1e-9)
    np.testing.assert_allclose(blocks.effect_margins, whole.effect_margins, rtol=1e-9)
    by_name = fit_styled_bradley_terry(
        left, right, target, length, n_players=3, clusters=[f"p{one}" for one in clusters]
    )
    np.testing.assert_allclose(by_name.rating.covariance, whole.rating.covariance, rtol=1e-9)


def test_a_million_to_nothing_is_finite():
    fit = fit_wins([[0, 1_000_000, 0], [0, 0, 3], [0, 0, 0]], precision=1e-3)
    assert np.isfinite(fit.strengths).all()
    assert fit.strengths[0] > fit.strengths[1] > fit.strengths[2]
    assert fit.strengths.sum() == pytest.approx(0, abs=1e-9)

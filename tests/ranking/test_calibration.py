import numpy as np
import pytest
from scipy.special import expit

from blender_ui.ranking.calibration import cross_entropy, fit_temperature, moderate


def test_logits_thrice_too_large_get_a_temperature_of_three():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=20_000)
    outcomes = (rng.random(20_000) < expit(logits)).astype(float)
    assert fit_temperature(3 * logits, outcomes, np.ones(20_000)) == pytest.approx(3, rel=0.05)


def test_few_pairs_leave_the_temperature_near_one():
    assert 0.6 < fit_temperature(np.array([5.0, -5.0]), np.array([0.0, 1.0]), np.ones(2)) < 4
    assert fit_temperature(np.zeros(0), np.zeros(0), np.zeros(0)) == pytest.approx(1, abs=1e-4)


def test_moderation_shrinks_what_is_uncertain_and_keeps_the_sign():
    # MacKay 1992: kappa(s^2) = (1 + pi s^2 / 8)^(-1/2); for s = 4 it is .3707.
    moderated = moderate(np.array([2.0, -2.0, 2.0]), np.array([0.0, 4.0, 4.0]))
    np.testing.assert_allclose(moderated, [2, -2 * 0.3707, 2 * 0.3707], rtol=1e-3)


def test_cross_entropy_at_even_odds_is_ln_two_per_label():
    assert cross_entropy(np.zeros(2), np.array([1.0, 0.5]), np.array([1.0, 3.0])) == pytest.approx(
        4 * np.log(2)
    )

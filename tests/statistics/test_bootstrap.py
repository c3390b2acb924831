import numpy as np
import pytest

from blender_ui.statistics.bootstrap import bootstrap_mean


def test_independent_values_have_the_binomial_interval():
    values = np.r_[np.ones(700), np.zeros(300)]
    estimate = bootstrap_mean(values, np.arange(1000), seed=0)
    # Standard error sqrt(.7 * .3 / 1000) = .01449.
    assert estimate.value == pytest.approx(0.7)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 0.01449, rel=0.08)


def test_values_that_go_together_widen_the_interval():
    values = np.random.default_rng(1).integers(0, 2, 50).repeat(20)
    alone = bootstrap_mean(values, np.arange(1000), seed=0)
    together = bootstrap_mean(values, np.arange(50).repeat(20), seed=0)
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(2).random(40)
    clusters = ["a", "b", "c", "d"] * 10
    assert bootstrap_mean(values, clusters, seed=3) == bootstrap_mean(values, clusters, seed=3)


def test_no_value_gives_nan():
    assert np.isnan(bootstrap_mean([], [], seed=0)).all()

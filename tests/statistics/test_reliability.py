import numpy as np
import pytest

from blender_ui.statistics.reliability import measure_reliability


def test_a_hand_worked_curve():
    # Two pairs at confidence .9, one right (gap .4); two at .65, both right (gap .35): ECE .375.
    # Brier: (.1^2 + .9^2 + .35^2 + .35^2) / 4 = .26625.
    measured = measure_reliability([0.9, 0.9, 0.35, 0.65], [1, 0, 0, 1], n_bins=5)
    assert measured.ece == pytest.approx(0.375)
    assert measured.brier == pytest.approx(0.26625)
    np.testing.assert_array_equal(measured.n, [0, 2, 0, 0, 2])


def test_calling_the_sides_the_other_way_round_changes_nothing():
    rng = np.random.default_rng(0)
    probabilities, outcomes = rng.random(200), rng.integers(0, 2, 200)
    one = measure_reliability(probabilities, outcomes)
    other = measure_reliability(1 - probabilities, 1 - outcomes)
    assert one.ece == pytest.approx(other.ece)
    assert one.brier == pytest.approx(other.brier)


def test_certain_and_right_is_perfect():
    measured = measure_reliability([1, 0, 1], [1, 0, 1])
    assert (measured.ece, measured.brier) == (0, 0)


def test_no_pair_gives_an_empty_curve():
    measured = measure_reliability([], [])
    assert measured.n.sum() == 0
    assert measured.ece == 0


def test_even_odds_are_calibrated_whatever_came():
    assert measure_reliability([0.5, 0.5], [1, 1]).ece == 0


def test_intervals_hold_the_figure_and_widen_where_items_go_together():
    rng = np.random.default_rng(0)
    probabilities = np.repeat(rng.uniform(0.2, 0.8, 100), 9)
    outcomes = np.repeat(rng.random(100) < probabilities[::9], 9).astype(float)
    alone = measure_reliability(probabilities, outcomes)
    together = measure_reliability(probabilities, outcomes, clusters=np.repeat(np.arange(100), 9))

    def width(interval: tuple[float, float]) -> float:
        return interval[1] - interval[0]

    # Nine copies of each item are worth one: the interval is about three times as wide.
    assert 2 < width(together.brier_interval) / width(alone.brier_interval) < 4
    for one in (alone, together):
        assert one.brier_interval[0] <= one.brier <= one.brier_interval[1]
        assert one.ece_interval[0] <= one.ece <= one.ece_interval[1]
        used = one.n > 0
        assert (one.low <= one.accuracy)[used].all()
        assert (one.accuracy <= one.high)[used].all()
    assert (together.high - together.low)[used].mean() > (alone.high - alone.low)[used].mean()

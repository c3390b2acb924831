import math

import numpy as np
import pytest
from scipy.stats import binomtest

from blender_ui.statistics.shares import measure_share, measure_shares, wilson_interval


def test_independent_items_have_wilsons_published_interval():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, score method: .2553 to .3662.
    found = measure_share(np.r_[np.ones(81), np.zeros(182)], np.arange(263))
    assert found.share[0] == pytest.approx(81 / 263)
    assert (found.low[0], found.high[0]) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_nothing_of_ten_ends_where_newcombe_says():
    # The same table: 0 of 20, score method: 0 to .1611.
    found = measure_share(np.zeros(20), np.arange(20))
    assert (found.low[0], found.high[0]) == pytest.approx((0, 0.1611), abs=1e-4)


def test_copies_within_a_cluster_add_no_certainty():
    values = np.random.default_rng(0).integers(0, 2, 400)
    once = measure_share(values, np.arange(400))
    thrice = measure_share(values.repeat(3), np.arange(400).repeat(3))
    assert thrice.n[0] == 1200
    assert (thrice.low[0], thrice.high[0]) == pytest.approx((once.low[0], once.high[0]), abs=2e-4)


def test_groups_are_measured_apart_and_an_empty_one_is_unknown():
    found = measure_shares([1, 1, 0, 0.5], [0, 0, 2, 2], [0, 1, 2, 3], n_groups=3)
    np.testing.assert_allclose(found.share, [1, np.nan, 0.25])
    assert found.n.tolist() == [2, 0, 2]
    assert np.isnan(found.low[1])
    assert 0 < found.low[0] < found.high[0] <= 1


def test_many_sparse_cells_give_what_few_give():
    rng = np.random.default_rng(1)
    values, groups = rng.integers(0, 2, 3_000), rng.integers(0, 900, 3_000)
    clusters = rng.integers(0, 2_900, 3_000)
    sparse = measure_shares(values, groups, clusters, n_groups=900)
    for group in (0, 17, 899):
        inside = groups == group
        alone = measure_share(values[inside], clusters[inside])
        assert sparse.low[group] == pytest.approx(alone.low[0])
        assert sparse.high[group] == pytest.approx(alone.high[0])


def test_one_cluster_counts_as_one_item():
    found = measure_share(np.ones(50), np.zeros(50, dtype=int))
    assert found.low[0] == pytest.approx(measure_share([1.0], [0]).low[0])


@pytest.mark.parametrize(
    ("n_won", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_newcombe_s_table(n_won: int, n: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    found = wilson_interval(n_won, n)
    assert found.value == pytest.approx(n_won / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n_won", "n"), [(0, 1), (1, 1), (3, 7), (50, 100), (123_456, 1_000_000)])
def test_whole_counts_have_scipys_interval(n_won: int, n: int) -> None:
    expected = binomtest(n_won, n).proportion_ci(method="wilson")
    found = wilson_interval(n_won, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_counted_and_too_much_counted() -> None:
    assert math.isnan(wilson_interval(0, 0).value)
    with pytest.raises(ValueError, match="between 0 and 2"):
        wilson_interval(3, 2)

"""Series whose latest values differ from those before."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from benchmarks.drift import SHARES, measure_delays, measure_false_alarms
from blender_ui.statistics.drift import FALSE_ALARMS, Series, find_changes


def zeros_and_ones(n_before: int, ones_before: int, n_recent: int, ones_recent: int) -> Series:
    values = [1.0] * ones_before + [0.0] * (n_before - ones_before)
    values += [1.0] * ones_recent + [0.0] * (n_recent - ones_recent)
    n = n_before + n_recent
    return Series(values, np.arange(n), np.arange(n) >= n_before)


def test_shares_are_compared_by_fishers_test() -> None:
    (change,) = find_changes({"a": zeros_and_ones(300, 9, 30, 10)}).values()
    assert change.p == pytest.approx(fisher_exact(np.array([[10, 20], [9, 291]])).pvalue)
    assert (change.before, change.recent) == pytest.approx((9 / 300, 10 / 30))
    assert (change.n_before, change.n_recent) == (300, 30)


def test_two_failures_after_none_are_no_alarm() -> None:
    """Normal approximations say p < .001 here; the exact chance is .008, and there are five series."""
    quiet = {f"{n}": zeros_and_ones(300, 0, 30, 0) for n in range(4)}
    assert not find_changes({"a": zeros_and_ones(300, 0, 30, 2), **quiet})


def test_values_of_one_cluster_count_once() -> None:
    single = zeros_and_ones(100, 50, 40, 4)
    assert find_changes({"a": single})
    at_once = Series(single.values, np.arange(140) // 10, single.is_recent)
    assert not find_changes({"a": at_once}), "14 questions say too little"


def test_longer_times_are_seen_whatever_an_outlier_is() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.lognormal(1, 0.5, 200), rng.lognormal(1.8, 0.5, 40)])
    values[0] = 1e6
    series = Series(values, np.arange(240), np.arange(240) >= 200)
    assert find_changes({"seconds": series})
    assert not find_changes({"seconds": series._replace(values=rng.permutation(values))})


def test_false_alarms_stay_within_what_is_promised() -> None:
    """Of 200 looks, 2 are expected at most; 8 or more have a chance of .001."""
    assert measure_false_alarms(200, np.random.default_rng(2)) * 200 <= 200 * FALSE_ALARMS + 5


@pytest.mark.parametrize("change", SHARES)
def test_a_planted_change_is_seen_within_two_blocks(change: str) -> None:
    delays = measure_delays(20, change, np.random.default_rng(3))
    assert np.mean(np.array(delays) <= 2) >= 0.6

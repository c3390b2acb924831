from __future__ import annotations

import math

import numpy as np
import pytest

from blender_ui.statistics.paired import measure_difference


def test_it_is_the_interval_of_agresti_and_min_where_every_cluster_is_one_item() -> None:
    # 20 items: 8 for the first alone, 2 for the second alone. Both counts get .5 and those that do not
    # differ get 1, so n = 22, 8.5 for and 2.5 against: centre 6 / 22, variance by hand below.
    first = np.array([1] * 8 + [0] * 2 + [1] * 10)
    second = np.array([0] * 8 + [1] * 2 + [1] * 10)
    found = measure_difference(first, second, np.arange(20), level=0.8)
    centre = 6 / 22
    deviation = math.sqrt(((8.5 + 2.5) / 22 - centre**2) / 21)
    margin = 1.3232 * deviation  # Student's t at .9 with 21 degrees of freedom, from any table
    assert found.value == pytest.approx(6 / 20)
    assert (found.low, found.high) == pytest.approx((centre - margin, centre + margin), abs=1e-4)


def test_pairs_of_one_prompt_that_agree_are_worth_one() -> None:
    first, second = np.array([1, 0, 1, 1] * 5), np.array([0, 1, 1, 0] * 5)
    alone = measure_difference(first, second, np.arange(20), level=0.8)
    doubled = measure_difference(
        np.repeat(first, 3), np.repeat(second, 3), np.repeat(np.arange(20), 3), level=0.8
    )
    assert doubled == pytest.approx(alone)


def test_three_prompts_that_say_the_same_leave_a_doubt_and_none_says_nothing() -> None:
    all_won = measure_difference(np.ones(3), np.zeros(3), np.arange(3), level=0.95)
    assert all_won.value == 1
    assert all_won.low < 0 < all_won.high
    assert all(math.isnan(one) for one in measure_difference([], [], [], level=0.8))


def test_a_cluster_is_expected_for_every_item() -> None:
    with pytest.raises(ValueError, match="as many clusters as items"):
        measure_difference([1.0, 0.0], [0.0, 0.0], [1], level=0.8)

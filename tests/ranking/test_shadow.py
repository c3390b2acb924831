"""Looks at a version in shadow."""

from __future__ import annotations

import numpy as np
import pytest

from blender_ui.ranking.shadow import look


def test_votes_are_looked_at_when_their_prompts_have_doubled() -> None:
    right, wrong = np.ones(100), np.zeros(100)
    assert look(right[:9], wrong[:9], np.arange(9)) is None
    for n, n_prompts in ((10, 10), (19, 10), (20, 20), (39, 20), (40, 40), (100, 80)):
        found = look(right[:n], wrong[:n], np.arange(n))
        assert found is not None
        assert (found.n_prompts, found.n) == (n_prompts, n_prompts)
        assert found.lead.value == 1


def test_a_look_has_the_prompts_that_came_first_with_all_their_votes() -> None:
    clusters = np.array([7, *range(20, 29), 7, 3])
    shadow = np.array([1.0] * 10 + [0.0, 0.0])
    found = look(shadow, 1 - shadow, clusters)
    assert found is not None
    assert (found.n_prompts, found.n) == (10, 11)
    assert found.shadow_right == pytest.approx(10 / 11)


def test_two_that_are_alike_are_seldom_called_different_over_all_looks() -> None:
    """300 streams of 160 prompts on which both guess, looked at after each vote from the tenth on."""
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(300):
        first, second = rng.integers(0, 2, (2, 160)).astype(float)
        looks = [look(first[:n], second[:n], np.arange(n)) for n in (10, 20, 40, 80, 160)]
        told += any(one is not None and one.lead.low > 0 for one in looks)
    assert told <= 18

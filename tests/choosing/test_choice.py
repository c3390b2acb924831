from __future__ import annotations

import numpy as np
import pytest

from blender_ui.choosing.choice import Budget, Choice, choose_members
from blender_ui.values import FloatArray

EXPECTED = np.array([0.6, 0.58, 0.5])
# The first two are right on the same prompts; the third where they are wrong.
ERRORS = np.array([[0.4, 0.42, -0.5], [-0.6, -0.58, 0.5]])


def choose(
    k: int,
    *,
    costs: FloatArray | None = None,
    budget: Budget | None = None,
    share: float = 0.0,
    seed: int = 0,
) -> Choice:
    return choose_members(
        k,
        expected=EXPECTED,
        errors=ERRORS,
        costs=np.zeros(3) if costs is None else costs,
        seconds=np.array([1.0, 2.0, 3.0]),
        budget=budget or Budget(),
        rng=np.random.default_rng(seed),
        explored_share=share,
    )


def test_the_second_is_the_one_that_knows_what_the_first_does_not() -> None:
    assert choose(2).asked == (0, 2)
    assert choose(2).value == pytest.approx(1.0)


def test_one_is_the_best_by_itself() -> None:
    assert choose(1).asked == (0,)


def test_a_budget_of_cost_or_seconds_is_kept() -> None:
    costs = np.array([1.0, 1.0, 5.0])
    assert choose(2, costs=costs, budget=Budget(cost=2.0)).asked == (0, 1)
    assert choose(3, budget=Budget(seconds=2.0)).asked == (0, 1)


def test_with_a_budget_below_every_member_the_cheapest_is_asked() -> None:
    assert choose(3, costs=np.array([4.0, 2.0, 3.0]), budget=Budget(cost=1.0)).asked == (1,)


def test_propensities_are_how_often_each_member_is_asked() -> None:
    choices = [choose(1, share=0.3, seed=seed) for seed in range(3000)]
    often = np.bincount([choice.asked[0] for choice in choices], minlength=3) / len(choices)
    np.testing.assert_allclose(choices[0].propensities, [0.7, 0.15, 0.15])
    np.testing.assert_allclose(often, choices[0].propensities, atol=0.03)


def test_exploring_keeps_the_budget() -> None:
    chosen = choose(1, costs=np.array([1.0, 1.0, 5.0]), budget=Budget(cost=1.0), share=0.4)
    np.testing.assert_allclose(chosen.propensities, [0.6, 0.4, 0.0])


def test_no_member_to_ask_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one member"):
        choose(0)

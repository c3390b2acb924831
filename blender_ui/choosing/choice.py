"""Which k members to ask: the set whose best answer is expected to be best, within a budget.

A set is worth more than its best member by what the others know that it does not. So members are drawn
together: a draw adds to the expected qualities what members were off by, together, on prompts of the past.
Members are then added one by one, each time the one that adds most. Invariant: a share of the draws goes to
members at random, and the probability with which each member was to be asked comes back with the choice.
Non-goal: expecting qualities, see ``forest``.

Source: with diminishing returns such a set has at least 1 - 1/e of the best set's value, Nemhauser, Wolsey
and Fisher, Mathematical Programming 14 (1978).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blender_ui.values import BoolArray, FloatArray, IntArray

EXPLORED_SHARE = 0.1
"""Of the questions, one in ten asks one member drawn at random in place of the last one chosen."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits of one question; infinite where there is none."""

    cost: float = np.inf
    """Of all members together, in the unit of their prices."""
    seconds: float = np.inf
    """Of the slowest member, because they answer side by side."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who is to be asked, as places in the list of members."""

    asked: tuple[int, ...]
    """In the order in which they were chosen."""
    propensities: FloatArray
    """The probability with which each member was to be asked, exploration counted in, (m,)."""
    is_explored: bool
    """Whether the last of them was drawn at random."""
    value: float
    """The expected quality of the best of their answers."""
    all_value: float
    """The expected quality of the best answer if all were asked."""


def value_set(members: Sequence[int], *, expected: FloatArray, errors: FloatArray) -> float:
    """The expected quality of the best answer of a set.

    Args:
        members: Places of the set's members.
        expected: Qualities, (m,).
        errors: What the members were off by together on n_draws past prompts, (n_draws, m).
    """
    drawn = expected[list(members)] + errors[:, list(members)]
    return float(np.clip(drawn.max(axis=1), 0, 1).mean())


def choose_members(
    k: int,
    *,
    expected: FloatArray,
    errors: FloatArray,
    costs: FloatArray,
    seconds: FloatArray,
    budget: Budget,
    rng: np.random.Generator,
    explored_share: float = EXPLORED_SHARE,
) -> Choice:
    """Choose at most k of m members.

    Args:
        k: How many, from 1.
        expected: Their expected qualities, (m,).
        errors: See ``value_set``.
        costs: What asking each costs, (m,).
        seconds: How long each takes, (m,).
        budget: Members that would break it are not asked; the cheapest is asked in any case.
        rng: Decides whether to explore, and with whom.
        explored_share: Of the questions.

    Returns:
        The choice. Fewer than k where the budget allows no more.

    Raises:
        ValueError: If there is no member, or k is less than 1.
    """
    m = len(expected)
    if m == 0 or k < 1:
        raise ValueError(f"expected at least one member and k of at least 1, came {m} and {k}")
    allowed = seconds <= budget.seconds
    planned = order_members(
        k, expected=expected, errors=errors, costs=costs, allowed=allowed, most_cost=budget.cost
    ) or (int(np.lexsort((-expected, seconds, costs))[0]),)
    others = _find_replacements(planned, costs=costs, seconds=seconds, budget=budget)
    share = explored_share if len(others) else 0.0
    propensities = np.zeros(m)
    propensities[list(planned)] = 1.0
    propensities[planned[-1]] -= share
    propensities[others] += share / max(len(others), 1)
    asked, is_explored = planned, bool(rng.random() < share)
    if is_explored:
        asked = (*planned[:-1], int(rng.choice(others)))
    return Choice(
        asked=asked,
        propensities=propensities,
        is_explored=is_explored,
        value=value_set(asked, expected=expected, errors=errors),
        all_value=value_set(range(m), expected=expected, errors=errors),
    )


def order_members(
    k: int,
    *,
    expected: FloatArray,
    errors: FloatArray,
    costs: FloatArray,
    allowed: BoolArray,
    most_cost: float = np.inf,
) -> tuple[int, ...]:
    """At most k of the allowed members, each the one that adds most to those before it.

    Args as in ``choose_members``; ``most_cost`` is what they may cost together.
    """
    drawn = np.clip(expected + errors, 0, 1)
    chosen: list[int] = []
    best, spent = np.zeros(len(drawn)), 0.0
    while len(chosen) < k:
        possible = allowed & (spent + costs <= most_cost)
        possible[chosen] = False
        if not possible.any():
            break
        # The first is the best by itself; ties among the others go to the better one.
        gains = np.maximum(drawn, best[:, None]).mean(axis=0) + 1e-6 * expected if chosen else expected
        added = int(np.where(possible, gains, -np.inf).argmax())
        chosen.append(added)
        best, spent = np.maximum(best, drawn[:, added]), spent + float(costs[added])
    return tuple(chosen)


def _find_replacements(
    planned: tuple[int, ...], *, costs: FloatArray, seconds: FloatArray, budget: Budget
) -> IntArray:
    """Members that may stand in for the last one planned."""
    left = budget.cost - sum(float(costs[member]) for member in planned[:-1])
    possible: BoolArray = (costs <= left) & (seconds <= budget.seconds)
    possible[list(planned)] = False
    return np.flatnonzero(possible)

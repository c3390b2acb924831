"""Sets of members whose answers are counted as votes: which answer wins, and which k members vote best.

For prompts with a short final answer (a number, a value, an option), where equal answers can be counted.
Invariant: a set is judged on the prompts it is given, and a weight is a member's log-odds of being right.
Non-goal: longer texts, of which the best is picked, see ``blender_ui.choosing.choice``.

Source: Nitzan and Paroush, "Optimal decision rules in uncertain dichotomous choice situations",
International Economic Review 23 (1982).
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from blender_ui.values import FloatArray, IntArray

MOST_SETS = 4000
"""More sets of k than this are not all tried; the best is then built member by member."""
N_WRONG = 9
"""Ways to be wrong, so that agreement of two members who are often wrong still counts for them."""


def weigh_votes(expected: FloatArray) -> FloatArray:
    """Weights of votes from probabilities of being right, of the same shape."""
    sure = np.clip(expected, 0.02, 0.98)
    return np.log(N_WRONG * sure / (1 - sure))


def vote(answers: IntArray, weights: FloatArray, members: tuple[int, ...]) -> IntArray:
    """The member whose answer wins the vote, per prompt.

    Args:
        answers: Which answer each member gave, (n, m); -1 where none could be read, which is no vote.
        weights: Of the votes, (n, m).
        members: The set that votes.

    Returns:
        Shape (n,): of the members with the winning answer, the one with most weight.
    """
    own, chosen = answers[:, list(members)], weights[:, list(members)]
    same = (own[:, :, None] == own[:, None, :]) & (own[:, None, :] >= 0)
    support = np.where(own >= 0, (same * chosen[:, None, :]).sum(axis=2), -np.inf)
    # Weights decide between members with the same answer, and where nobody has one.
    place = (np.maximum(support, -1e6) + 1e-6 * chosen).argmax(axis=1)
    winners: IntArray = np.array(members)[place]
    return winners


def choose_voters(k: int, *, answers: IntArray, weights: FloatArray, values: FloatArray) -> tuple[int, ...]:
    """The k of m members whose vote was right most often.

    Args:
        k: From 1 to m.
        answers: See ``vote``.
        weights: See ``vote``.
        values: What each member's answer was worth, (n, m).
    """
    rows = np.arange(len(values))

    def worth(members: tuple[int, ...]) -> float:
        return float(values[rows, vote(answers, weights, members)].mean())

    m = values.shape[1]
    if comb(m, k) <= MOST_SETS:
        return max(combinations(range(m), k), key=worth)
    chosen: tuple[int, ...] = ()
    while len(chosen) < k:
        chosen = max(((*chosen, new) for new in range(m) if new not in chosen), key=worth)
    return chosen

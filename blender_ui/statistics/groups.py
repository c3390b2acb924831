"""Which players can be held against each other, because someone compared them or others between them.

Ratings of players of two groups differ only by what the prior assumes. Non-goal: how sure a rating within a
group is; its interval says.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray


def find_groups(wins: ArrayLike) -> NDArray[np.integer]:
    """The group of each player, counted from 0, those with the most comparisons first.

    Args:
        wins: How often the row was preferred to the column, (n_players, n_players).

    Returns:
        Shape (n_players,). Two players are of one group if they were compared, directly or through others.
    """
    won = np.asarray(wins, dtype=float)
    met = won + won.T
    if not len(met):
        return np.zeros(0, dtype=np.int64)
    _, label = scipy.sparse.csgraph.connected_components(met > 0, directed=False)
    order = np.argsort(-np.bincount(label, weights=met.sum(axis=1)), kind="stable")
    return np.asarray(np.argsort(order)[label], dtype=np.int64)

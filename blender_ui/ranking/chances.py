"""From pairwise logits to how likely each answer is better than another one.

Non-goal: scores and ranks, which ``aggregation`` gives.
"""

from __future__ import annotations

import numpy as np
import scipy

from blender_ui.values import FloatArray


def win_chances(pairwise_logits: FloatArray) -> FloatArray:
    """How likely each of n answers is better than another one of them, on average over the n - 1 others.

    Both orders of a pair count, as in ``aggregation.score_candidates``.

    Args:
        pairwise_logits: Shape (n, n). Entry [i, j] is the logit, in natural-log odds, that answer i shown
            first is better than answer j. The diagonal is ignored.

    Returns:
        Shape (n,), in [0, 1]; they sum to n / 2. A single answer has .5: nothing is known of it.

    >>> win_chances(np.array([[0.0, np.log(3)], [-np.log(3), 0.0]])).tolist()
    [0.75, 0.25]
    """
    logits = np.asarray(pairwise_logits, dtype=np.float64)
    if len(logits) == 1:
        return np.array([0.5])
    chances = scipy.special.expit((logits - logits.T) / 2)
    np.fill_diagonal(chances, 0.0)
    return np.asarray(chances.sum(axis=1) / (len(logits) - 1))

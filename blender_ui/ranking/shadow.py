"""What new votes say of two versions, looked at again and again without being fooled by it.

Invariant: votes are looked at when their prompts have doubled, however often somebody asks, so that a stream
of votes is judged a few times and not after each. Non-goal: which votes are new, and what is done about it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blender_ui.ranking.standing import N_PROMPTS_NEEDED
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.statistics.paired import measure_difference
from blender_ui.values import FloatArray, IntArray

LOOK_LEVEL = 0.98
"""Of the intervals. Decision 0017 has the error rates over all looks."""


class Look(NamedTuple):
    """Two versions on the prompts that came first.

    Attributes:
        n: Decided votes.
        n_prompts: Prompts that they are about: ``N_PROMPTS_NEEDED``, or that doubled some times.
        shadow_right, active_right: Share of the votes that each had right.
        lead: Of the first share over the second, with the ``LOOK_LEVEL`` interval.
    """

    n: int
    n_prompts: int
    shadow_right: float
    active_right: float
    lead: Estimate


def look(shadow: FloatArray, active: FloatArray, clusters: IntArray) -> Look | None:
    """The latest look at two versions; None before the first.

    Args:
        shadow: 1 where the version in shadow was right, 0 where it was wrong, .5 where it could not say,
            (n,), the oldest vote first.
        active: The same of the version that ranks.
        clusters: Number of each vote's prompt, (n,).
    """
    _, first, cluster = np.unique(clusters, return_index=True, return_inverse=True)
    if len(first) < N_PROMPTS_NEEDED:
        return None
    doublings = int(np.log2(len(first) / N_PROMPTS_NEEDED))
    n_prompts = N_PROMPTS_NEEDED * 2**doublings
    place = np.argsort(np.argsort(first))[cluster]
    keep = place < n_prompts
    lead = measure_difference(shadow[keep], active[keep], clusters[keep], level=LOOK_LEVEL)
    return Look(int(keep.sum()), n_prompts, float(shadow[keep].mean()), float(active[keep].mean()), lead)

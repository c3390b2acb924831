"""The difference of two shares that were measured on the same items, with an interval for few prompts, too.

Invariant: items of one cluster (all pairs of one prompt) come and go together, and an interval is never of
width 0: the smallest sample leaves room for what it has not shown. Non-goal: shares of different items.
"""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from blender_ui.statistics.bootstrap import Estimate

N_ADDED = 2.0
"""Clusters that are added: half a one for, half a one against, and one that says nothing."""


def measure_difference(first: ArrayLike, second: ArrayLike, clusters: ArrayLike, *, level: float) -> Estimate:
    """How much more often the first was right than the second.

    The mean is that of the items; the interval is around the mean with ``N_ADDED`` clusters of average size,
    because a few prompts that all say the same would otherwise leave no doubt at all.

    Args:
        first: 1 where the first was right, 0 where it was wrong, .5 where it could not say, (n,).
        second: The same of the second, on the same items.
        clusters: A label per item, (n,).
        level: Share of intervals that are to hold the true difference, in (0, 1).

    Returns:
        The difference in shares with the interval's ends; all NaN where there is no item.

    Raises:
        ValueError: If the lengths differ.

    Source:
        Agresti and Min, "Simple improved confidence intervals for comparing matched proportions",
        Statistics in Medicine 24 (2005), here with clusters and Student's t; their variance as in Donner
        and Klar, "Design and Analysis of Cluster Randomization Trials" (2000).
    """
    difference = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    labels = np.asarray(clusters)
    if difference.shape != labels.shape:
        raise ValueError(f"expected as many clusters as items, came {labels.shape} and {difference.shape}")
    if not len(difference):
        return Estimate(math.nan, math.nan, math.nan)
    _, cluster = np.unique(labels, return_inverse=True)
    sums, sizes = np.bincount(cluster, difference), np.bincount(cluster)
    n, size = len(sums) + N_ADDED, float(sizes.mean())
    centre = float(sums.sum() / (size * n))
    squares = float(np.square(sums - centre * sizes).sum())
    squares += size**2 * ((1 - centre) ** 2 / 2 + (1 + centre) ** 2 / 2 + centre**2)
    quantile = float(scipy.special.stdtrit(n - 1, (1 + level) / 2))
    margin = quantile * math.sqrt(squares * n / (n - 1)) / (size * n)
    return Estimate(float(difference.mean()), max(centre - margin, -1.0), min(centre + margin, 1.0))

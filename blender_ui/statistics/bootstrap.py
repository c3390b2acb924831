"""Means with 95 % intervals from a bootstrap that resamples whole clusters.

Invariant: values of one cluster (all pairs of one prompt) come and go together. Non-goal: any
statistic but a mean of per-item values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Estimate(NamedTuple):
    """A mean and the ends of its 95 % interval, in the unit of the values."""

    value: float
    low: float
    high: float


def bootstrap_mean(values: ArrayLike, clusters: ArrayLike, *, seed: int, n_resamples: int = 2000) -> Estimate:
    """Mean of values with a percentile interval over resampled clusters.

    Args:
        values: Shape (n,).
        clusters: A label per value, shape (n,).
        seed: Of the resampling.
        n_resamples: How often clusters are drawn with replacement.

    Returns:
        The estimate; all NaN when there is no value. One cluster gives an interval of width 0,
        which says that nothing is known about other clusters, not that the mean is certain.

    Source:
        Field and Welsh, "Bootstrapping clustered data", JRSS B 69 (2007).
    """
    numbers = np.asarray(values, dtype=float)
    if not len(numbers):
        return Estimate(np.nan, np.nan, np.nan)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums, sizes = np.bincount(cluster, numbers), np.bincount(cluster)
    n_clusters = len(sums)
    rng = np.random.default_rng(seed)
    times_drawn = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_resamples)
    means = (times_drawn @ sums) / (times_drawn @ sizes)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(numbers.mean()), float(low), float(high))

"""Shares of many groups at once, with 95 % intervals that know that items of one cluster go together.

Invariant: an interval lies within [0, 1], is never empty, and is at least as wide as that of
independent items. Non-goal: means of other values; ``bootstrap`` has those.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blender_ui.statistics.bootstrap import Estimate
from blender_ui.statistics.bradley_terry import NORMAL_95

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


class Shares(NamedTuple):
    """One share per group; NaN where a group is empty.

    Attributes:
        share: Shape (n_groups,).
        low: Lower ends of the 95 % intervals, same shape.
        high: Upper ends, same shape.
        n: Items per group, same shape.
    """

    share: FloatArray
    low: FloatArray
    high: FloatArray
    n: IntArray


def wilson_interval(n_won: float, n: float) -> Estimate:
    """A share of independent items with its 95 % score interval; all NaN where nothing was counted.

    Args:
        n_won: How often it happened; ties may count half.
        n: How often it could have.

    Raises:
        ValueError: If ``n_won`` is not between 0 and ``n``.

    Source:
        Wilson, JASA 22 (1927); method 3 of Newcombe, Statistics in Medicine 17 (1998).
    """
    if not 0 <= n_won <= n:
        raise ValueError(f"expected between 0 and {n} of {n}, came {n_won}")
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan)
    low, high = _wilson(np.array(n_won / n), np.array(float(n)))
    return Estimate(n_won / n, float(low), float(high))


def measure_shares(
    values: ArrayLike, groups: ArrayLike, *clusterings: ArrayLike, n_groups: int | None = None
) -> Shares:
    """Mean of values in [0, 1] in each group, with Wilson's interval for as many items as they are worth.

    Items of one cluster, the votes on one prompt, are worth fewer independent ones the more they
    agree; the design effect says how many.

    Args:
        values: Each in [0, 1], (n_items,).
        groups: Number of each item's group from 0 up, same shape.
        clusterings: Number of each item's cluster from 0 up, same shape; of several, by prompt and by ballot
            for example, each group's largest design effect counts. By default items are independent.
        n_groups: How many groups there are; by default the highest number tells.

    Source:
        Wilson, JASA 22 (1927), with the effective sample size of Kish, "Survey Sampling" (1965), as
        Dean and Pagano use it, J. Survey Statistics and Methodology 3 (2015).
    """
    numbers = np.asarray(values, dtype=float)
    group = np.asarray(groups, dtype=np.int64)
    size = int(group.max(initial=-1)) + 1 if n_groups is None else n_groups
    n = np.bincount(group, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.bincount(group, numbers, size) / n
    effects = [
        _design_effects(numbers - share[group], group, np.asarray(clusters), share, n)
        for clusters in clusterings
    ]
    effective = n / np.maximum.reduce([np.ones(size), *effects])
    low, high = _wilson(share, effective)
    return Shares(share, low, high, n)


def measure_share(values: ArrayLike, *clusterings: ArrayLike) -> Shares:
    """The same for one group; the arrays have shape (1,)."""
    return measure_shares(values, np.zeros(len(np.asarray(values)), dtype=np.int64), *clusterings, n_groups=1)


def _design_effects(
    residuals: FloatArray, group: IntArray, clusters: IntArray, share: FloatArray, n: IntArray
) -> FloatArray:
    """How much larger each share's variance is than with independent items; at least 1, (n_groups,)."""
    if not len(residuals):
        return np.ones(len(n))
    n_clusters = int(clusters.max()) + 1
    cell = clusters * len(n) + group
    if n_clusters * len(n) > 4 * len(cell) + 1_000_000:  # mostly empty: number those that are there
        there, cell = np.unique(cell, return_inverse=True)
        of_cell = (there % len(n)).astype(np.int64)
    else:
        of_cell = np.tile(np.arange(len(n)), n_clusters)
    sums = np.bincount(cell, residuals, len(of_cell))
    used = np.bincount(of_cell, np.bincount(cell, minlength=len(of_cell)) > 0, len(n))
    clustered = np.bincount(of_cell, np.square(sums), len(n)) * used / np.maximum(used - 1, 1)
    independent = n * share * (1 - share) * n / np.maximum(n - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = clustered / independent
    # One cluster alone says nothing of how clusters differ: its items count as one.
    effect = np.where(used == 1, n, effect)
    return np.where(np.isfinite(effect), np.maximum(effect, 1.0), 1.0)


def _wilson(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    # By hand because n is an effective number of items, a fraction: SciPy takes whole counts, one at a time.
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = NORMAL_95**2 / n
        centre = (share + spread / 2) / (1 + spread)
        margin = NORMAL_95 * np.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    # Rounding must not leave a share of 0 or 1 a hair outside its own interval.
    return np.clip(centre - margin, 0.0, share), np.clip(centre + margin, share, 1.0)

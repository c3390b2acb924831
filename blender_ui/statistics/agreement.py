"""How far annotators agree beyond chance, from counts: Krippendorff's alpha, Fleiss' and Cohen's kappa.

Invariant: labels come as how many annotators gave each item each category, so a million labels cost what
their few distinct patterns of counts cost, and the bootstrap over items is exact over those patterns. Items
that go together, because the same ballots are about them, are resampled together. Where only one category was
ever used, agreement beyond chance has no value and is NaN. Non-goal: ordered categories.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blender_ui.statistics.bootstrap import Estimate
from blender_ui.statistics.bradley_terry import NORMAL_95

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Statistic = Callable[[IntArray, FloatArray], FloatArray]
"""Takes patterns (n_patterns, n_categories) and how often each was drawn (n_resamples, n_patterns)."""
_NOTHING = Estimate(np.nan, np.nan, np.nan)
MOST_GROUPS = 1000
"""Beyond so many clusters, groups of them are resampled: the spread between groups tells as much."""


class Patterns(NamedTuple):
    """Distinct rows of a count matrix.

    Attributes:
        counts: How many annotators gave each category, (n_patterns, n_categories).
        n_items: How many items have the pattern, (n_patterns,).
    """

    counts: IntArray
    n_items: IntArray


def find_patterns(counts: ArrayLike) -> Patterns:
    """Group items with the same counts; items with fewer than two labels drop out.

    Args:
        counts: Shape (n_items, n_categories), whole numbers from 0 up.
    """
    rows = np.asarray(counts, dtype=np.int64)
    rows = rows[rows.sum(axis=1) >= 2]
    base = int(rows.max(initial=0)) + 1
    keys = rows @ base ** np.arange(rows.shape[1])
    distinct, n_items = np.unique(keys, return_counts=True)
    return Patterns(distinct[:, None] // base ** np.arange(rows.shape[1]) % base, n_items)


def krippendorff_alpha(
    counts: ArrayLike, *, clusters: ArrayLike | None = None, seed: int = 0, n_resamples: int = 1000
) -> Estimate:
    """Alpha for nominal categories, with a percentile interval over resampled items.

    Items may have any number of labels; those with one say nothing.

    Args:
        counts: Shape (n_items, n_categories).
        clusters: Number of each item's cluster, (n_items,): items of one are drawn together (Field and
            Welsh, JRSS B 69, 2007). By default items are independent.
        seed: Of the resampling.
        n_resamples: How often items or clusters are drawn with replacement.

    Source:
        Krippendorff, "Computing Krippendorff's alpha-reliability" (2011).
    """
    return _estimate(counts, _alpha, clusters=clusters, seed=seed, n_resamples=n_resamples)


def fleiss_kappa(
    counts: ArrayLike, *, clusters: ArrayLike | None = None, seed: int = 0, n_resamples: int = 1000
) -> Estimate:
    """Kappa of items that all have the same number of labels, with an interval as for alpha.

    Args:
        counts: Shape (n_items, n_categories); every row has the same sum, at least 2.
        clusters: As for alpha.
        seed: Of the resampling.
        n_resamples: How often items are drawn with replacement.

    Raises:
        ValueError: If the sums differ.

    Source:
        Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin 76 (1971).
    """
    sums = np.unique(np.asarray(counts).sum(axis=1))
    if len(sums) > 1:
        raise ValueError(f"expected the same number of labels for every item, came {sums.tolist()}")
    return _estimate(counts, _fleiss, clusters=clusters, seed=seed, n_resamples=n_resamples)


def cohen_kappa(table: ArrayLike, *, n_independent: int | None = None) -> Estimate:
    """Kappa of two annotators, with its large-sample 95 % interval.

    Args:
        table: Shape (n_categories, n_categories): items by what the first said and what the second said.
        n_independent: For how many independent items these count; by default all are.

    Returns:
        NaN where there is no item or both said one and the same thing of all.

    Source:
        Cohen, Educational and Psychological Measurement 20 (1960); the standard error of Fleiss, Cohen
        and Everitt, Psychological Bulletin 72 (1969), equation 13.
    """
    numbers = np.asarray(table, dtype=float)
    n = numbers.sum()
    if not n:
        return _NOTHING
    shares = numbers / n
    first, second = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(first @ second)
    if expected >= 1:
        return _NOTHING
    kappa = (observed - expected) / (1 - expected)
    agreed = np.diag(shares) @ np.square(1 - (first + second) * (1 - kappa))
    apart = shares * np.square(second[:, None] + first[None, :])
    disagreed = (1 - kappa) ** 2 * (apart.sum() - np.trace(apart))
    chance = (kappa - expected * (1 - kappa)) ** 2
    error = np.sqrt(max(agreed + disagreed - chance, 0.0) / (n_independent or n)) / (1 - expected)
    return Estimate(kappa, max(kappa - NORMAL_95 * error, -1.0), min(kappa + NORMAL_95 * error, 1.0))


def _estimate(
    counts: ArrayLike, statistic: Statistic, *, clusters: ArrayLike | None, seed: int, n_resamples: int
) -> Estimate:
    patterns = find_patterns(counts)
    n_items = int(patterns.n_items.sum())
    if not n_items:
        return _NOTHING
    value = float(statistic(patterns.counts, patterns.n_items[None, :].astype(float))[0])
    rng = np.random.default_rng(seed)
    grouped = None if clusters is None else _group(np.asarray(counts), patterns, np.asarray(clusters))
    if grouped is None:
        drawn = rng.multinomial(n_items, patterns.n_items / n_items, size=n_resamples)
    else:
        n_groups = len(grouped)
        drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_resamples) @ grouped
    resampled = statistic(patterns.counts, drawn.astype(float))
    usable = resampled[np.isfinite(resampled)]
    if not len(usable) or not np.isfinite(value):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(usable, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _group(counts: IntArray, patterns: Patterns, clusters: IntArray) -> IntArray | None:
    """How many items of each pattern each group has, (n_groups, n_patterns); None without any groups."""
    is_shared = counts.sum(axis=1) >= 2
    _, cluster = np.unique(clusters[is_shared], return_inverse=True)
    if int(cluster.max(initial=-1)) + 1 == len(cluster):
        return None
    n_patterns = len(patterns.counts)
    _, pattern = np.unique(np.concatenate([patterns.counts, counts[is_shared]]), axis=0, return_inverse=True)
    place = np.zeros(n_patterns, dtype=np.int64)
    place[pattern[:n_patterns]] = np.arange(n_patterns)
    group = cluster % MOST_GROUPS
    n_groups = int(group.max()) + 1
    cell = group * n_patterns + place[pattern[n_patterns:]]
    return np.bincount(cell, minlength=n_groups * n_patterns).reshape(n_groups, n_patterns)


def _alpha(counts: IntArray, weights: FloatArray) -> FloatArray:
    n_labels = counts.sum(axis=1)
    apart = (counts * (n_labels[:, None] - counts)).sum(axis=1) / (n_labels - 1)
    of_category = weights @ counts
    n = weights @ n_labels
    observed = weights @ apart / n
    expected = (of_category * (n[:, None] - of_category)).sum(axis=1) / (n * (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _fleiss(counts: IntArray, weights: FloatArray) -> FloatArray:
    n_labels = counts.sum(axis=1)
    agreed = (counts * (counts - 1)).sum(axis=1) / (n_labels * (n_labels - 1))
    n_items = weights.sum(axis=1)
    observed = weights @ agreed / n_items
    shares = weights @ counts / (weights @ n_labels)[:, None]
    expected = np.square(shares).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)

"""A Bayesian linear Bradley-Terry head: utilities are weighted features, preferences compare two.

The log-odds that candidate i is preferred to j are w . (x_i - x_j), and w has a Gaussian prior whose
precision differs by group of features. Invariant: the same preferences in another order, or with the
sides swapped and the target mirrored, give the same head. Non-goal: where features come from, and how
labels become probabilities (see calibration).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import scipy

from blender_ui.ranking.calibration import cross_entropy, moderate
from blender_ui.values import FloatArray, IntArray, PreferenceDataset

MAX_NEWTON_STEPS = 25
STEP_TOLERANCE = 1e-4
MIN_CURVATURE = 1e-6
PRECISION_STEP = 10**0.5
MAX_SWEEPS = 2
NATS_PER_DECADE = 2.0
N_FOLDS = 5


class Comparisons(NamedTuple):
    """Preferences summed up by unordered pair of candidates.

    Attributes:
        first: Candidate index, (n_pairs,).
        second: The other candidate's index, same shape.
        share: Mean preference for ``first`` in [0, 1], same shape.
        weight: How many full labels the pair counts for, same shape.
    """

    first: IntArray
    second: IntArray
    share: FloatArray
    weight: FloatArray

    def select(self, keep: IntArray) -> Comparisons:
        """The pairs at these positions, or where this mask is true."""
        return Comparisons(self.first[keep], self.second[keep], self.share[keep], self.weight[keep])


class Head(NamedTuple):
    """The posterior of the weights, as a Gaussian.

    Attributes:
        mean: Shape (n_features,).
        covariance: Shape (n_features, n_features).
    """

    mean: FloatArray
    covariance: FloatArray

    def utilities(self, features: FloatArray) -> FloatArray:
        """Mean utility of each candidate in natural-log odds, (n,), for features (n, n_features)."""
        return features @ self.mean

    def deviations(self, features: FloatArray) -> FloatArray:
        """Standard deviation of every utility difference, (n, n), 0 on the diagonal."""
        spread = features @ self.covariance @ features.T
        variance = np.diag(spread)
        return np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * spread, 0))


def summarise(dataset: PreferenceDataset) -> Comparisons:
    """Sum preferences up by unordered pair of candidates; repeated labels of a pair count less and less.

    Labels of the same two texts share what the head cannot see in them, so m labels count as sqrt(m).
    Ties and disagreement stay as soft shares; how strongly a preference was felt is left out, because
    it did not help on held-out prompts (docs/experiments/fast_ranker.md).
    """
    first, second = np.minimum(dataset.left, dataset.right), np.maximum(dataset.left, dataset.right)
    n_candidates = max(len(dataset.texts), 1)
    key, pair = np.unique(first * n_candidates + second, return_inverse=True)
    n_labels = np.bincount(pair, minlength=len(key))
    share = (
        np.bincount(pair, np.where(dataset.left == first, dataset.target, 1 - dataset.target), len(key))
        / n_labels
    )
    return Comparisons(key // n_candidates, key % n_candidates, share, np.sqrt(n_labels))


def fit_head(
    features: FloatArray,
    comparisons: Comparisons,
    precision: FloatArray,
    *,
    start: FloatArray | None = None,
    centre: FloatArray | None = None,
) -> Head:
    """Find the posterior mode of the weights and the Gaussian around it (Laplace).

    Args:
        features: Shape (n_candidates, n_features).
        comparisons: Pairs of those candidates.
        precision: Of each weight's prior, positive, (n_features,).
        start: Weights to start from, for example of the last fit, (n_features,).
        centre: Mean of each weight's prior, zero by default, (n_features,).

    Source:
        MacKay, "The evidence framework applied to classification networks", Neural Computation 4 (1992).
    """
    centre = np.zeros(features.shape[1]) if centre is None else centre
    mean = _mode(features, comparisons, precision, centre, start=start)
    difference = features[comparisons.first] - features[comparisons.second]
    factor, _ = _newton_system(difference, comparisons, precision, centre, mean)
    return Head(mean, scipy.linalg.cho_solve(factor, np.eye(len(mean))))


def _mode(
    features: FloatArray,
    comparisons: Comparisons,
    precision: FloatArray,
    centre: FloatArray,
    *,
    start: FloatArray | None,
) -> FloatArray:
    """Newton's method; a step that would raise the cost is halved, so that any start will do."""
    difference = features[comparisons.first] - features[comparisons.second]

    def cost(weights: FloatArray) -> float:
        surprise = cross_entropy(difference @ weights, comparisons.share, comparisons.weight)
        return surprise + 0.5 * float(precision @ np.square(weights - centre))

    mean = np.array(centre if start is None else start, dtype=float)
    here = cost(mean)
    for _ in range(MAX_NEWTON_STEPS):
        factor, gradient = _newton_system(difference, comparisons, precision, centre, mean)
        step = scipy.linalg.cho_solve(factor, gradient)
        there = cost(mean - step)
        while there > here and np.abs(step).max(initial=0.0) >= STEP_TOLERANCE:
            step = step / 2
            there = cost(mean - step)
        mean, here = mean - step, there
        if np.abs(step).max(initial=0.0) < STEP_TOLERANCE:
            break
    return mean


def _newton_system(
    difference: FloatArray,
    comparisons: Comparisons,
    precision: FloatArray,
    centre: FloatArray,
    mean: FloatArray,
) -> tuple[tuple[FloatArray, bool], FloatArray]:
    """Cholesky factor of the Hessian, and the gradient, of the negative log posterior at ``mean``."""
    probability = scipy.special.expit(difference @ mean)
    surprise = difference.T @ (comparisons.weight * (probability - comparisons.share))
    gradient = surprise + precision * (mean - centre)
    curvature = comparisons.weight * np.maximum(probability * (1 - probability), MIN_CURVATURE)
    hessian = (difference * curvature[:, None]).T @ difference
    hessian[np.diag_indices_from(hessian)] += precision
    return scipy.linalg.cho_factor(hessian, overwrite_a=True, check_finite=False), gradient


class Progress(Protocol):
    """Is told of each setting tried: its number from 1, and the best held-out figures so far."""

    def __call__(self, step: int, loss: float, accuracy: float) -> None:
        """Take the mean held-out cross-entropy in nats and the share of majorities predicted."""
        ...


def choose_precisions(
    features: FloatArray,
    comparisons: Comparisons,
    folds: IntArray,
    *,
    group_sizes: Sequence[int],
    usual: Sequence[float],
    centre: FloatArray | None = None,
    on_progress: Progress | None = None,
) -> FloatArray:
    """Find each group's prior precision by cross-validation over prompts.

    Each group in turn climbs in steps of half a decade while the held-out cross-entropy falls. A
    precision that is ten times the usual one costs two nats, so few preferences leave the usual ones.

    Args:
        features: Shape (n_candidates, n_features), the groups side by side.
        comparisons: Pairs of those candidates.
        folds: Of each pair, from 0 up; pairs of one prompt must share one, (n_pairs,).
        group_sizes: Features per group.
        usual: The precision to start from, per group.
        centre: Mean of each weight's prior, zero by default, (n_features,).
        on_progress: Is told of each setting tried.

    Returns:
        One precision per group.
    """
    start = np.log10(np.asarray(usual, dtype=float))
    tried: dict[tuple[float, ...], float] = {}
    best = np.inf, 0.0

    def cost(exponents: FloatArray) -> float:
        nonlocal best
        key = tuple(exponents.round(3))
        if key not in tried:
            precision = spread_precisions(10**exponents, group_sizes)
            logits = held_out_logits(features, comparisons, folds, precision, centre=centre)
            loss = cross_entropy(logits, comparisons.share, comparisons.weight)
            tried[key] = loss + NATS_PER_DECADE * float(np.square(exponents - start).sum())
            best = min(best, (loss / comparisons.weight.sum(), -_accuracy(logits, comparisons)))
            if on_progress is not None:
                on_progress(len(tried), best[0], -best[1])
        return tried[key]

    exponents = start.copy()
    for _ in range(MAX_SWEEPS):
        before = exponents.copy()
        for group in np.flatnonzero(group_sizes):
            exponents = _climb(exponents, group, cost)
        if np.array_equal(before, exponents):
            break
    chosen: FloatArray = 10**exponents
    return chosen


def held_out_logits(
    features: FloatArray,
    comparisons: Comparisons,
    folds: IntArray,
    precision: FloatArray,
    *,
    centre: FloatArray | None = None,
) -> FloatArray:
    """Log-odds of each pair by a head fitted on the other folds, (n_pairs,)."""
    centre = np.zeros(features.shape[1]) if centre is None else centre
    logits = np.zeros(len(folds))
    start = None
    for fold in np.unique(folds):
        test = folds == fold
        start = _mode(features, comparisons.select(~test), precision, centre, start=start)
        logits[test] = (features[comparisons.first[test]] - features[comparisons.second[test]]) @ start
    return logits


def held_out_moderated(
    features: FloatArray,
    comparisons: Comparisons,
    folds: IntArray,
    precision: FloatArray,
    *,
    centre: FloatArray | None = None,
) -> FloatArray:
    """As ``held_out_logits``, each moderated by its own head's posterior: what a ranker says before its
    temperature, and so what a temperature has to be fitted to, (n_pairs,)."""
    logits = np.zeros(len(folds))
    for fold in np.unique(folds):
        test = folds == fold
        head = fit_head(features, comparisons.select(~test), precision, centre=centre)
        difference = features[comparisons.first[test]] - features[comparisons.second[test]]
        variance = np.sum(difference @ head.covariance * difference, axis=1)
        logits[test] = moderate(difference @ head.mean, np.sqrt(np.maximum(variance, 0)))
    return logits


def spread_precisions(precisions: FloatArray, group_sizes: Sequence[int]) -> FloatArray:
    """Repeat each group's precision for all its features."""
    return np.repeat(precisions, group_sizes)


def _climb(exponents: FloatArray, group: np.intp, cost: Callable[[FloatArray], float]) -> FloatArray:
    here = cost(exponents)
    for direction in (1.0, -1.0):
        moved = False
        while True:
            next_one = exponents.copy()
            next_one[group] += direction * np.log10(PRECISION_STEP)
            there = cost(next_one)
            if there >= here:
                break
            exponents, here, moved = next_one, there, True
        if moved:
            break
    return exponents


def _accuracy(logits: FloatArray, comparisons: Comparisons) -> float:
    decided = comparisons.share != 0.5
    right = np.sign(logits[decided]) == np.sign(comparisons.share[decided] - 0.5)
    return float(right.mean()) if decided.any() else np.nan

"""How far predicted probabilities are from observed frequencies.

Each figure has a 95 % interval that lets items of one cluster go together. Invariant: bins hold equal
shares of [0.5, 1], the confidence in the side that was predicted, so a result does not depend on which
side of a pair is called left. Non-goal: making probabilities better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blender_ui.statistics.shares import measure_shares

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
N_RESAMPLES = 500
MOST_GROUPS = 500


class Reliability(NamedTuple):
    """A reliability curve and its two summaries.

    Attributes:
        confidence: Mean predicted confidence per bin, NaN where a bin is empty, (n_bins,).
        accuracy: Share predicted right per bin, same shape.
        low: Lower ends of the accuracies' intervals, same shape.
        high: Upper ends, same shape.
        n: Pairs per bin, same shape.
        ece: Expected calibration error, the mean of |confidence - accuracy| weighted by n.
        ece_interval: Of the error, which chance alone makes larger than 0 where bins hold few.
        brier: Mean squared error of the probability that left is preferred.
        brier_interval: Of that.
    """

    confidence: FloatArray
    accuracy: FloatArray
    low: FloatArray
    high: FloatArray
    n: NDArray[np.integer]
    ece: float
    ece_interval: tuple[float, float]
    brier: float
    brier_interval: tuple[float, float]


def measure_reliability(
    probabilities: ArrayLike, outcomes: ArrayLike, *, clusters: ArrayLike | None = None, n_bins: int = 10
) -> Reliability:
    """Compare predicted probabilities with what people decided.

    Args:
        probabilities: That left is preferred, (n_pairs,), each in [0, 1].
        outcomes: 1 where left was preferred, 0 where right was, same shape.
        clusters: Number of each pair's cluster from 0 up, its prompt for example, same shape; by
            default each pair is one of its own.
        n_bins: Bins of equal width over [0.5, 1].

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; the intervals of both errors
        are percentiles over resampled clusters (Field and Welsh, JRSS B 69, 2007).
    """
    left = np.asarray(probabilities, dtype=float)
    wanted = np.asarray(outcomes, dtype=float)
    confidence = np.maximum(left, 1 - left)
    # Even odds predict no side, so they are right half the time whatever came.
    correct = 0.5 + np.sign(left - 0.5) * (wanted - 0.5)
    bins = np.clip(((confidence - 0.5) * 2 * n_bins).astype(int), 0, n_bins - 1)
    cluster = np.arange(len(left)) if clusters is None else np.asarray(clusters, dtype=np.int64)
    right = measure_shares(correct, bins, cluster, n_groups=n_bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_confidence = np.bincount(bins, confidence, n_bins) / right.n
    gap, squares = confidence - correct, np.square(left - wanted)
    errors = _resample(gap, squares, bins, cluster, n_bins)
    total = max(len(left), 1)
    ece = float(np.abs(np.bincount(bins, gap, n_bins)).sum() / total)
    brier = float(squares.sum() / total)
    return Reliability(
        confidence=mean_confidence,
        accuracy=right.share,
        low=right.low,
        high=right.high,
        n=right.n,
        ece=ece,
        ece_interval=_interval(errors[0], ece),
        brier=brier,
        brier_interval=_interval(errors[1], brier),
    )


def _resample(
    gap: FloatArray, squares: FloatArray, bins: IntArray, cluster: IntArray, n_bins: int
) -> tuple[FloatArray, FloatArray]:
    """Calibration and Brier errors of resampled clusters, each (N_RESAMPLES,)."""
    # Beyond so many clusters, groups of them are drawn: the spread between groups tells as much.
    _, number = np.unique(cluster, return_inverse=True)
    group = number % MOST_GROUPS
    n_groups = int(group.max(initial=0)) + 1
    of_bin = np.bincount(group * n_bins + bins, gap, n_groups * n_bins).reshape(n_groups, n_bins)
    drawn = np.random.default_rng(0).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=N_RESAMPLES)
    total = np.maximum(drawn @ np.bincount(group, minlength=n_groups), 1)
    ece = np.abs(drawn @ of_bin).sum(axis=1) / total
    return ece, drawn @ np.bincount(group, squares, n_groups) / total


def _interval(resampled: FloatArray, value: float) -> tuple[float, float]:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return min(float(low), value), max(float(high), value)

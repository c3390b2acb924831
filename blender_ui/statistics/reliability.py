"""How far predicted probabilities are from observed frequencies.

Invariant: bins hold equal shares of [0.5, 1], the confidence in the side that was predicted, so a
result does not depend on which side of a pair is called left. Non-goal: making probabilities better.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]


class Reliability(NamedTuple):
    """A reliability curve and its two summaries.

    Attributes:
        confidence: Mean predicted confidence per bin, NaN where a bin is empty, (n_bins,).
        accuracy: Share predicted right per bin, same shape.
        n: Pairs per bin, same shape.
        ece: Expected calibration error, the mean of |confidence - accuracy| weighted by n.
        brier: Mean squared error of the probability that left is preferred.
    """

    confidence: FloatArray
    accuracy: FloatArray
    n: NDArray[np.integer]
    ece: float
    brier: float


def measure_reliability(probabilities: ArrayLike, outcomes: ArrayLike, *, n_bins: int = 10) -> Reliability:
    """Compare predicted probabilities with what people decided.

    Args:
        probabilities: That left is preferred, (n_pairs,), each in [0, 1].
        outcomes: 1 where left was preferred, 0 where right was, same shape.
        n_bins: Bins of equal width over [0.5, 1].

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    left = np.asarray(probabilities, dtype=float)
    wanted = np.asarray(outcomes, dtype=float)
    confidence = np.maximum(left, 1 - left)
    # Even odds predict no side, so they are right half the time whatever came.
    correct = 0.5 + np.sign(left - 0.5) * (wanted - 0.5)
    bins = np.clip(((confidence - 0.5) * 2 * n_bins).astype(int), 0, n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(bins, confidence, n_bins) / n
        mean_correct = np.bincount(bins, correct, n_bins) / n
    gaps = np.abs(np.nan_to_num(mean_confidence - mean_correct))
    total = max(len(left), 1)
    return Reliability(
        mean_confidence,
        mean_correct,
        n,
        float(gaps @ n / total),
        float(np.square(left - wanted).sum() / total),
    )

"""Calibration: log-odds to probabilities that match the observed frequencies.

Invariant: the sign of a logit never changes, so calibration moves no rank. Non-goal: measuring how
well it worked (see ``statistics.reliability``).
"""

from __future__ import annotations

import numpy as np
import scipy

from blender_ui.values import FloatArray

LOG_TEMPERATURE_DEVIATION = 0.5
MAX_LOG_TEMPERATURE = 3.0


def moderate(logits: FloatArray, deviations: FloatArray) -> FloatArray:
    """Shrink logits whose weights are uncertain: the average probability over the posterior.

    Args:
        logits: Posterior means, any shape.
        deviations: Their posterior standard deviations, same shape.

    Source:
        MacKay, "The evidence framework applied to classification networks", Neural Computation 4 (1992).
    """
    moderated: FloatArray = logits / np.sqrt(1 + np.pi / 8 * np.square(deviations))
    return moderated


def cross_entropy(logits: FloatArray, share: FloatArray, weight: FloatArray) -> float:
    """Weighted sum, in nats, of the surprise at soft targets ``share`` in [0, 1]; all (n_pairs,)."""
    return float(weight @ (np.logaddexp(0, logits) - share * logits))


def fit_temperature(logits: FloatArray, share: FloatArray, weight: FloatArray) -> float:
    """Find the temperature that logits are to be divided by.

    Args:
        logits: Of pairs the ranker was not fitted on, (n_pairs,).
        share: Their mean preference, in [0, 1], same shape.
        weight: Labels each pair counts for, same shape.

    Returns:
        A positive number, near 1 while there are few pairs: its logarithm has a Gaussian prior of
        deviation 0.5.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """

    def surprise(log_temperature: float) -> float:
        penalty = 0.5 * (log_temperature / LOG_TEMPERATURE_DEVIATION) ** 2
        return cross_entropy(logits / np.exp(log_temperature), share, weight) + penalty

    found = scipy.optimize.minimize_scalar(
        surprise, bounds=(-MAX_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE), method="bounded"
    )
    return float(np.exp(found.x))

"""What each part of a reading adds to a fast ranker's logits.

Invariant: a pair's contributions add up to its logit exactly, because the logit is linear in the
features up to one factor that all of a pair's contributions share: uncertainty and temperature.
Non-goal: tokens; see ``attribution``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blender_ui.ranking.fast.basis import Basis
from blender_ui.ranking.fast.head import Head
from blender_ui.values import FloatArray, IntArray

CHUNK = 4096
"""Pairs that are multiplied out at a time, so that memory does not grow with their number."""


class PairReadings(NamedTuple):
    """What a fast ranker says of m ordered pairs, and why.

    Attributes:
        logits: Calibrated log-odds that the first is better, (m,).
        deviations: Posterior standard deviations of the logits, same shape.
        by_group: Each feature group's part of the logit, (m, n_groups); rows add up to ``logits``.
        factor: What a difference of utilities is multiplied by to be the logit, (m,).
    """

    logits: FloatArray
    deviations: FloatArray
    by_group: FloatArray
    factor: FloatArray


class ReadingWeights(NamedTuple):
    """How a reading enters the utility: ``clip((reading - centre) / scale) @ weights``.

    Attributes:
        centre, scale, weights: Each of shape (width,); ``basis.MAX_DEVIATIONS`` is where it is cut.
    """

    centre: FloatArray
    scale: FloatArray
    weights: FloatArray


def weigh_readings(basis: Basis, weights: FloatArray) -> ReadingWeights:
    """Take the weights of a basis' features back to the columns of the readings.

    Args:
        basis: Makes features of readings.
        weights: Of its features, (sum(basis.group_sizes),).
    """
    n_likelihoods, n_surface, _ = basis.group_sizes
    likelihoods, surface, hidden = np.split(weights, [n_likelihoods, n_likelihoods + n_surface])
    by_column = np.concatenate(
        [
            likelihoods / np.sqrt(max(n_likelihoods, 1)),
            surface / np.sqrt(max(n_surface, 1)),
            basis.components @ hidden,
        ]
    )
    length = np.arange(n_likelihoods, n_likelihoods + len(basis.length_slopes))
    by_column[length] -= basis.length_slopes @ by_column
    return ReadingWeights(basis.centre, basis.scale, by_column)


def read_pairs(
    features: FloatArray,
    head: Head,
    *,
    group_sizes: list[int],
    temperature: float,
    first: IntArray,
    second: IntArray,
) -> PairReadings:
    """Compare pairs of candidates by their features.

    Args:
        features: Of n candidates, (n, n_features), the groups side by side.
        head: Weights and their covariance.
        group_sizes: Features per group.
        temperature: That logits are divided by.
        first: Index of each pair's first candidate, (m,).
        second: Of the second, same shape.
    """
    ends = np.cumsum(group_sizes)
    weighted = features * head.mean
    sums = [weighted[:, end - size : end].sum(axis=1) for size, end in zip(group_sizes, ends, strict=True)]
    by_candidate = np.column_stack(sums)
    by_group = by_candidate[first] - by_candidate[second]
    spread = features @ head.covariance  # once a candidate, which is in several pairs
    variances = np.zeros(len(first))
    for start in range(0, len(first), CHUNK):
        one, other = first[start : start + CHUNK], second[start : start + CHUNK]
        variances[start : start + CHUNK] = np.einsum(
            "ij,ij->i", spread[one] - spread[other], features[one] - features[other]
        )
    deviations = np.sqrt(np.maximum(variances, 0.0))
    # As ``calibration.moderate`` shrinks a logit, and so each part of it alike.
    factor = 1 / np.sqrt(1 + np.pi / 8 * np.square(deviations)) / temperature
    by_group = by_group * factor[:, None]
    return PairReadings(by_group.sum(axis=1), deviations / temperature, by_group, factor)

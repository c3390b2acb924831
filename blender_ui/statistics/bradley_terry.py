"""Bradley-Terry strengths from pairwise preferences, with intervals.

Invariant: strengths are on the natural-log-odds scale and shrunk towards 0, so players that never
met and players that never lost have finite strengths. Non-goal: reading texts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

FloatArray = NDArray[np.floating]
NORMAL_95 = 1.959963984540054
MAX_NEWTON_STEPS = 50
STEP_TOLERANCE = 1e-8


class BradleyTerry(NamedTuple):
    """Fitted strengths; the difference of two is the log-odds that the first is preferred.

    Attributes:
        strengths: Shape (n_players,).
        covariance: Shape (n_players, n_players).
    """

    strengths: FloatArray
    covariance: FloatArray

    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of each strength's 95 % interval, each (n_players,)."""
        margin = NORMAL_95 * np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return self.strengths - margin, self.strengths + margin


def fit_bradley_terry(
    left: ArrayLike,
    right: ArrayLike,
    target: ArrayLike,
    *,
    n_players: int,
    precision: float = 0.1,
    clusters: ArrayLike | None = None,
) -> BradleyTerry:
    """Fit one strength per player by penalised maximum likelihood.

    Args:
        left: Player index of the first side of each preference, (n_preferences,).
        right: Player index of the second side, same shape.
        target: Share of preference for left in [0, 1]; a tie is .5. Same shape.
        n_players: Number of players; those without a preference get 0.
        precision: Of the Gaussian prior around 0, in 1 / log-odds squared. Must be positive.
        clusters: A group per preference, for example its prompt. When given, the covariance is
            the sandwich estimate, which stays honest when preferences of one group go together.

    Returns:
        Strengths that sum to 0 and their covariance.

    Source:
        Bradley and Terry, Biometrika 39 (1952); Liang and Zeger, Biometrika 73 (1986) for the sandwich.
    """
    first, second = np.asarray(left, dtype=np.intp), np.asarray(right, dtype=np.intp)
    wanted = np.asarray(target, dtype=float)
    strengths = np.zeros(n_players)
    for _ in range(MAX_NEWTON_STEPS):
        gradient, hessian = _derivatives(strengths, first, second, wanted, precision)
        step = np.linalg.solve(hessian, gradient)
        strengths = strengths - step
        if np.abs(step).max(initial=0.0) < STEP_TOLERANCE:
            break
    _, hessian = _derivatives(strengths, first, second, wanted, precision)
    covariance = np.linalg.inv(hessian)
    if clusters is not None:
        residual = wanted - expit(strengths[first] - strengths[second])
        groups, group = np.unique(np.asarray(clusters), return_inverse=True)
        scores = np.zeros((len(groups), n_players))
        np.add.at(scores, (group, first), residual)
        np.add.at(scores, (group, second), -residual)
        covariance = covariance @ (scores.T @ scores) @ covariance
    return BradleyTerry(strengths - strengths.mean() if n_players else strengths, covariance)


def _derivatives(
    strengths: FloatArray,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    wanted: FloatArray,
    precision: float,
) -> tuple[FloatArray, FloatArray]:
    """Gradient and Hessian of the negative log posterior."""
    n_players = len(strengths)
    probability = expit(strengths[first] - strengths[second])
    residual, weight = probability - wanted, probability * (1 - probability)
    gradient = precision * strengths
    gradient += np.bincount(first, residual, n_players) - np.bincount(second, residual, n_players)
    between = np.zeros((n_players, n_players))
    np.add.at(between, (first, second), weight)
    between += between.T
    hessian = np.diag(between.sum(axis=1) + precision) - between
    # A preference of a player against itself adds weight on the diagonal of both terms, which cancels.
    return gradient, hessian

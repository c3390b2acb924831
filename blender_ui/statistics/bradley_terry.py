"""Bradley-Terry strengths from pairwise preferences, with intervals, also with style held equal.

Invariant: strengths are on the natural-log-odds scale, sum to 0 and are shrunk towards it, so players
that never met and players that never lost have finite strengths. Preferences are summed up to a
matrix of wins first, so a step costs no more for a million of them. Non-goal: reading texts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
NORMAL_95 = 1.959963984540054
PRECISION = 0.1
"""Of the Gaussian prior around 0, in 1 / log-odds squared."""
MAX_NEWTON_STEPS = 100
STEP_TOLERANCE = 1e-6
"""Newton's next step would be about the square of the last one, in log-odds: too small to be seen."""
STYLED_TOLERANCE = 1e-8
_ROWS_AT_ONCE = 65_536
"""Preferences that are counted at once: what is made of them on the way stays in the processor's cache."""
_CELLS = 20_000_000
"""Of the clusters' scores that are held at once, so that memory does not grow with the clusters."""


class BradleyTerry(NamedTuple):
    """Fitted strengths; the difference of two is the log-odds that the first is preferred.

    Attributes:
        strengths: Shape (n_players,).
        covariance: Of the strengths as differences from their mean, (n_players, n_players).
    """

    strengths: FloatArray
    covariance: FloatArray

    def margins(self) -> FloatArray:
        """Half-width of each strength's 95 % interval, (n_players,)."""
        return np.asarray(NORMAL_95 * np.sqrt(np.maximum(np.diag(self.covariance), 0.0)))

    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of each strength's 95 % interval, each (n_players,)."""
        margin = self.margins()
        return self.strengths - margin, self.strengths + margin


class StyledBradleyTerry(NamedTuple):
    """Strengths with style held equal, and what style itself is worth.

    Attributes:
        rating: Strengths and their covariance, as ``BradleyTerry`` has them.
        effects: Log-odds for one unit more of each covariate on a side, (n_covariates,).
        effect_margins: Half-widths of the effects' 95 % intervals, same shape.
    """

    rating: BradleyTerry
    effects: FloatArray
    effect_margins: FloatArray


def count_wins(left: ArrayLike, right: ArrayLike, target: ArrayLike, *, n_players: int) -> FloatArray:
    """Sum preferences up: entry [i, j] is how often i was preferred to j, a tie half, (n, n).

    Args:
        left: Player index of the first side of each preference, (n_preferences,).
        right: Player index of the second side, same shape.
        target: Share of preference for left in [0, 1]; a tie is .5. Same shape.
        n_players: n.
    """
    first, second = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    wanted = np.asarray(target, dtype=float)
    size = n_players * n_players
    won, met = np.zeros(size), np.zeros(size)
    for start in range(0, len(first), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        pair = first[part] * n_players
        pair += second[part]
        won += np.bincount(pair, wanted[part], size)
        met += np.bincount(pair, minlength=size)
    lost = met - won
    return np.asarray(won.reshape(n_players, n_players) + lost.reshape(n_players, n_players).T)


def fit_wins(wins: ArrayLike, *, precision: float = PRECISION) -> BradleyTerry:
    """Fit one strength per player by penalised maximum likelihood, with Fisher's covariance.

    Args:
        wins: As ``count_wins`` gives it, (n_players, n_players); the diagonal does not count.
        precision: Of the prior, positive.
    """
    won = np.array(wins, dtype=float)
    np.fill_diagonal(won, 0.0)
    here = _look(np.zeros(len(won)), won, precision)
    for _ in range(MAX_NEWTON_STEPS):
        step = np.linalg.solve(here.hessian, here.gradient)
        there = _look(here.strengths - step, won, precision)
        while there.cost > here.cost + 1e-9 * abs(here.cost) and _size(step) > STEP_TOLERANCE:
            step = step / 2
            there = _look(here.strengths - step, won, precision)
        here = there
        if _size(step) < STEP_TOLERANCE:
            break
    return _centred(here.strengths, np.linalg.inv(here.hessian))


def fit_bradley_terry(
    left: ArrayLike,
    right: ArrayLike,
    target: ArrayLike,
    *,
    n_players: int,
    precision: float = PRECISION,
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
    wins = count_wins(left, right, target, n_players=n_players)
    fit = fit_wins(wins, precision=precision)
    if clusters is None:
        return fit
    told = _collect(left, right, target, np.zeros((len(np.asarray(target)), 0)), n_players)
    residual = told.wanted - told.predict(fit.strengths, np.zeros(0))
    meat = _clustered_meat(told, residual, clusters, n_players)
    return _centred(fit.strengths, fit.covariance @ meat @ fit.covariance)


def fit_styled_bradley_terry(
    left: ArrayLike,
    right: ArrayLike,
    target: ArrayLike,
    covariates: ArrayLike,
    *,
    n_players: int,
    precision: float = PRECISION,
    clusters: ArrayLike | None = None,
    start: StyledBradleyTerry | None = None,
) -> StyledBradleyTerry:
    """Fit strengths beside effects of how the left answer differs from the right one in style.

    Args:
        left: As ``fit_bradley_terry``, like the arguments below that are not explained.
        right: Likewise.
        target: Likewise.
        covariates: Left's minus right's value of each covariate, (n_preferences, n_covariates).
        n_players: Likewise.
        precision: Of the prior of strengths and effects alike.
        clusters: Likewise.
        start: A fit of the same preferences, for example without clusters, which spares the search.

    Source:
        Li, Angelopoulos and Chiang, "Does style matter? Disentangling style and substance in Chatbot
        Arena" (2024): the same logistic model with style differences beside the players' columns.
    """
    told = _collect(left, right, target, covariates, n_players)
    if start is None:
        plain = fit_wins(count_wins(left, right, target, n_players=n_players), precision=precision)
        weights = np.concatenate([plain.strengths, np.zeros(told.style.shape[1])])
    else:
        weights = np.concatenate([start.rating.strengths, start.effects])
    for _ in range(MAX_NEWTON_STEPS):
        gradient, hessian = _styled_derivatives(weights, told, n_players, precision)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max(initial=0.0) < STYLED_TOLERANCE:
            break
    covariance = np.linalg.inv(hessian)  # of the last step, which moved nothing that can be seen
    if clusters is not None:
        residual = told.wanted - told.predict(weights[:n_players], weights[n_players:])
        covariance = covariance @ _clustered_meat(told, residual, clusters, n_players) @ covariance
    rating = _centred(weights[:n_players], covariance[:n_players, :n_players])
    variance = np.maximum(np.diag(covariance)[n_players:], 0.0)
    return StyledBradleyTerry(rating, weights[n_players:], np.asarray(NORMAL_95 * np.sqrt(variance)))


def _collect(
    left: ArrayLike, right: ArrayLike, target: ArrayLike, covariates: ArrayLike, n_players: int
) -> _Preferences:
    pair = np.asarray(left, dtype=np.int64) * n_players + np.asarray(right, dtype=np.int64)
    return _Preferences(pair, np.asarray(target, dtype=float), np.asarray(covariates, dtype=float))


class _Look(NamedTuple):
    """The negative log posterior at some strengths, in nats, and its derivatives."""

    strengths: FloatArray
    cost: float
    gradient: FloatArray
    hessian: FloatArray


def _look(strengths: FloatArray, wins: FloatArray, precision: float) -> _Look:
    probability = scipy.special.expit(strengths[:, None] - strengths)
    # A step that is much too long may end where a probability is 0 in floating point.
    surprise = -np.log(np.maximum(probability, np.finfo(float).tiny))
    met = wins + wins.T
    expected = met * probability
    gradient = expected.sum(axis=1) - wins.sum(axis=1) + precision * strengths
    return _Look(
        strengths,
        float((wins * surprise).sum() + 0.5 * precision * (strengths @ strengths)),
        gradient,
        _with_prior(expected * probability.T, precision),
    )


def _size(step: FloatArray) -> float:
    return float(np.abs(step).max(initial=0.0))


def _with_prior(between: FloatArray, precision: float) -> FloatArray:
    """The strengths' Hessian from what each pair weighs.

    Only differences are seen in preferences. The constant term fixes the mean, which the prior would
    fix too, but with a number so small beside a million preferences that digits would be lost.
    """
    hessian = np.diag(between.sum(axis=1) + precision) - between
    anchor = max(float(np.diag(hessian).mean()) if len(hessian) else 1.0, precision)
    return np.asarray(hessian + anchor / max(len(hessian), 1))


class _Preferences(NamedTuple):
    """Preferences with covariates, ``pair`` being first * n_players + second."""

    pair: IntArray
    wanted: FloatArray
    style: FloatArray

    def predict(self, strengths: FloatArray, effects: FloatArray) -> FloatArray:
        gaps = (strengths[:, None] - strengths[None, :]).ravel()
        return np.asarray(scipy.special.expit(gaps[self.pair] + self.style @ effects))

    def sum_by_pair(self, values: FloatArray, n_players: int) -> FloatArray:
        size = n_players * n_players
        return np.asarray(np.bincount(self.pair, values, size).reshape(n_players, n_players), dtype=float)


def _styled_derivatives(
    weights: FloatArray, told: _Preferences, n_players: int, precision: float
) -> tuple[FloatArray, FloatArray]:
    probability = told.predict(weights[:n_players], weights[n_players:])
    residual, weight = probability - told.wanted, probability * (1 - probability)
    surprise = told.sum_by_pair(residual, n_players)
    gradient = np.concatenate([surprise.sum(axis=1) - surprise.sum(axis=0), residual @ told.style])
    weighed = weight[:, None] * told.style
    cross = np.zeros((n_players, told.style.shape[1]))
    for column, values in enumerate(weighed.T):
        moved = told.sum_by_pair(values, n_players)
        cross[:, column] = moved.sum(axis=1) - moved.sum(axis=0)
    among = told.style.T @ weighed + precision * np.eye(told.style.shape[1])
    between = told.sum_by_pair(weight, n_players)
    np.fill_diagonal(between, 0.0)
    hessian = np.block([[_with_prior(between + between.T, precision), cross], [cross.T, among]])
    return gradient + precision * weights, hessian


def _clustered_meat(told: _Preferences, residual: FloatArray, clusters: ArrayLike, size: int) -> FloatArray:
    """Sum over clusters of the outer product of a cluster's score, (n_weights, n_weights)."""
    n_weights = size + told.style.shape[1]
    meat = np.zeros((n_weights, n_weights))
    group = _renumber(np.asarray(clusters))
    n_groups, n_block = int(group.max(initial=-1)) + 1, max(_CELLS // max(n_weights, 1), 1)
    order = np.argsort(group, kind="stable") if n_groups > n_block else np.arange(len(group))
    for start in range(0, n_groups, n_block):
        n_here = min(n_block, n_groups - start)
        ends = (start, start + n_here) if n_groups > n_block else (0, n_groups)
        inside = order[slice(*np.searchsorted(group[order], ends))] if n_groups > n_block else order
        here, moved = group[inside] - start, residual[inside]
        first, second = np.divmod(told.pair[inside], size)
        scores = np.bincount(here * size + first, moved, n_here * size)
        scores -= np.bincount(here * size + second, moved, n_here * size)
        styled = [np.bincount(here, moved * part[inside], n_here) for part in told.style.T]
        whole = np.column_stack([scores.reshape(n_here, size), *styled])
        meat += whole.T @ whole
    return meat


def _renumber(clusters: NDArray[np.generic]) -> IntArray:
    """Numbers from 0 up, equal where the clusters are; without a sort where they are ids of rows."""
    is_dense = clusters.dtype.kind in "iu" and len(clusters) and clusters.min() >= 0
    if not is_dense or clusters.max() > 10 * len(clusters):
        return np.asarray(np.unique(clusters, return_inverse=True)[1])
    is_used = np.zeros(int(clusters.max()) + 1, dtype=bool)
    is_used[clusters] = True
    return np.asarray((np.cumsum(is_used) - 1)[clusters])


def _centred(strengths: FloatArray, covariance: FloatArray) -> BradleyTerry:
    size = len(strengths)
    if not size:
        return BradleyTerry(strengths, covariance)
    centre = np.eye(size) - np.full((size, size), 1 / size)
    return BradleyTerry(strengths - strengths.mean(), centre @ covariance @ centre)

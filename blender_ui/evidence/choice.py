"""Fitting which of several is right: a conditional logit, and a linear model of graded outcomes.

Both have Gaussian priors around 0, one precision for each block of columns, and the data choose the
precisions (empirical Bayes), so that columns which carry nothing weigh nothing. Invariant: adding a constant
to all rows of one set changes no prediction within it. Non-goal: where columns come from.

Sources: McFadden, "Conditional logit analysis of qualitative choice behavior", 1974; MacKay, "Bayesian
interpolation", Neural Computation 4 (1992).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blender_ui.values import FloatArray, IntArray

N_ROUNDS = 8
"""Of choosing precisions."""
N_STEPS = 30
SMALLEST_STEP = 1e-5
PRECISIONS = (0.02, 1e4)
LEAST_DETERMINED = 0.3
"""Parameters that a block counts as determined at the least; keeps its precision finite."""


class _Sets(NamedTuple):
    """Rows of one set stand together."""

    starts: IntArray
    of_row: IntArray

    def sum(self, values: FloatArray) -> FloatArray:
        total: FloatArray = np.add.reduceat(values, self.starts, axis=0)
        return total


def fit_logit(
    rows: FloatArray,
    sets: IntArray,
    share: FloatArray,
    blocks: IntArray,
    *,
    offset: FloatArray | None = None,
) -> FloatArray:
    """Weights under which the softmax over each set's rows meets what was right.

    Args:
        rows: Shape (n, width).
        sets: A number per row, equal within a set, whose rows stand together, (n,).
        share: How right each row is, at least 0 and not all 0 within a set, (n,); of a preference between
            two, its target and one minus it.
        blocks: Of each column its block, 0 up, (width,).
        offset: Utility that counts as it is, (n,).

    Returns:
        Shape (width,).
    """
    table = _table(sets)
    target = share / table.sum(share)[table.of_row]
    given = np.zeros(len(rows)) if offset is None else offset
    precisions: FloatArray = np.ones(int(blocks.max(initial=0)) + 1)
    weights: FloatArray = np.zeros(rows.shape[1])
    for _ in range(N_ROUNDS):
        weights, hessian = _climb(rows, table, target, given, precisions[blocks], weights)
        precisions = _choose(precisions, blocks, weights, np.linalg.inv(hessian))
    return weights


def fit_graded(rows: FloatArray, outcome: FloatArray, blocks: IntArray) -> FloatArray:
    """Weights of a linear model of outcomes, both centred within their sets.

    Args:
        rows: Shape (n, width).
        outcome: Shape (n,).
        blocks: As in ``fit_logit``.

    Returns:
        Shape (width,).
    """
    precisions: FloatArray = np.ones(int(blocks.max(initial=0)) + 1)
    noise = 1 / max(float(outcome.var()), 1e-9)
    products, towards = rows.T @ rows, rows.T @ outcome
    weights: FloatArray = np.zeros(rows.shape[1])
    for _ in range(2 * N_ROUNDS):
        covariance = np.linalg.inv(noise * products + np.diag(precisions[blocks]))
        weights = noise * covariance @ towards
        traces = np.bincount(blocks, np.diag(covariance), len(precisions))
        determined = np.bincount(blocks, minlength=len(precisions)) - precisions * traces
        precisions = _choose(precisions, blocks, weights, covariance)
        noise = max(len(rows) - float(determined.sum()), 1.0) / max(
            float(((outcome - rows @ weights) ** 2).sum()), 1e-9
        )
    return weights


def _table(sets: IntArray) -> _Sets:
    starts = np.flatnonzero(np.r_[True, sets[1:] != sets[:-1]])
    return _Sets(starts, np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(sets)])))


def _climb(
    rows: FloatArray,
    table: _Sets,
    target: FloatArray,
    offset: FloatArray,
    precision: FloatArray,
    weights: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Newton's method with halved steps, to the posterior's mode, and the Hessian there."""
    chances, loss = _softmax(rows @ weights + offset, table, target)
    loss += 0.5 * float(precision @ weights**2)
    for _ in range(N_STEPS):
        gradient = rows.T @ (chances - target) + precision * weights
        means = table.sum(chances[:, None] * rows)
        hessian = (rows * chances[:, None]).T @ rows - means.T @ means + np.diag(precision)
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while True:
            trial = weights - size * step
            new_chances, new_loss = _softmax(rows @ trial + offset, table, target)
            new_loss += 0.5 * float(precision @ trial**2)
            if new_loss <= loss + 1e-9 or size < 1e-4:
                break
            size /= 2
        weights, chances, loss = trial, new_chances, new_loss
        if np.abs(size * step).max(initial=0) < SMALLEST_STEP:
            break
    return weights, hessian


def _softmax(utility: FloatArray, table: _Sets, target: FloatArray) -> tuple[FloatArray, float]:
    top = np.maximum.reduceat(utility, table.starts)[table.of_row]
    raised = np.exp(utility - top)
    total = table.sum(raised)[table.of_row]
    return raised / total, -float(target @ (utility - top - np.log(total)))


def _choose(
    precisions: FloatArray, blocks: IntArray, weights: FloatArray, covariance: FloatArray
) -> FloatArray:
    """MacKay's update: determined parameters over their squared weights, block by block."""
    n = len(precisions)
    traces = np.bincount(blocks, np.diag(covariance), n)
    determined = np.maximum(np.bincount(blocks, minlength=n) - precisions * traces, LEAST_DETERMINED)
    squares = np.bincount(blocks, weights**2, n)
    chosen: FloatArray = np.clip(determined / np.maximum(squares, 1e-8), *PRECISIONS)
    return chosen

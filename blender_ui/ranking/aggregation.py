"""From readings of pairs to a score and a rank for each candidate.

Invariant: a score is higher for a better candidate and a rank is 1 for the best, whatever the
policy. Non-goal: where the readings come from; nothing here knows a model or a text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.values import FloatArray, IntArray

Policy = Literal["max_logits", "max_wins"]
Pair = tuple[int, int]
Compare = Callable[[Sequence[Pair]], Sequence[float] | FloatArray]


class Tournament(NamedTuple):
    """What a tournament found.

    Attributes:
        winner: Index of the candidate with the highest score, the first of equals.
        scores: Shape (n,), estimates of the max_logits scores, sharpest for the best candidates.
        n_readings: How many ordered pairs were read.
    """

    winner: int
    scores: FloatArray
    n_readings: int


def score_candidates(pairwise_logits: FloatArray, *, policy: Policy = "max_logits") -> FloatArray:
    """Score each candidate of one prompt from the logits of every ordered pair.

    Both orders of a pair count, because a model that reads both candidates at once is not
    antisymmetric.

    Args:
        pairwise_logits: Shape (n, n). Entry [i, j] is the logit, in natural-log odds, that
            candidate i shown first is better than candidate j. The diagonal is ignored.
        policy: "max_logits" is the mean over the n - 1 rivals of the margin
            logit[i, j] - logit[j, i]; "max_wins" is the share of the 2(n - 1) readings that i
            won, a reading of exactly 0 counting half.

    Returns:
        Shape (n,), higher is better, in candidate order; 0 for a candidate without rivals.

    Raises:
        RankerError: If the matrix is empty or not square, if an entry off the diagonal is not
            finite, or if the policy is unknown.

    Source:
        Jiang, Ren and Lin, "LLM-Blender", ACL 2023, arXiv:2306.02561, section 3.3.
    """
    logits = np.array(pairwise_logits, dtype=np.float64)
    if logits.ndim != 2 or logits.shape[0] != logits.shape[1] or not len(logits):
        raise RankerError(f"expected a square matrix of at least one candidate, came shape {logits.shape}")
    np.fill_diagonal(logits, 0.0)
    if not np.isfinite(logits).all():
        raise RankerError("expected finite logits off the diagonal; the ranker gave NaN or infinity")
    n_rivals = max(len(logits) - 1, 1)
    match policy:
        case "max_logits":
            return np.asarray((logits - logits.T).sum(axis=1) / n_rivals)
        case "max_wins":
            won = (np.sign(logits) - np.sign(logits.T) + 2) / 2
            np.fill_diagonal(won, 0.0)
            return np.asarray(won.sum(axis=1) / (2 * n_rivals))
        case _:
            raise RankerError(f"expected a policy among {', '.join(get_args(Policy))}; came {policy!r}")


def score_deviations(uncertainty: FloatArray) -> FloatArray:
    """Standard deviation of each "max_logits" score, where logits are differences of utilities.

    A score is a contrast of the n utilities, with weights c that sum to 0, and the variance of a contrast is
    minus half the sum of c_k c_l var(u_k - u_l): what is known of pairs is enough, errors that answers share
    included.

    Args:
        uncertainty: Shape (n, n), symmetric: standard deviations of the logits. The diagonal is ignored.

    Returns:
        Shape (n,); 0 for a candidate without rivals.

    >>> score_deviations(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()  # twice the logit's
    [2.0, 2.0]
    """
    n = len(uncertainty)
    if n < 2:
        return np.zeros(n)
    variances = np.square(np.asarray(uncertainty, dtype=np.float64))
    np.fill_diagonal(variances, 0.0)
    weights = 2 / (n - 1) * (n * np.eye(n) - 1)
    found = -0.5 * np.einsum("ik,kl,il->i", weights, variances, weights)
    return np.asarray(np.sqrt(np.maximum(found, 0.0)))


def rank_scores(scores: FloatArray) -> IntArray:
    """Turn scores into ranks: 1 is best, and equal scores share the lowest rank.

    Args:
        scores: Shape (n,), higher is better.

    Returns:
        Shape (n,), int64: one more than the number of candidates with a higher score.

    Raises:
        RankerError: If a score is NaN.
    """
    values = np.asarray(scores, dtype=np.float64)
    if np.isnan(values).any():
        raise RankerError("expected scores that can be ordered, came NaN")
    return np.asarray((values[None, :] > values[:, None]).sum(axis=1) + 1)


def run_tournament(n_candidates: int, compare: Compare) -> Tournament:
    """Find the best of n candidates with O(n log n) readings in place of n(n - 1).

    First each candidate meets the next two on a ring, so that all stand first and second equally
    often and no shuffle is needed. A least-squares fit then predicts every reading not made. As
    long as some rival's score is within the error of those predictions of the leader's, all
    readings of the two are made; they stop at 2 n log2(n), give or take the last two rows.

    Args:
        n_candidates: n, at least 1.
        compare: Takes ordered pairs (first, second), all different and never asked before, and
            returns a logit for each, as ``pairwise_logits`` has it. Called once a round, so that
            it can read a round as one batch.

    Returns:
        The winner, the estimated scores and the number of readings. The winner can differ from
        the full matrix' winner; the speed benchmark reports how often.

    Raises:
        RankerError: If n is below 1, or ``compare`` gives other than one finite logit a pair.
    """
    if n_candidates < 1:
        raise RankerError(f"expected at least one candidate, came {n_candidates}")
    n_most = 2 * n_candidates * math.ceil(math.log2(n_candidates)) if n_candidates > 1 else 0
    logits = np.full((n_candidates, n_candidates), np.nan)
    np.fill_diagonal(logits, 0.0)
    steps = range(1, min(_RIVALS, n_candidates - 1) + 1)
    pairs = [(i, (i + step) % n_candidates) for step in steps for i in range(n_candidates)]
    scores: FloatArray = np.zeros(n_candidates)
    n_readings = 0
    while pairs:
        _read(logits, pairs, compare)
        n_readings += len(pairs)
        scores, error = _estimate_scores(logits)
        pairs = _choose_pairs(logits, scores, error) if n_readings < n_most else []
    return Tournament(winner=int(scores.argmax()), scores=scores, n_readings=n_readings)


_RIVALS = 2
_ERRORS_APART = 2.5


def _read(logits: FloatArray, pairs: Sequence[Pair], compare: Compare) -> None:
    values = np.asarray(compare(pairs), dtype=np.float64)
    if values.shape != (len(pairs),) or not np.isfinite(values).all():
        raise RankerError(f"expected {len(pairs)} finite logits from compare, came {values}")
    first, second = np.array(pairs).T
    logits[first, second] = values


def _estimate_scores(logits: FloatArray) -> tuple[FloatArray, float]:
    """The max_logits scores with unread entries predicted, and the error of one prediction.

    The model is logit[i, j] = u_i - u_j + c, with c the gain of standing first; the error is the
    standard deviation of its residuals, 0 where there are too few readings to know.
    """
    n_candidates = len(logits)
    first, second = np.nonzero(np.isfinite(logits) & ~np.eye(n_candidates, dtype=bool))
    design = np.zeros((len(first), n_candidates + 1))
    rows = np.arange(len(first))
    design[rows, first] = 1.0
    design[rows, second] = -1.0
    design[:, n_candidates] = 1.0
    solution = np.linalg.lstsq(design, logits[first, second], rcond=None)[0]
    residuals = logits[first, second] - design @ solution
    error = float(np.sqrt((residuals**2).sum() / max(len(first) - n_candidates, 1)))
    utilities = solution[:n_candidates]
    predicted = utilities[:, None] - utilities[None, :] + solution[n_candidates]
    return score_candidates(np.where(np.isfinite(logits), logits, predicted)), error


def _choose_pairs(logits: FloatArray, scores: FloatArray, error: float) -> list[Pair]:
    """The unread pairs of the leader and of the rival most likely to pass it; none when settled."""
    unread = ~np.isfinite(logits)
    n_unread = unread.sum(axis=0) + unread.sum(axis=1)
    leader = int(scores.argmax())
    doubt = _ERRORS_APART * error * np.sqrt(n_unread + n_unread[leader]) / max(len(logits) - 1, 1)
    lead = scores[leader] - scores - doubt
    lead[leader] = np.inf
    rival = int(lead.argmin())
    if lead[rival] >= 0:
        return []
    open_pairs = unread.copy()
    open_pairs[[i for i in range(len(logits)) if i not in (leader, rival)]] = False
    open_pairs.T[[leader, rival]] |= unread.T[[leader, rival]]
    return [(int(i), int(j)) for i, j in zip(*np.nonzero(open_pairs), strict=True)]

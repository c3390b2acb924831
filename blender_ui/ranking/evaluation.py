"""How often a ranker agrees with people, beside simple baselines and people themselves.

Invariant: everything fitted here is fitted on other prompts than those it predicts, and intervals
resample whole prompts. Non-goal: fitting rankers; their logits come in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from blender_ui.ranking.fast.head import fit_head, summarise
from blender_ui.ranking.fast.prior import known_members, member_columns
from blender_ui.ranking.surface import SURFACE_NAMES, surface_features
from blender_ui.statistics.bootstrap import bootstrap_mean
from blender_ui.statistics.reliability import measure_reliability
from blender_ui.values import FloatArray, IntArray, PreferenceDataset

N_FOLDS = 5
RATING_PRECISION = 0.1
STYLE_PRECISION = 1.0


class Majorities(NamedTuple):
    """The decided majority of each unordered pair of candidates that people compared.

    Attributes:
        winner: Candidate index that more people preferred, (n_pairs,).
        loser: The other candidate, same shape.
        cluster: Number of the prompt's text, equal for equal prompts, same shape.
    """

    winner: IntArray
    loser: IntArray
    cluster: IntArray


class Evaluation(NamedTuple):
    """Pairwise agreement with decided human majorities; accuracies are shares in [0, 1].

    Attributes:
        n: Decided majority pairs.
        n_prompts: Prompts they belong to.
        accuracy: Of the ranker; a logit of 0 counts one half.
        low, high: Its 95 % interval, bootstrap clustered by prompt.
        longer: Accuracy of "the longer answer wins".
        rating: Of "the member with the higher Bradley-Terry rating wins", rated on other prompts.
        style: Of a logistic fit on surface features of other prompts.
        ceiling: One person's label against the majority of the others, None with one label a pair.
        ece: Expected calibration error of the ranker's probabilities.
        brier: Their mean squared error.
    """

    n: int
    n_prompts: int
    accuracy: float
    low: float
    high: float
    longer: float
    rating: float
    style: float
    ceiling: float | None
    ece: float
    brier: float


def decided_majorities(dataset: PreferenceDataset) -> Majorities:
    """Aggregate preferences over annotators and display orders; pairs without a majority drop out."""
    pairs, votes = _votes_by_pair(dataset)
    margin = np.bincount(pairs.of, votes - 0.5, len(pairs.first))
    decided = margin != 0
    first_wins = margin[decided] > 0
    first, second = pairs.first[decided], pairs.second[decided]
    winner = np.where(first_wins, first, second)
    loser = np.where(first_wins, second, first)
    return Majorities(winner, loser, prompt_clusters(dataset)[dataset.prompt_of[winner]])


def prompt_clusters(dataset: PreferenceDataset) -> IntArray:
    """A number per prompt, equal where their conversations begin with the same turn, (n_prompts,)."""
    prints = [prompt.first_turn_fingerprint for prompt in dataset.prompts]
    return np.unique(prints, return_inverse=True)[1] if prints else np.zeros(0, dtype=np.intp)


def assign_folds(dataset: PreferenceDataset, *, seed: int, n_folds: int = N_FOLDS) -> IntArray:
    """A fold per prompt, (n_prompts,): folds of equal size, and equal prompts in one fold."""
    clusters = prompt_clusters(dataset)
    n_clusters = int(clusters.max(initial=-1)) + 1
    return (np.random.default_rng(seed).permutation(n_clusters) % n_folds)[clusters]


def evaluate(
    dataset: PreferenceDataset, logits: FloatArray, *, seed: int = 0, n_bootstrap: int = 2000
) -> Evaluation:
    """Compare a ranker and the baselines with the decided majorities of a dataset.

    Args:
        dataset: People's preferences; verdicts of models must be left out by the caller.
        logits: Log-odds that the winner beats the loser of each pair in
            ``decided_majorities(dataset)``, by a ranker that has not seen these prompts, (n_pairs,).
        seed: Of the folds and of the bootstrap.
        n_bootstrap: Resamples of the prompts.
    """
    pairs = decided_majorities(dataset)
    accuracy = bootstrap_mean(score_logits(logits), pairs.cluster, seed=seed, n_resamples=n_bootstrap)
    reliability = measure_reliability(scipy.special.expit(logits), np.ones(len(logits)))
    lengths = np.array([len(text) for text in dataset.texts], dtype=float)
    by_fold = assign_folds(dataset, seed=seed)
    return Evaluation(
        n=len(pairs.winner),
        n_prompts=len(np.unique(pairs.cluster)),
        accuracy=accuracy.value,
        low=accuracy.low,
        high=accuracy.high,
        longer=float(np.mean(score_logits(lengths[pairs.winner] - lengths[pairs.loser]))),
        rating=float(np.mean(score_logits(_rating_logits(dataset, pairs, by_fold)))),
        style=float(np.mean(score_logits(_style_logits(dataset, pairs, by_fold)))),
        ceiling=human_ceiling(dataset),
        ece=reliability.ece,
        brier=reliability.brier,
    )


def score_logits(logits: FloatArray) -> FloatArray:
    """1 where the winner was given the higher chance, .5 where both had the same, else 0."""
    return (np.sign(logits) + 1) / 2


def human_ceiling(dataset: PreferenceDataset) -> float | None:
    """Share of decided labels that agree with the decided majority of the pair's other labels.

    Returns:
        None where no pair has a decided label and a majority among its other labels.
    """
    pairs, votes = _votes_by_pair(dataset)
    margin = np.bincount(pairs.of, votes - 0.5, len(pairs.first))
    own = votes - 0.5
    others = margin[pairs.of] - own
    counts = (own != 0) & (others != 0)
    return float((np.sign(own) == np.sign(others))[counts].mean()) if counts.any() else None


class _Pairs(NamedTuple):
    first: IntArray
    second: IntArray
    of: IntArray


def _votes_by_pair(dataset: PreferenceDataset) -> tuple[_Pairs, FloatArray]:
    """Unordered pairs, the pair of each preference, and each vote as a share for the pair's first."""
    first = np.minimum(dataset.left, dataset.right)
    second = np.maximum(dataset.left, dataset.right)
    key, of = np.unique(first * max(len(dataset.texts), 1) + second, return_inverse=True)
    n = max(len(dataset.texts), 1)
    votes = np.where(dataset.left == first, dataset.target, 1 - dataset.target)
    return _Pairs(key // n, key % n, of), votes


def _rating_logits(dataset: PreferenceDataset, pairs: Majorities, by_fold: IntArray) -> FloatArray:
    members = member_columns(dataset.members, known=known_members(dataset.members))
    return _cross_fitted(members, RATING_PRECISION, dataset, pairs, by_fold)


def _style_logits(dataset: PreferenceDataset, pairs: Majorities, by_fold: IntArray) -> FloatArray:
    features = np.zeros((len(dataset.texts), len(SURFACE_NAMES)))
    for number, prompt in enumerate(dataset.prompts):
        candidates = np.flatnonzero(dataset.prompt_of == number)
        features[candidates] = surface_features(prompt, [dataset.texts[index] for index in candidates])
    deviation = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return _cross_fitted(features, STYLE_PRECISION, dataset, pairs, by_fold)


def _cross_fitted(
    features: FloatArray, precision: float, dataset: PreferenceDataset, pairs: Majorities, by_fold: IntArray
) -> FloatArray:
    """Log-odds for each pair's winner by a linear fit on the prompts of the other folds, (n_pairs,)."""
    comparisons = summarise(dataset)
    trained_in = by_fold[dataset.prompt_of[comparisons.first]]
    asked_in = by_fold[dataset.prompt_of[pairs.winner]]
    precisions = np.full(features.shape[1], precision)
    logits = np.zeros(len(pairs.winner))
    for fold in np.unique(asked_in):
        head = fit_head(features, comparisons.select(trained_in != fold), precisions)
        test = asked_in == fold
        logits[test] = (features[pairs.winner[test]] - features[pairs.loser[test]]) @ head.mean
    return logits

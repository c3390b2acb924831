"""What anybody could say of two answers without a ranker: the longer one, or the better member's.

Invariant: a member's rating comes from other preferences than those that it predicts. Non-goal: saying how
much better a ranker is; ``standing`` does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast.head import fit_head, summarise
from blender_ui.ranking.fast.prior import known_members, member_columns
from blender_ui.ranking.standing import LONGER, RATING
from blender_ui.values import BoolArray, FloatArray, IntArray, PreferenceDataset

RATING_PRECISION = 0.1
"""Of the prior of a member's rating, which keeps one that always won from an infinite rating."""


def longer_logits(dataset: PreferenceDataset) -> FloatArray:
    """1 where the left answer has more characters, -1 where it has fewer, else 0, (n_preferences,)."""
    lengths = np.array([len(text) for text in dataset.texts], dtype=float)
    return np.asarray(np.sign(lengths[dataset.left] - lengths[dataset.right]))


def rating_logits(learnt: PreferenceDataset, judged: PreferenceDataset) -> FloatArray:
    """Log-odds for the left answer by its member's Bradley-Terry rating, (n_preferences of ``judged``,).

    Args:
        learnt: What members are rated by.
        judged: Preferences over the same candidates; 0 where a member is unknown or not rated.
    """
    columns = member_columns(learnt.members, known=known_members(learnt.members))
    if not columns.shape[1]:
        return np.zeros(len(judged))
    head = fit_head(columns, summarise(learnt), np.full(columns.shape[1], RATING_PRECISION))
    strength = columns @ head.mean
    return np.asarray(strength[judged.left] - strength[judged.right])


def rating_logits_by_fold(dataset: PreferenceDataset, folds: IntArray) -> FloatArray:
    """The same for every preference of a dataset, rated by those of the other folds.

    Args:
        dataset: The preferences.
        folds: Of each preference, (n_preferences,).
    """
    logits = np.zeros(len(dataset))
    for fold in np.unique(folds):
        judged = folds == fold
        logits[judged] = rating_logits(dataset.select(~judged), dataset.select(judged))
    return logits


def held_out_baselines(dataset: PreferenceDataset, held_out: BoolArray) -> Mapping[str, FloatArray]:
    """Both baselines on the held-out preferences, by name; members are rated by the others."""
    judged = dataset.select(held_out)
    return {LONGER: longer_logits(judged), RATING: rating_logits(dataset.select(~held_out), judged)}


def baselines_by_fold(dataset: PreferenceDataset, *, seed: int) -> Mapping[str, FloatArray]:
    """Both baselines on every preference, by name; members are rated by those of the other folds.

    Args:
        dataset: The preferences.
        seed: Of the folds.
    """
    folds = assign_folds(dataset, seed=seed)[dataset.prompt_of[dataset.left]]
    return {LONGER: longer_logits(dataset), RATING: rating_logits_by_fold(dataset, folds)}

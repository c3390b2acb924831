"""What a ranker says of each preference of a dataset.

Invariant: one number a preference, the log-odds for its left side, whatever ranker is asked. Non-goal:
judging the numbers.
"""

from __future__ import annotations

import numpy as np

from blender_ui.evidence.answers import AnswerEvidence
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.protocol import Ranker
from blender_ui.values import FloatArray, PreferenceDataset


def predict_fast(
    ranker: FastRanker,
    dataset: PreferenceDataset,
    readings: FloatArray,
    evidence: AnswerEvidence | None = None,
) -> FloatArray:
    """Log-odds for each preference's left side, shape (n_preferences,), from readings of all candidates.

    Consensus counts every candidate of a prompt that was read, compared or not.
    Evidence is of all the dataset's candidates.
    """
    logits = np.zeros(len(dataset))
    prompts = dataset.prompt_of[dataset.left]
    is_read = np.any(readings, axis=1)
    is_read[dataset.left] = is_read[dataset.right] = True
    for prompt in np.unique(prompts):
        chosen = np.flatnonzero(prompts == prompt)
        used = np.flatnonzero(is_read & (dataset.prompt_of == prompt))
        matrix = ranker.pairwise_logits(
            readings[used],
            [dataset.members[index] for index in used],
            dataset.prompts[int(prompt)],
            evidence=None if evidence is None else evidence.select(used),
        )
        left, right = (np.searchsorted(used, side[chosen]) for side in (dataset.left, dataset.right))
        logits[chosen] = (matrix[left, right] - matrix[right, left]) / 2
    return logits


def predict_joint(ranker: Ranker, dataset: PreferenceDataset) -> FloatArray:
    """Log-odds for each preference's left side, shape (n_preferences,): the mean of both orders."""
    logits = np.zeros(len(dataset))
    for index in range(len(dataset)):
        left, right = int(dataset.left[index]), int(dataset.right[index])
        pair = ranker.pairwise_logits(
            dataset.prompts[int(dataset.prompt_of[left])],
            [dataset.texts[left], dataset.texts[right]],
            members=[dataset.members[left], dataset.members[right]],
        )
        logits[index] = (pair[0, 1] - pair[1, 0]) / 2
    return logits

"""Negative samples: answers to other prompts, which lose against an answer to this one.

People compare answers that are all about the prompt, so votes alone do not teach a head that an answer must
fit it. A fluent answer to another prompt then wins too often. Answers to one prompt therefore serve as
negatives for another, as in contrastive learning. Invariant: the same dataset and seed give the same
negatives. Non-goal: reading them; callers that have a reader do that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from blender_ui.values import FloatArray, IntArray, PreferenceDataset

SHARE_OF_LABELS = 0.02
SHARE_OF_PROMPTS = 1 / 3
MOST = 100
"""More negatives predict people's votes less well; see docs/experiments/fast_ranker.md."""


class Negatives(NamedTuple):
    """Pairs of an answer to a prompt and an answer to another prompt.

    Attributes:
        winner: Index of the candidate that is better, whose prompt the negative is read after, (n,).
        donor: Index of the candidate whose text it is, same shape.
    """

    winner: IntArray
    donor: IntArray


class ReadNegatives(NamedTuple):
    """Negatives as a reader read them.

    Attributes:
        winner, donor: As of ``Negatives``, (n,).
        readings: Of the donors' texts, each after its winner's prompt, (n, width).
    """

    winner: IntArray
    donor: IntArray
    readings: FloatArray

    def select(self, keep: IntArray) -> ReadNegatives:
        """Those at these positions, or where this mask is true."""
        return ReadNegatives(self.winner[keep], self.donor[keep], self.readings[keep])


def count_negatives(dataset: PreferenceDataset) -> int:
    """How many negatives a fit adds to these preferences."""
    n_prompts = len(np.unique(dataset.prompt_of[dataset.left]))
    return min(math.ceil(SHARE_OF_LABELS * len(dataset)), int(SHARE_OF_PROMPTS * n_prompts), MOST)


def choose_negatives(dataset: PreferenceDataset, n: int, *, seed: int = 0) -> Negatives:
    """Give compared prompts an answer to another one, which loses to one of its own.

    Args:
        dataset: Preferences; only prompts and candidates that are in one take part.
        n: How many prompts get one; fewer do where there are not as many, or an answer is to both prompts.
        seed: Of the choice.
    """
    rng = np.random.default_rng(seed)
    used = np.unique(np.concatenate([dataset.left, dataset.right])).astype(int)
    written = used[[bool(dataset.texts[index].strip()) for index in used]]
    prompt_of = dataset.prompt_of[written]
    prompts = rng.permutation(np.unique(prompt_of))
    n = min(n, len(prompts)) if len(prompts) > 1 else 0
    winners, donors = [], []
    for place in range(n):
        own, others = (written[prompt_of == prompts[at]] for at in (place, place - 1))
        winner, donor = int(rng.choice(own)), int(rng.choice(others))
        # An answer that was given to both prompts is no negative.
        if all(dataset.texts[donor] != dataset.texts[index] for index in own):
            winners.append(winner)
            donors.append(donor)
    return Negatives(np.array(winners, dtype=int), np.array(donors, dtype=int))

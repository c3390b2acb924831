"""Answers to other questions, as losers to learn from: an answer must be about what was asked.

People compare answers that are all about the question, so their votes alone do not teach a head to mind it:
a fluent answer to something else then wins as often as any. Answers to one question serve as negatives for
another, as in contrastive learning. Invariant: the same dataset and seed give the same negatives. Non-goal:
reading them; whoever has a reader does.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from blender_ui.values import FloatArray, IntArray, PreferenceDataset

SHARE_OF_LABELS = 0.02
SHARE_OF_PROMPTS = 1 / 3
MOST = 100
"""So few are enough to make stray answers rare; more of them, and people are less well predicted."""


class Negatives(NamedTuple):
    """Answers that stand where they do not belong.

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
    """How many negatives are learnt from beside these preferences."""
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
        # What was said to both questions is no stray.
        if all(dataset.texts[donor] != dataset.texts[index] for index in own):
            winners.append(winner)
            donors.append(donor)
    return Negatives(np.array(winners, dtype=int), np.array(donors, dtype=int))

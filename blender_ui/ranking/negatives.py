"""Answers to other questions, as losers to learn from: an answer must be about what was asked.

People compare answers that are all about the question, so their votes alone do not teach a head to mind it:
a fluent answer to something else then wins as often as any. Answers to one question serve as negatives for
another, as in contrastive learning. Invariant: the same dataset and seed give the same negatives. Non-goal:
reading them; whoever has a reader does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blender_ui.ranking.types import FloatArray, IntArray, PreferenceDataset

SHARE = 1 / 3
"""Of the prompts that get a negative; more made stray answers rarer and people less well predicted."""
MOST = 100


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


def choose_negatives(
    dataset: PreferenceDataset, *, share: float = SHARE, most: int = MOST, seed: int = 0
) -> Negatives:
    """Give some of the compared prompts an answer to another one, which loses to one of its own.

    Args:
        dataset: Preferences; only prompts and candidates that are in one take part.
        share: Of those prompts that get a negative, in [0, 1].
        most: So many at most.
        seed: Of the choice.
    """
    rng = np.random.default_rng(seed)
    used = np.unique(np.concatenate([dataset.left, dataset.right])).astype(int)
    written = used[[bool(dataset.texts[index].strip()) for index in used]]
    prompt_of = dataset.prompt_of[written]
    prompts = rng.permutation(np.unique(prompt_of))
    n_negatives = min(int(share * len(prompts)), most) if len(prompts) > 1 else 0
    winners, donors = [], []
    for place in range(n_negatives):
        own, others = (written[prompt_of == prompts[at]] for at in (place, place - 1))
        winner, donor = int(rng.choice(own)), int(rng.choice(others))
        # What was said to both questions is no stray.
        if all(dataset.texts[donor] != dataset.texts[index] for index in own):
            winners.append(winner)
            donors.append(donor)
    return Negatives(np.array(winners, dtype=int), np.array(donors, dtype=int))

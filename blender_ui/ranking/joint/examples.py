"""Preferences as what one training step takes: pairs of encoded candidates and soft targets.

Invariant: annotators who judged one pair make one example whose target is their mean and whose
weight is their number, which has the same gradient as reading it once for each of them. All
randomness is a function of the seed and the epoch, so an order can be had again after a crash.
Non-goal: the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.ranking.joint.encoding import EncodedPrompt, Encoder, Encoding
from blender_ui.ranking.joint.model import Form
from blender_ui.values import FloatArray, IntArray, PreferenceDataset


class Example(NamedTuple):
    """One judged pair as shown in one epoch.

    Attributes:
        inputs: One encoding of both candidates, or one of each for the pointwise form.
        target: Share of preference for the candidate that stands first.
        weight: How many annotators judged it.
    """

    inputs: tuple[Encoding, ...]
    target: float
    weight: float

    @property
    def n_tokens(self) -> int:
        """Length of the longest input."""
        return max(len(encoding.ids) for encoding in self.inputs)


class JudgedPairs(NamedTuple):
    """Unordered pairs of candidates with their merged judgements; all of shape (n_pairs,).

    Attributes:
        left: Index of the candidate of lower index.
        right: Index of the other.
        target: Mean share of preference for ``left``, in [0, 1].
        weight: Number of annotators.
    """

    left: IntArray
    right: IntArray
    target: FloatArray
    weight: FloatArray


def merge_judgements(dataset: PreferenceDataset) -> JudgedPairs:
    """Join the preferences over each unordered pair of different candidates.

    A preference's strength s pulls its target t towards a tie: .5 + (t - .5) s; where no strength
    was asked, s is 1. Both bad is a tie: it says nothing about which is better.
    """
    strength = np.where(np.isnan(dataset.strength), 1.0, dataset.strength)
    target = 0.5 + (dataset.target - 0.5) * strength
    swapped = dataset.left > dataset.right
    low, high = np.minimum(dataset.left, dataset.right), np.maximum(dataset.left, dataset.right)
    target = np.where(swapped, 1.0 - target, target)
    keep = low != high
    pairs, member = np.unique(np.stack([low[keep], high[keep]], axis=1), axis=0, return_inverse=True)
    weight = np.bincount(member.ravel(), minlength=len(pairs)).astype(np.float64)
    total = np.bincount(member.ravel(), weights=target[keep], minlength=len(pairs))
    return JudgedPairs(
        left=pairs[:, 0], right=pairs[:, 1], target=total / np.maximum(weight, 1), weight=weight
    )


class ExampleSource:
    """Gives batches of examples by step number, each text tokenised once.

    Attributes:
        n_steps: Batches in all epochs.
    """

    def __init__(
        self,
        dataset: PreferenceDataset,
        encoder: Encoder,
        *,
        form: Form,
        batch_size: int,
        n_epochs: int,
        seed: int,
    ) -> None:
        """Tokenise the judged candidates.

        Raises:
            RankerError: If there is nothing to learn from.
        """
        self._pairs = merge_judgements(dataset)
        if not len(self._pairs.left):
            raise RankerError("expected preferences over two different candidates, came none")
        self._encoded, self._place = _encode_judged(dataset, encoder, self._pairs)
        self._prompt_of = dataset.prompt_of
        self._form = form
        self._batch_size = batch_size
        self._seed = seed
        self._n_batches = -(-len(self._pairs.left) // batch_size)
        self.n_steps = self._n_batches * n_epochs

    def draw(self, step: int) -> list[Example]:
        """The examples of a step, counted from 0: shuffled by epoch, sides swapped at random."""
        epoch, batch = divmod(step, self._n_batches)
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._pairs.left))
        swapped = rng.random(len(order)) < 0.5
        chosen = order[batch * self._batch_size : (batch + 1) * self._batch_size]
        return [self._make_example(int(index), swapped=bool(swapped[index])) for index in chosen]

    def _make_example(self, index: int, *, swapped: bool) -> Example:
        first, second = int(self._pairs.left[index]), int(self._pairs.right[index])
        target = float(self._pairs.target[index])
        if swapped:
            first, second, target = second, first, 1.0 - target
        encoded = self._encoded[int(self._prompt_of[first])]
        i, j = self._place[first], self._place[second]
        joint = self._form == "joint"
        inputs = (encoded.pair(i, j),) if joint else (encoded.single(i), encoded.single(j))
        return Example(inputs=inputs, target=target, weight=float(self._pairs.weight[index]))


def split_micro_batches(examples: Sequence[Example], *, n_most: int) -> Iterator[list[Example]]:
    """Cut a batch into parts of like length, so that little of a part is padding."""
    ordered = sorted(examples, key=lambda example: -example.n_tokens)
    for start in range(0, len(ordered), n_most):
        yield ordered[start : start + n_most]


def _encode_judged(
    dataset: PreferenceDataset, encoder: Encoder, pairs: JudgedPairs
) -> tuple[dict[int, EncodedPrompt], dict[int, int]]:
    """Encoded prompts by prompt index, and each judged candidate's place among its prompt's."""
    by_prompt: dict[int, list[int]] = {}
    place: dict[int, int] = {}
    for candidate in np.unique(np.concatenate([pairs.left, pairs.right])).tolist():
        judged = by_prompt.setdefault(int(dataset.prompt_of[candidate]), [])
        place[candidate] = len(judged)
        judged.append(candidate)
    encoded = {
        prompt: encoder.encode(dataset.prompts[prompt], [dataset.texts[index] for index in judged])
        for prompt, judged in by_prompt.items()
    }
    return encoded, place

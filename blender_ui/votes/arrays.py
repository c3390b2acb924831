"""Prompts, standing preferences and a version's predictions, a column each.

Invariant: arrays of one value have the same length and never change. Non-goal: reading a store;
``services.quality.vote_log`` does.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from blender_ui.values import BoolArray, FloatArray, IntArray


class PromptArrays(NamedTuple):
    """Facts of prompts, each array indexed by the prompt's id.

    Attributes:
        cluster: Number of the prompt's text, equal for equal prompts.
        is_held_out: Whether no version may learn from it.
        kind: Index into ``kinds``.
        kinds: The import's category, or the kind of task that was learnt from the prompts.
        source: Index into ``sources``.
        sources: Data sets; "" for what was asked here.
    """

    cluster: IntArray
    is_held_out: BoolArray
    kind: IntArray
    kinds: tuple[str, ...]
    source: IntArray
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Every standing vote of people and judges, by ascending id; n of them.

    Attributes:
        version: Which state of the store this is.
        preference_id, comparison_id, annotator_id: Ids, (n,).
        ballot_id: What each follows from, 0 where the pair itself was answered, (n,).
        outcome: Codes of ``OutcomeCode``, as people gave them, (n,).
        counted: The same, with the ruling in its place where there is one, (n,).
        milliseconds: -1 where unknown, (n,).
        prompt_id, left_id, right_id: Of the comparison, (n,).
        is_side_drawn: Whether it was shown as left and right, and its sides were drawn at random, (n,).
        gold: Code of the right answer as shown, -1 where nobody knows it, (n,).
        is_check: Where the comparison is a gold pair or an attention check, (n,).
        is_human: Where a person said it, (n,).
        people: Names of the annotators who are people, by id.
    """

    version: Hashable
    preference_id: IntArray
    comparison_id: IntArray
    annotator_id: IntArray
    ballot_id: IntArray
    outcome: IntArray
    counted: IntArray
    milliseconds: IntArray
    prompt_id: IntArray
    left_id: IntArray
    right_id: IntArray
    is_side_drawn: BoolArray
    gold: IntArray
    is_check: BoolArray
    is_human: BoolArray
    people: dict[int, str]

    def select(self, keep: BoolArray | IntArray, *, version: Hashable) -> Votes:
        """The votes where a mask is true, or at these places; what they are is part of their version."""
        return replace(self, version=version, **_pick(self, keep))


@dataclass(frozen=True, kw_only=True)
class PreferenceArrays:
    """The standing preferences of people and judges, by ascending id; n of them.

    Attributes:
        version: Which state of the store this is.
        preference_id, comparison_id, annotator_id: Ids, (n,).
        ballot_id: What each follows from, 0 where the pair itself was answered, (n,).
        target: As ``values.TARGETS``, of the ruling where there is one, (n,).
        is_decided: Where one side won, (n,).
        is_human: Where a person said it, (n,).
        prompt_id, left_id, right_id: Of the comparison, (n,).
        left, right: Index into ``members`` of who wrote each side, (n,).
        members: Names, in the order in which they came.
        member_ids: Rows of each name.
    """

    version: Hashable
    preference_id: IntArray
    comparison_id: IntArray
    annotator_id: IntArray
    ballot_id: IntArray
    target: FloatArray
    is_decided: BoolArray
    is_human: BoolArray
    prompt_id: IntArray
    left_id: IntArray
    right_id: IntArray
    left: IntArray
    right: IntArray
    members: tuple[str, ...]
    member_ids: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        """The number of preferences."""
        return len(self.preference_id)

    @property
    def statement(self) -> IntArray:
        """Number of what was said: equal for what follows from one ballot, else each one's own, (n,)."""
        return number_statements(self.ballot_id, self.preference_id)

    def select(self, keep: BoolArray | IntArray) -> PreferenceArrays:
        """The preferences where a mask is true, or at these places."""
        return replace(self, **_pick(self, keep))


def _pick(columns: Votes | PreferenceArrays, keep: BoolArray | IntArray) -> dict[str, Any]:
    if keep.dtype == bool and keep.all():  # as where there is one project: what is left is what there was
        return {}
    return {name: value[keep] for name, value in vars(columns).items() if isinstance(value, np.ndarray)}


def number_statements(ballot_ids: IntArray, own_ids: IntArray) -> IntArray:
    """A number for each vote, equal for those of one ballot: what counts once in an interval.

    Args:
        ballot_ids: 0 where a vote is of none, (n,).
        own_ids: Different for different votes, (n,).
    """
    return np.where(ballot_ids > 0, ballot_ids + int(own_ids.max(initial=0)), own_ids)


class Predictions(NamedTuple):
    """What one version said of m comparisons.

    Attributes:
        comparison_id: Ascending, (m,).
        logit: That left is better when shown first, (m,).
        swapped: That left is better when right is shown first, same shape; equal for a fast version.
    """

    comparison_id: IntArray
    logit: FloatArray
    swapped: FloatArray

    @property
    def mean(self) -> FloatArray:
        """What the version decides by: the mean of both orders, (m,)."""
        return (self.logit + self.swapped) / 2

    def find(self, comparison_ids: IntArray) -> tuple[BoolArray, IntArray]:
        """Which of some comparisons are predicted, (n,), and the place of each one that is."""
        if not len(self.comparison_id):
            return np.zeros(len(comparison_ids), dtype=bool), np.zeros(0, dtype=np.int64)
        place = np.searchsorted(self.comparison_id, comparison_ids)
        place = np.minimum(place, len(self.comparison_id) - 1)
        known = self.comparison_id[place] == comparison_ids
        return known, place[known]

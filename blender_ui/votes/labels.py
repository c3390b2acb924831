"""The labels of people among the standing votes, for the Quality page: checks are in, rulings are not.

An item is an unordered pair of candidates, whichever side each was shown on; of an annotator's labels of one
item the latest counts. Invariant: the arrays of one version never change. Non-goal: what is made of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from blender_ui.values import BoolArray, FloatArray, IntArray, OutcomeCode, is_decided
from blender_ui.votes.arrays import Votes, number_statements

N_OUTCOMES = len(OutcomeCode)


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels that stand, by ascending id; n of them, on m items.

    Attributes:
        version: Which state of the store this is.
        preference_id, comparison_id: Ids, (n,).
        annotator: Place in ``annotator_ids``, (n,).
        annotator_ids: Ids of the annotators with a label.
        names: Theirs.
        outcome: Codes of ``OutcomeCode``, as shown, (n,).
        choice: As of the item: LEFT where the candidate with the lower id won, (n,).
        is_side_drawn: Whether the sides were drawn at random, (n,).
        gold: The right answer as shown, -1 where nobody knows it, (n,).
        seconds: NaN where unknown, (n,).
        item: Number of the item, (n,).
        low_id, high_id: Candidates of each item, (m,).
        statement: Number of what was said, equal for the labels of one ballot, (n,).
        cluster: Number of each item's cluster, (m,): items of one prompt about which ballots said something
            are of one, because the same ballots are about them; others are their own.
    """

    version: Hashable
    preference_id: IntArray
    comparison_id: IntArray
    annotator: IntArray
    annotator_ids: IntArray
    names: tuple[str, ...]
    outcome: IntArray
    choice: IntArray
    is_side_drawn: BoolArray
    gold: IntArray
    seconds: FloatArray
    item: IntArray
    low_id: IntArray
    high_id: IntArray
    statement: IntArray
    cluster: IntArray

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.preference_id)


def find_labels(votes: Votes) -> Labels:
    """The labels among the standing votes."""
    low, high = np.minimum(votes.left_id, votes.right_id), np.maximum(votes.left_id, votes.right_id)
    comparisons, of = _number(votes.comparison_id)
    one = np.zeros(len(comparisons), dtype=np.int64)
    one[of] = np.arange(len(of))
    pairs = low[one] * (int(high.max(initial=0)) + 1) + high[one]
    _, first, item_of = np.unique(pairs, return_index=True, return_inverse=True)
    stands = votes.is_human.copy()
    stands[stands] = _is_last(item_of[of[stands]], votes.annotator_id[stands])
    items, item = _number(item_of[of[stands]])
    statement = number_statements(votes.ballot_id[stands], votes.preference_id[stands])
    annotator_ids, who = _number(votes.annotator_id[stands])
    shown, milliseconds = votes.outcome[stands], votes.milliseconds[stands]
    is_turned = (votes.left_id != low)[stands] & is_decided(shown)
    return Labels(
        version=votes.version,
        preference_id=votes.preference_id[stands],
        comparison_id=votes.comparison_id[stands],
        annotator=who,
        annotator_ids=annotator_ids,
        names=tuple(votes.people[int(annotator_id)] for annotator_id in annotator_ids),
        outcome=shown,
        choice=np.where(is_turned, 1 - shown, shown),
        is_side_drawn=votes.is_side_drawn[stands],
        gold=votes.gold[stands],
        seconds=np.where(milliseconds < 0, np.nan, milliseconds / 1000),
        item=item,
        low_id=low[one][first[items]],
        high_id=high[one][first[items]],
        statement=_number(statement)[1],
        cluster=_find_clusters(item, votes.ballot_id[stands], votes.prompt_id[stands], len(items)),
    )


def count_choices(log: Labels) -> IntArray:
    """How many annotators made each choice on each item, (m, N_OUTCOMES); each choice's lie together."""
    n_items = len(log.low_id)
    return (
        np.bincount(log.choice * n_items + log.item, minlength=n_items * N_OUTCOMES).reshape(N_OUTCOMES, -1).T
    )


def _find_clusters(item: IntArray, ballot_id: IntArray, prompt_id: IntArray, n_items: int) -> IntArray:
    """The cluster of each item, from the labels' item, ballot and prompt."""
    has_ballot = np.bincount(item, ballot_id > 0, n_items) > 0
    prompt = np.zeros(n_items, dtype=np.int64)
    prompt[item] = prompt_id
    numbers = np.where(has_ballot, n_items + prompt, np.arange(n_items))
    return np.asarray(np.unique(numbers, return_inverse=True)[1]) if has_ballot.any() else numbers


def _number(values: IntArray) -> tuple[IntArray, IntArray]:
    """The distinct values, ascending, and each one's place among them; for ids, which are not far apart."""
    is_there = np.bincount(values) > 0
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[values]


def _is_last(item: IntArray, annotator: IntArray) -> BoolArray:
    """Whether no later label is by the same annotator on the same item."""
    key = item * (int(annotator.max(initial=0)) + 1) + annotator
    in_order = np.sort(key)
    if not (in_order[1:] == in_order[:-1]).any():  # as nearly always, and sorting alone is ten times faster
        return np.ones(len(key), dtype=bool)
    _, last = np.unique(key[::-1], return_index=True)
    is_last = np.zeros(len(key), dtype=bool)
    is_last[len(key) - 1 - last] = True
    return is_last

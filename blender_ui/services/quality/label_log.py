"""Every standing label of people as arrays, kept in memory; only new rows are read.

An item is an unordered pair of candidates, whichever side each was shown on; of an annotator's labels of one
item the latest counts. Invariant: the arrays of one version never change. Non-goal: what is made of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.values import BoolArray, IntArray, OutcomeCode, is_decided
from db.engine import transaction
from db.queries import labels
from db.queries.labels import Columns, LabelVersion

N_OUTCOMES = len(OutcomeCode)
_SAFETY = 5_000
"""Ids that are read again: on PostgreSQL a lower id may be committed after a higher one."""


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
        has_coin: Whether a coin chose the sides, (n,).
        gold: The right answer as shown, -1 where nobody knows it, (n,).
        seconds: NaN where unknown, (n,).
        item: Number of the item, (n,).
        low_id, high_id: Candidates of each item, (m,).
    """

    version: LabelVersion
    preference_id: IntArray
    comparison_id: IntArray
    annotator: IntArray
    annotator_ids: IntArray
    names: tuple[str, ...]
    outcome: IntArray
    choice: IntArray
    has_coin: BoolArray
    gold: IntArray
    seconds: NDArray[np.floating]
    item: IntArray
    low_id: IntArray
    high_id: IntArray

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.preference_id)


class LabelLog:
    """Gives the labels of now; one for a process.

    Args:
        engine: The store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._labels: Columns = np.zeros((5, 0), dtype=np.int64)
        self._comparisons: Columns = np.zeros((4, 0), dtype=np.int64)
        self._current: Labels | None = None

    def current(self) -> Labels:
        """The labels that stand now."""
        with self._lock, transaction(self._engine) as session:
            version = labels.get_version(session)
            if self._current is None or self._current.version != version:
                self._labels = _extend(
                    self._labels, lambda after: labels.list_labels(session, after_id=after)
                )
                self._comparisons = _extend(
                    self._comparisons, lambda after: labels.list_comparisons(session, after_id=after)
                )
                self._current = self._assemble(session, version)
            return self._current

    def _assemble(self, session: Session, version: LabelVersion) -> Labels:
        ids, comparison, annotator, outcome, milliseconds = self._labels
        keys, left, right, has_coin = self._comparisons
        # Any pair becomes a check at any time, so these few are never kept with what was read of the pairs.
        gold = np.full(len(keys), -1)
        checks = np.array(version.checks, dtype=np.int64).reshape(-1, 2)
        gold[np.searchsorted(keys, checks[:, 0])] = checks[:, 1]
        low, high = np.minimum(left, right), np.maximum(left, right)
        pairs = low * (int(high.max(initial=0)) + 1) + high
        _, first, item_of = np.unique(pairs, return_index=True, return_inverse=True)
        names = labels.names_of_people(session)
        stands = ~np.isin(ids, labels.list_retracted(session)[0])
        stands &= np.isin(annotator, np.fromiter(names, dtype=np.int64, count=len(names)))
        place = np.searchsorted(keys, comparison)
        stands[stands] = _is_last(item_of[place[stands]], annotator[stands])
        place, shown = place[stands], outcome[stands]
        items, item = _number(item_of[place])
        annotator_ids, who = _number(annotator[stands])
        is_turned = (left != low)[place] & is_decided(shown)
        return Labels(
            version=version,
            preference_id=ids[stands],
            comparison_id=comparison[stands],
            annotator=who,
            annotator_ids=annotator_ids,
            names=tuple(names[int(annotator_id)] for annotator_id in annotator_ids),
            outcome=shown,
            choice=np.where(is_turned, 1 - shown, shown),
            has_coin=has_coin[place].astype(bool),
            gold=gold[place],
            seconds=np.where(milliseconds[stands] < 0, np.nan, milliseconds[stands] / 1000),
            item=item,
            low_id=low[first[items]],
            high_id=high[first[items]],
        )


def count_choices(log: Labels) -> IntArray:
    """How many annotators made each choice on each item, (m, N_OUTCOMES); each choice's lie together."""
    n_items = len(log.low_id)
    return (
        np.bincount(log.choice * n_items + log.item, minlength=n_items * N_OUTCOMES).reshape(N_OUTCOMES, -1).T
    )


def _extend(columns: Columns, read: Callable[[int], Columns]) -> Columns:
    """Add the rows that came since."""
    after = max(int(columns[0, -1]) - _SAFETY, 0) if columns.size else 0
    kept = columns[:, : np.searchsorted(columns[0], after, side="right")]
    return np.concatenate([kept, read(after)], axis=1)


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

"""Which of the standing preferences an export takes: by time, by person, by how far people agree.

Invariant: nothing is chosen by an answer's member, so a selection tells no name. Non-goal: which prompts of
which project, which the query says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.models import Outcome
from db.queries.bulk import StoredLabel

_TURNED = {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is asked of a preference.

    Attributes:
        since: At this time or later, aware; None for any.
        until: Before this time, aware; None for any.
        annotator_ids: Of one of these; empty for anybody's.
        agreement: Share, in [0, 1], of the preferences on a pair that say what most on it say. A pair that
            was judged once has none and is left out; 0 asks nothing.
    """

    since: datetime | None = None
    until: datetime | None = None
    annotator_ids: frozenset[int] = frozenset()
    agreement: float = 0.0

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked."""
        return self == Selection()

    @property
    def is_of_anybody(self) -> bool:
        """Whether only the agreement is asked about, which a ruling has no part in."""
        return self.since is None and self.until is None and not self.annotator_ids

    def take(self, labels: Sequence[StoredLabel]) -> list[StoredLabel]:
        """Those that are asked for, in their order.

        Args:
            labels: All of one prompt; the agreement on a pair is that of everybody at any time.
        """
        agreed = _agreement(labels) if self.agreement > 0 else {}
        return [
            one
            for one in labels
            if (self.since is None or one.created_at >= self.since)
            and (self.until is None or one.created_at < self.until)
            and (not self.annotator_ids or one.annotator_id in self.annotator_ids)
            and (self.agreement <= 0 or agreed.get(_pair(one), 0.0) >= self.agreement)
        ]


def _pair(label: StoredLabel) -> tuple[int, int]:
    return min(label.left_id, label.right_id), max(label.left_id, label.right_id)


def _agreement(labels: Sequence[StoredLabel]) -> dict[tuple[int, int], float]:
    """Of each pair with two preferences or more, the share of the commonest outcome."""
    said: dict[tuple[int, int], Counter[Outcome]] = defaultdict(Counter)
    for one in labels:
        is_turned = one.left_id > one.right_id
        said[_pair(one)][_TURNED.get(one.outcome, one.outcome) if is_turned else one.outcome] += 1
    return {
        pair: max(outcomes.values()) / outcomes.total()
        for pair, outcomes in said.items()
        if outcomes.total() > 1
    }

"""Who puts candidates in order for a fusion, as far as fusing knows it.

Invariant: a ranking is stored before it is given. Non-goal: how candidates are ranked (the room ``ranking``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.fusing.disposing import Comparer


class Entry(Protocol):
    """One candidate's place in a ranking."""

    @property
    def candidate_id(self) -> int:
        """Which candidate."""

    @property
    def rank(self) -> int:
        """1 is best."""


class Judgement(Protocol):
    """A stored ranking."""

    @property
    def ranking_id(self) -> int:
        """Its key."""

    @property
    def entries(self) -> Sequence[Entry]:
        """Every ranked candidate, best first."""

    @property
    def logits(self) -> Sequence[Sequence[float]]:
        """Shape (n, n) in the entries' order: natural-log odds that row, shown first, beats column."""


class Judge(Comparer, Protocol):
    """Who puts candidates in order; ``RankingService``."""

    def rank_answers(self, answers: PromptView) -> Judgement:
        """Rank all candidates and store the ranking; raises NoRanker or RankerError."""

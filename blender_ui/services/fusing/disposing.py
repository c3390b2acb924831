"""Which text is kept as the fused answer: what the fuser wrote, or one made of the sources' own sentences.

Invariant: all proposals are compared as if the best source's member had written them, so that what is written
decides. Non-goal: whether the kept text is shown; that follows from the ranking of its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from blender_ui.errors import NoRanker, RankerError
from blender_ui.fusion.pieces import choose_text as choose_among
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.services.candidates import CandidateView
from blender_ui.values import FloatArray, RankingPrompt


class Comparer(Protocol):
    """Who says which of some texts is preferred; ``RankingService``."""

    def compare_texts(
        self, prompt: RankingPrompt, texts: Sequence[str], *, members: Sequence[str]
    ) -> FloatArray:
        """Logits of every ordered pair of n texts, (n, n); raises NoRanker or RankerError."""


def choose_text(
    comparer: Comparer, prompt: RankingPrompt, sources: Sequence[CandidateView], written: str
) -> str:
    """The proposal that the ranker prefers; where none can say, the fuser's own, if it may stand.

    Args:
        comparer: Says what is preferred.
        prompt: What the sources answer.
        sources: Best first.
        written: By the fuser.
    """
    texts, members = [one.text for one in sources], [one.member for one in sources]

    def score(proposals: Sequence[str]) -> list[float] | None:
        try:
            logits = comparer.compare_texts(
                prompt, [*texts, *proposals], members=[*members, *[members[0]] * len(proposals)]
            )
        except (NoRanker, RankerError):
            return None
        return [float(value) for value in score_candidates(logits)[len(texts) :]]

    return choose_among(prompt, texts, written, score=score)

"""What every ranker does.

Invariant: a ranker takes and returns values. Non-goal: how a ranker is trained or stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from blender_ui.values import FloatArray, RankingPrompt


class Ranker(Protocol):
    """Anything that reads the candidates of one prompt and compares them pairwise."""

    @property
    def fingerprint(self) -> str:
        """Names the weights: equal fingerprints give equal logits."""
        ...

    def pairwise_logits(
        self, prompt: RankingPrompt, candidates: Sequence[str], *, members: Sequence[str] | None = None
    ) -> FloatArray:
        """Compare every ordered pair of candidates.

        Args:
            prompt: What the candidates answer.
            candidates: n texts; empty ones are allowed.
            members: n member names for rankers that know members; None or "" where unknown.

        Returns:
            Shape (n, n); entry [i, j] is the logit, in natural-log odds, that candidate i shown
            first is better than candidate j; the diagonal is 0.
        """
        ...

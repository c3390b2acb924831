"""How good a fused text is beside its target and its sources, in numbers.

Invariant: every number is in [0, 1] and follows from the texts alone. Non-goal: whether people like
it; the ranker and their votes say that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from blender_ui.fusion.attribution import attribute_spans, words_of
from blender_ui.fusion.examples import FusionExample


class FusionQuality(NamedTuple):
    """One fused text.

    Attributes:
        rouge_l: F1 of the longest common subsequence of words with the target (Lin, 2004).
        covered: Share of the target's different words that some source has and the fused text has too.
        copied: Share of the fused text that the source it took most from accounts for, in runs of
            three words or more. 1 repeats one source; a fusion of two halves has about 0.5.
    """

    rouge_l: float
    covered: float
    copied: float


def measure_fusion(fused: str, example: FusionExample) -> FusionQuality:
    """Compare a fused text with what was to be written and what was to be read."""
    return FusionQuality(
        rouge_l=rouge_l(fused, example.target),
        covered=_covered(fused, example),
        copied=max(attribute_spans(fused, example.candidates).shares, default=0.0),
    )


def rouge_l(text: str, target: str) -> float:
    """F1 of the longest common subsequence of stemmed words, in [0, 1]."""
    from rouge_score.rouge_scorer import RougeScorer  # takes a second, and only training comes here

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    return float(scorer.score(target, text)["rougeL"].fmeasure)


def _covered(fused: str, example: FusionExample) -> float:
    known = {word for candidate in example.candidates for word in words_of(candidate)}
    wanted = set(words_of(example.target)) & known
    return len(wanted & set(words_of(fused))) / len(wanted) if wanted else 0.0


def mean_quality(qualities: Sequence[FusionQuality]) -> FusionQuality:
    """The mean of each number; zeros where there is nothing."""
    n = max(len(qualities), 1)
    return (
        FusionQuality(*(sum(values) / n for values in zip(*qualities, strict=True)))
        if qualities
        else (FusionQuality(0.0, 0.0, 0.0))
    )

"""What a fuser learns from: a prompt, some answers to it, and the one answer to write.

Three sources of targets: a reference, the answer that people preferred, and the best-ranked answer,
rebuilt from the others. Invariant: the target is never among an example's candidates. Non-goal:
where prompts, answers, votes and rankings are stored.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blender_ui.fusion.attribution import words_of
from blender_ui.values import RankingPrompt

LEAST_LEFT_OUT = 3
"""Answers there must be to leave one out: two are needed to speak of fusing."""


class Target(enum.StrEnum):
    """Where an example's target comes from."""

    REFERENCE = "reference"
    PREFERRED = "preferred"
    LEAVE_ONE_OUT = "leave_one_out"


@dataclass(frozen=True, kw_only=True)
class FusionExample:
    """One thing to learn.

    Attributes:
        prompt: What was asked.
        candidates: The answers that the fuser reads, best first.
        target: The answer that it is to write.
        source: Where the target comes from.
    """

    prompt: RankingPrompt
    candidates: tuple[str, ...]
    target: str
    source: Target


@dataclass(frozen=True, kw_only=True)
class AnsweredPrompt:
    """A prompt with everything known of its answers.

    Attributes:
        prompt: What was asked.
        answers: Text by candidate id; blank ones are left out by ``build_example``.
        reference: The answer that was written for it, None where there is none.
        votes: Net votes of people by candidate id: wins less losses. Empty without votes.
        scores: Of the last ranking by candidate id. Empty without a ranking.
    """

    prompt: RankingPrompt
    answers: Mapping[int, str]
    reference: str | None
    votes: Mapping[int, float]
    scores: Mapping[int, float]


def build_example(answered: AnsweredPrompt, *, targets: Sequence[Target], top_k: int) -> FusionExample | None:
    """The one example that a prompt gives: by reference, else by votes, else by leaving one out.

    Candidates come in the order in which a fuser sees them: by the ranking, else by the votes, else
    by consensus, which puts the answer first that shares most words with the others.

    Args:
        answered: The prompt.
        targets: The kinds of target that may be used.
        top_k: Most candidates of an example.

    Returns:
        None where the prompt gives none: no reference, no answer that won, too few answers.
    """
    texts = {key: text for key, text in answered.answers.items() if text.strip()}
    order = _order(texts, answered)
    if Target.REFERENCE in targets and answered.reference and answered.reference.strip():
        return _example(answered.prompt, texts, order, answered.reference, Target.REFERENCE, top_k)
    if answered.votes:
        if Target.PREFERRED not in targets:
            return None
        best = max(order, key=lambda key: answered.votes.get(key, 0.0), default=None)
        if best is None or answered.votes.get(best, 0.0) <= 0:
            return None
        return _example(answered.prompt, texts, order, texts[best], Target.PREFERRED, top_k)
    if Target.LEAVE_ONE_OUT in targets and len(set(texts.values())) >= LEAST_LEFT_OUT:
        return _example(answered.prompt, texts, order, texts[order[0]], Target.LEAVE_ONE_OUT, top_k)
    return None


def consensus_order(texts: Sequence[str]) -> tuple[int, ...]:
    """Indices of texts, the one first whose words agree most with the others'.

    Agreement is the mean F1 of words, counted as often as they occur: minimum Bayes risk over the
    texts themselves. It needs no ranker and no labels.

    Source: Kumar and Byrne, "Minimum Bayes-Risk Decoding for SMT", HLT-NAACL 2004.
    """
    counts = [Counter(words_of(text)) for text in texts]
    agreement = [
        sum(_overlap(counts[index], other) for place, other in enumerate(counts) if place != index)
        for index in range(len(texts))
    ]
    return tuple(sorted(range(len(texts)), key=lambda index: -agreement[index]))


def _overlap(first: Counter[str], second: Counter[str]) -> float:
    n_words = first.total() + second.total()
    return 2 * (first & second).total() / n_words if n_words else 0.0


def _order(texts: Mapping[int, str], answered: AnsweredPrompt) -> list[int]:
    keys = list(texts)
    known = answered.scores or answered.votes
    if known:
        return sorted(keys, key=lambda key: -known.get(key, float("-inf")))
    return [keys[index] for index in consensus_order([texts[key] for key in keys])]


def _example(
    prompt: RankingPrompt,
    texts: Mapping[int, str],
    order: Sequence[int],
    target: str,
    source: Target,
    top_k: int,
) -> FusionExample | None:
    same = " ".join(target.split())
    others = [texts[key] for key in order if " ".join(texts[key].split()) != same][:top_k]
    if not others:
        return None
    return FusionExample(prompt=prompt, candidates=tuple(others), target=target, source=source)

"""Whether people are shown a fused answer or its best source: the one decision of all front doors.

Invariant: a fused answer is shown unless a ranker that judged it puts one of its sources above it, or it
obeys an order in the given text; a tie goes to the fused answer. What people voted comes before the ranker.
Non-goal: where scores come from.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

WEAK_BELOW = 0.15
"""Chance to be preferred to the best source; mixing weaker answers in is known to hurt."""
Key = TypeVar("Key")
"""What stands for an answer: a candidate's id, a member's name, a place."""


class Shown(NamedTuple, Generic[Key]):
    """What is shown."""

    best: Key
    """The best source by the scores; the first one where nobody judged."""
    is_judged: bool
    is_fused: bool
    """Whether the fused answer is shown; else it is the best source."""


def choose_shown(
    scores: Mapping[Key, float],
    *,
    fused: Key | None,
    sources: Sequence[Key],
    obedient: Container[Key] = frozenset(),
    won: Collection[tuple[Key, Key]] = (),
) -> Shown[Key]:
    """Choose between a fused answer and its sources.

    Args:
        scores: Of the ranking that judged the fused answer, higher is better; empty where there is none.
        fused: The fused answer; None where fusing failed.
        sources: At least one, best first by the ranking before fusing.
        obedient: Answers that obey an order in the text they were given (``evidence.grounding``); one is
            shown only where all sources do so, too.
        won: What people voted, see ``heed_votes``; it comes before the scores.
    """
    clean = [source for source in sources if source not in obedient]
    if clean:
        sources = clean
        if fused is not None and fused in obedient:
            best = heed_votes(sorted(clean, key=lambda one: -scores.get(one, float("-inf"))), won)[0]
            return Shown(best, is_judged=all(source in scores for source in clean), is_fused=False)
    if fused is None:
        return Shown(heed_votes(sources, won)[0], is_judged=False, is_fused=False)
    judged = [source for source in sources if source in scores] if fused in scores else []
    if not judged:
        return Shown(heed_votes(sources, won)[0], is_judged=False, is_fused=True)
    order = heed_votes(sorted([fused, *judged], key=lambda one: -scores[one]), won)
    best = next(one for one in order if one != fused)
    return Shown(best, is_judged=True, is_fused=order[0] == fused)


def heed_votes(best_first: Sequence[Key], won: Collection[tuple[Key, Key]]) -> list[Key]:
    """The answers in their order, but each that people preferred to another before that other.

    Args:
        best_first: Answers, as a ranker orders them.
        won: Pairs of answers, the first preferred to the second by most who voted on the two. Answers that
            are not among ``best_first`` say nothing here. In a circle of votes some stay unheeded.
    """
    order = list(best_first)
    for _ in range(len(order) * len(order)):
        broken = next(
            ((a, b) for a, b in won if a in order and b in order and order.index(a) > order.index(b)), None
        )
        if broken is None:
            break
        winner, loser = broken
        order.remove(winner)
        order.insert(order.index(loser), winner)
    return order


def strong_sources(best_first: Sequence[Key], chances: Sequence[float]) -> list[Key]:
    """The answers to fuse, best first: without those that hardly ever beat the best, where two are left.

    Args:
        best_first: Answers.
        chances: That each is preferred to the best, in [0, 1].
    """
    strong = [one for one, chance in zip(best_first, chances, strict=True) if chance >= WEAK_BELOW]
    return list(best_first[: max(len(strong), 2)]) if len(strong) < 2 else strong


def usable_sources(best_first: Sequence[Key], obedient: Container[Key]) -> list[Key]:
    """The answers to fuse, best first: without those that obey an order, where two others are left.

    Where fewer are left, the obedient ones come last, so that the fuser still has something to compare.
    """
    clean = [source for source in best_first if source not in obedient]
    return clean if len(clean) > 1 else [*clean, *(source for source in best_first if source in obedient)]

"""Which answers of a prompt are shown at once, and which pairs follow from what a person says of them.

A set is begun by the pair that the policy chose, and widened by answers of which every two are open to the
person; so it is chosen by as much as any of its pairs is. Its propensity is the probability that the policy
chose one of its pairs, times that of this widening; exact where every two of the prompt's answers are open to
the person. Invariant: pure; every draw follows from a seed. Non-goal: lending.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

from blender_ui.errors import MalformedInput
from blender_ui.pairing.draws import uniform


class Said(NamedTuple):
    """What follows for two answers, as places in the shown order: the better one first, or a tie."""

    better: int
    worse: int
    is_tie: bool


class Widened(NamedTuple):
    """Answers to show at once, ascending, and the probability that the pair was widened to these."""

    candidates: tuple[int, ...]
    probability: float


def widen(
    pair: tuple[int, int], open_pairs: Collection[frozenset[int]], *, n: int, seed: int, labels: Sequence[int]
) -> Widened:
    """Add answers to a pair until there are n of which every two are open, or no more can be added.

    Args:
        pair: Ids of the two candidates that the policy chose.
        open_pairs: Every two candidates of the prompt that are open to the person, ``pair`` among them.
        n: How many are wanted.
        seed: The installation's seed.
        labels: For whom and when, so that draws differ.
    """
    chosen = list(pair)
    others = {one for two in open_pairs for one in two} - set(pair)
    able = [one for one in others if all(frozenset((one, other)) in open_pairs for other in pair)]
    for one in sorted(able, key=lambda one: (uniform(seed, "widen", *labels, one), one)):
        if len(chosen) < n and all(frozenset((one, other)) in open_pairs for other in chosen):
            chosen.append(one)
    n_ways = comb(len(able), len(chosen) - len(pair))
    return Widened(tuple(sorted(chosen)), 1 / n_ways)


def check_places(places: Sequence[int], *, asked: str, n: int) -> None:
    """Refuse places that do not say what was asked.

    Args:
        places: Of each shown answer, 1 is best.
        asked: ``order``, ``best_worst`` or ``best``.
        n: How many answers were shown.

    Raises:
        MalformedInput: With what was expected.
    """
    if len(places) != n:
        raise MalformedInput(f"expected a place for each of {n} answers, came {len(places)}")
    came = sorted(places)
    if asked == "order":
        wanted = sorted(1 + sum(other < place for other in places) for place in places)
        said = "places from 1 on, each one more than there are better answers"
    elif asked == "best_worst":
        wanted, said = [1, *[2] * (n - 2), 3], "one best and one worst answer"
    elif asked == "best":
        wanted, said = [1, *[2] * (n - 1)], "one best answer"
    else:
        raise ValueError(f"expected order, best_worst or best; came {asked!r}")
    if came != wanted:
        raise MalformedInput(f"expected {said}, {wanted}; came {came}")


def pairs_of(places: Sequence[int], *, asked: str) -> list[Said]:
    """What places say of every two answers.

    Where an order was asked, equal places are a tie. Else nothing was said of two answers that are neither
    the best nor the worst, and they are left out.

    Args:
        places: Of each shown answer, 1 is best; checked by ``check_places``.
        asked: As there.
    """
    said = []
    for first, second in combinations(range(len(places)), 2):
        if places[first] != places[second]:
            better, worse = (first, second) if places[first] < places[second] else (second, first)
            said.append(Said(better, worse, is_tie=False))
        elif asked == "order":
            said.append(Said(first, second, is_tie=True))
    return said

"""Which comparison an annotator is given next, and how probable that choice was.

Two policies. ``balanced_random`` gives a comparison that the fewest people have answered, the
first of them in a random order that was drawn when the queue was made. ``most_informative`` gives
the one that the active ranker is least sure of, except for a stated share of turns that follow
``balanced_random``, so that every comparison keeps a known probability, by which votes
can be weighted.

Propensity is the probability, over that random order and over the draw of this turn, with which
this comparison was the one chosen among those open to this annotator at that moment. It is exact
for comparisons nobody has skipped; one that came back from a skip or an expired lease stands
early in the order, so it was likelier than the figure says. Where several answers are shown at once, the
policy chooses one of their pairs, and the propensity is that of the whole set: see ``pairing.ballots``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

BALANCED_RANDOM = "balanced_random"
MOST_INFORMATIVE = "most_informative"
POLICIES = (BALANCED_RANDOM, MOST_INFORMATIVE)


class Entry(NamedTuple):
    """One comparison of the queue, and how many people have taken it."""

    comparison_id: int
    n_taken: int


@dataclass(frozen=True, kw_only=True)
class QueueHead:
    """What a policy needs to know of the comparisons open to one annotator.

    Attributes:
        first: The least taken, and among those the first in the random order.
        n_least: How many are taken as seldom as ``first``, itself included.
        top: The one the active ranker is least sure of; None where no ranker has said so.
    """

    first: Entry
    n_least: int
    top: Entry | None = None


class Choice(NamedTuple):
    """The comparison to show, by which policy, and with what probability it was chosen.

    ``policy`` is one of the two above, or ``gold`` or ``attention`` where the turn asks a check.
    """

    comparison_id: int
    policy: str
    propensity: float


def choose(head: QueueHead, *, random_share: float, draw: float) -> Choice:
    """Choose the next comparison: by information where there is any, else balanced and random.

    Args:
        head: The comparisons open to the annotator, in short.
        random_share: Share of turns, in (0, 1], in which ``most_informative`` follows
            ``balanced_random``.
        draw: Uniform in [0, 1); below ``random_share`` the turn is a random one.
    """
    if not 0 < random_share <= 1:
        raise ValueError(f"expected a random share in (0, 1], came {random_share}")
    if head.top is None:
        return Choice(head.first.comparison_id, BALANCED_RANDOM, 1 / head.n_least)
    chosen = head.first if draw < random_share else head.top
    propensity = measure_propensity(head, [chosen], random_share=random_share)
    return Choice(chosen.comparison_id, MOST_INFORMATIVE, propensity)


def measure_propensity(head: QueueHead, entries: Iterable[Entry], *, random_share: float) -> float:
    """The probability that the chosen comparison is one of these, so that a set of them can be shown at once.

    Args:
        head: The comparisons open to the annotator, in short.
        entries: Different ones of those.
        random_share: As in ``choose``.
    """
    shown = list(entries)
    share = 1.0 if head.top is None else random_share
    propensity = share * sum(entry.n_taken == head.first.n_taken for entry in shown) / head.n_least
    if head.top is not None and any(entry.comparison_id == head.top.comparison_id for entry in shown):
        propensity += 1 - random_share
    # Adding the two shares can give one and a rounding error.
    return min(propensity, 1.0)

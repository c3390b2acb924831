"""Lists of members for everybody to look at, made of the ratings of ``votes.ratings``.

Invariant: a list has only entries that were compared with each other, directly or through others, and an
entry's chance is against the average of its own list. Non-goals: reading the store, a second way to rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import scipy

from blender_ui.values import BoolArray
from blender_ui.votes.arrays import PreferenceArrays, PromptArrays
from blender_ui.votes.ratings import MemberRating, RatingsView, rate_members
from blender_ui.votes.views import BEST_RANKED, count_as_best_ranked

N_BEST_RANKED = 10
"""Preferences with an answer that was ranked first before the vote, before best-ranked is an entry."""


class Entrant(StrEnum):
    """What an entry is."""

    MEMBER = "member"
    FUSED = "fused"
    """The answers of one fuser."""
    BEST_RANKED = "best_ranked"
    """Whichever answer the ranker had put first before the vote."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line.

    Attributes:
        place: 1 is best; entries share one unless the interval of one lies wholly above the other's.
        chance: That its answer is preferred to one of an average entry of the list, in [0, 1].
        low, high: Ends of its 95 % interval.
        n: Preferences that it was in.
    """

    name: str
    entrant: Entrant
    place: int
    chance: float
    low: float
    high: float
    n: int
    n_wins: int
    n_losses: int
    n_ties: int


class Board(NamedTuple):
    """Lists, the one with the most preferences first.

    Attributes:
        lists: Entries, best first, each.
        n_preferences: That they rest on.
    """

    lists: tuple[tuple[Entry, ...], ...]
    n_preferences: int


def make_board(
    told: PreferenceArrays,
    prompts: PromptArrays,
    *,
    fusers: Iterable[str],
    is_first: tuple[BoolArray, BoolArray],
) -> Board:
    """Rate and list.

    Args:
        told: Preferences of people between two members.
        prompts: Facts of the prompts.
        fusers: Names whose answers are fused ones.
        is_first: Whether the left and the right answer of each preference was ranked first before it was
            given, (n,) each.
    """
    view, fused = rate_members(told, prompts), frozenset(fusers)
    lists = []
    for names in view.groups:
        inside = np.isin(told.left, [told.members.index(name) for name in names])
        part, first = told.select(inside), (is_first[0][inside], is_first[1][inside])
        # A fit of its own, or what nobody knows of two groups would widen every interval.
        rated = view if len(view.groups) == 1 else rate_members(part, prompts)
        lists.append(_list(_add_best_ranked(rated, part, prompts, first), fused))
    return Board(tuple(lists), view.n_preferences)


def _add_best_ranked(
    view: RatingsView, told: PreferenceArrays, prompts: PromptArrays, is_first: tuple[BoolArray, BoolArray]
) -> tuple[MemberRating, ...]:
    """The members as they are, and best-ranked on their scale.

    A second fit takes the answers that were ranked first away from their members. Its scale is moved so that
    the members in it are, on average, where the first fit has them.
    """
    if (is_first[0] ^ is_first[1]).sum() < N_BEST_RANKED:
        return view.members
    other = rate_members(count_as_best_ranked(told, *is_first), prompts)
    plain = {one.member: one.rating for one in view.members}
    best = next(one for one in other.members if one.member == BEST_RANKED)
    beside = [one for one in other.members if one.group == best.group and one.member in plain]
    moved = float(np.mean([plain[one.member] - one.rating for one in beside]))
    ends = {name: getattr(best, name) + moved for name in ("rating", "low", "high")}
    return (*view.members, replace(best, **ends))


def _list(rated: tuple[MemberRating, ...], fused: frozenset[str]) -> tuple[Entry, ...]:
    ordered = sorted(rated, key=lambda one: -one.rating)
    average = float(np.mean([one.rating for one in ordered]))
    return tuple(
        Entry(
            name=one.member,
            entrant=_entrant(one.member, fused),
            place=1 + sum(other.low > one.high for other in ordered),
            chance=float(scipy.special.expit(one.rating - average)),
            low=float(scipy.special.expit(one.low - average)),
            high=float(scipy.special.expit(one.high - average)),
            n=one.n,
            n_wins=one.n_wins,
            n_losses=one.n_losses,
            n_ties=one.n_ties,
        )
        for one in ordered
    )


def _entrant(name: str, fused: frozenset[str]) -> Entrant:
    if name == BEST_RANKED:
        return Entrant.BEST_RANKED
    return Entrant.FUSED if name in fused else Entrant.MEMBER

"""Members' ratings and win matrix by people's preferences.

Invariant: only standing preferences of people count; a tie and "both bad" are half a win for each
side. A member is known by its name, and a model without one is no member; fused answers are those of the
member that fused them. Members that were never compared, directly or through others, are of different groups.
Non-goal: reading the store; arrays come in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from blender_ui.statistics.bradley_terry import (
    BradleyTerry,
    count_wins,
    fit_bradley_terry,
    fit_styled_bradley_terry,
    fit_wins,
)
from blender_ui.statistics.groups import find_groups
from blender_ui.values import FloatArray, IntArray
from blender_ui.votes.arrays import PreferenceArrays, PromptArrays
from blender_ui.votes.styles import STYLE_NAMES

N_POINTS = 12
"""Of ratings over time."""


@dataclass(frozen=True, kw_only=True)
class MemberRating:
    """One member's place among the members.

    Attributes:
        member_ids: Rows of this name; other options make another row. None for ``BEST_RANKED``.
        rating: Natural-log odds; the ratings of all members sum to 0.
        low: Lower end of the 95 % interval: the widest one of that which takes preferences as
            independent, that which lets those of one prompt go together, and that which lets those of one
            ballot go together. The second is too narrow where there are few prompts.
        high: Its upper end.
        n: Preferences that the member was in.
        n_ties: Of those, ties and "both bad".
        group: Number of its group, from 1; ratings of two groups say nothing of each other.
    """

    member: str
    member_ids: tuple[int, ...]
    rating: float
    low: float
    high: float
    n: int
    n_wins: int
    n_losses: int
    n_ties: int
    group: int


class StyleEffect(NamedTuple):
    """What one doubling of a count is worth in log-odds, with its 95 % interval."""

    name: str
    effect: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class RatingsView:
    """Ratings, best first, and the pairwise win counts.

    Attributes:
        wins: Shape (n, n) in the order of ``members``: wins of the row over the column, a tie half.
        counts: Preferences between the two, same shape.
        n_preferences: All that were counted.
        last_preference_id: The last of them; 0 where there is none.
        effects: Of style, where it was held equal.
        groups: Names of the members that were compared, directly or through others; one group if all were.
        n_unnamed: Preferences that are left out, because a side's model has no name.
    """

    members: tuple[MemberRating, ...]
    wins: tuple[tuple[float, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    n_preferences: int
    last_preference_id: int
    effects: tuple[StyleEffect, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    n_unnamed: int = 0


class RatingPoint(NamedTuple):
    """A member's rating by all preferences up to one of them, or of one kind of task."""

    member: str
    at: str
    """A preference's id, or a kind of task."""
    rating: float
    low: float
    high: float
    n: int
    group: int
    """As of ``MemberRating``, by the same preferences."""


class RankerRating(NamedTuple):
    """A member as people and as a version rate it, on the same held-out comparisons."""

    member: str
    people: float
    people_low: float
    people_high: float
    ranker: float
    ranker_low: float
    ranker_high: float
    n: int
    group: int
    """As of ``MemberRating``, by the same comparisons."""


def rate_members(
    told: PreferenceArrays, prompts: PromptArrays, *, styles: FloatArray | None = None
) -> RatingsView:
    """Rate every member that people compared with another one.

    Args:
        told: Preferences; of people, two answers of one member left out: ``views.between_members``.
        prompts: Facts of the prompts.
        styles: Style counts by candidate id, to hold style equal; None to leave it as it is.

    Source:
        See ``blender_ui.statistics.bradley_terry``.
    """
    met, left, right = renumber(told)
    size, clusterings = len(met), _clusterings(told, prompts)
    effects: tuple[StyleEffect, ...] = ()
    if styles is None:
        fit, margins = _fit(left, right, told.target, clusterings, size)
    else:
        gaps = styles[told.left_id] - styles[told.right_id]
        fit_styled = partial(fit_styled_bradley_terry, left, right, told.target, gaps, n_players=size)
        plain = fit_styled()
        fits = [plain, *(fit_styled(clusters=numbers, start=plain) for numbers in clusterings)]
        fit = plain.rating
        effect_margins = np.maximum.reduce([one.effect_margins for one in fits])
        margins = np.maximum.reduce([one.rating.margins() for one in fits])
        effects = tuple(
            StyleEffect(name, float(value), float(value - margin), float(value + margin))
            for name, value, margin in zip(STYLE_NAMES, plain.effects, effect_margins, strict=True)
        )
    view = _view(told, met, left, right, fit=fit, margins=margins)
    return replace(view, effects=effects)


def rate_by_kind(told: PreferenceArrays, prompts: PromptArrays) -> tuple[RatingPoint, ...]:
    """The members' ratings in each kind of task, kinds with the most preferences first."""
    kind = prompts.kind[told.prompt_id]
    n = np.bincount(kind, minlength=len(prompts.kinds))
    points: list[RatingPoint] = []
    for number in np.argsort(-n, kind="stable"):
        if n[number]:
            points += rate_part(told.select(kind == number), prompts, prompts.kinds[number])
    return tuple(points)


def rate_over_time(told: PreferenceArrays, *, n_points: int = N_POINTS) -> tuple[RatingPoint, ...]:
    """Ratings by the first preferences, by more, and by all; intervals take ballots as independent."""
    met, left, right = renumber(told)
    ends = np.unique(np.linspace(0, len(told), n_points + 1).round().astype(int))[1:]
    wins, start = np.zeros((len(met), len(met))), 0
    points: list[RatingPoint] = []
    for end in ends:
        part = slice(start, end)
        wins = wins + count_wins(left[part], right[part], told.target[part], n_players=len(met))
        start = int(end)
        n = (wins + wins.T).sum(axis=1).round().astype(int)
        fit, groups = fit_wins(wins), find_groups(wins)
        margin = fit.margins()
        if told.ballot_id[:end].any():
            sides = (left[:end], right[:end], told.target[:end])
            by_ballot = fit_bradley_terry(*sides, n_players=len(met), clusters=told.statement[:end])
            margin = np.maximum(margin, by_ballot.margins())
        low, high = fit.strengths - margin, fit.strengths + margin
        at = str(told.preference_id[end - 1])
        points += [
            RatingPoint(
                member=told.members[who],
                at=at,
                rating=float(fit.strengths[place]),
                low=float(low[place]),
                high=float(high[place]),
                n=int(n[place]),
                group=int(groups[place]) + 1,
            )
            for place, who in enumerate(met)
            if n[place]
        ]
    return tuple(points)


def rate_by_ranker(
    told: PreferenceArrays, prompts: PromptArrays, chances: FloatArray
) -> tuple[RankerRating, ...]:
    """Members as people rate them, beside what a version would make of the same comparisons.

    Args:
        told: Preferences that the version has predicted.
        prompts: Facts of the prompts.
        chances: The version's probability that left wins, (n,).
    """
    met, left, right = renumber(told)
    size, clusterings = len(met), _clusterings(told, prompts)
    people, margin = _fit(left, right, told.target, clusterings, size)
    ranker, ranker_margin = _fit(left, right, chances, clusterings, size)
    n = np.bincount(left, minlength=size) + np.bincount(right, minlength=size)
    groups = find_groups(count_wins(left, right, told.target, n_players=size))
    return tuple(
        RankerRating(
            member=told.members[met[place]],
            people=float(people.strengths[place]),
            people_low=float(people.strengths[place] - margin[place]),
            people_high=float(people.strengths[place] + margin[place]),
            ranker=float(ranker.strengths[place]),
            ranker_low=float(ranker.strengths[place] - ranker_margin[place]),
            ranker_high=float(ranker.strengths[place] + ranker_margin[place]),
            n=int(n[place]),
            group=int(groups[place]) + 1,
        )
        for place in np.argsort(-people.strengths, kind="stable")
    )


def _clusterings(told: PreferenceArrays, prompts: PromptArrays) -> list[IntArray]:
    """What goes together among preferences: those on one prompt, and those of one ballot if there are any."""
    by_prompt = prompts.cluster[told.prompt_id]
    return [by_prompt, told.statement] if told.ballot_id.any() else [by_prompt]


def _fit(
    left: IntArray, right: IntArray, target: FloatArray, clusterings: list[IntArray], size: int
) -> tuple[BradleyTerry, FloatArray]:
    """Strengths with Fisher's covariance, and the margins of whichever estimate is widest."""
    fit = fit_bradley_terry(left, right, target, n_players=size)
    clustered = [
        fit_bradley_terry(left, right, target, n_players=size, clusters=numbers).margins()
        for numbers in clusterings
    ]
    return fit, np.maximum.reduce([fit.margins(), *clustered])


def renumber(told: PreferenceArrays) -> tuple[IntArray, IntArray, IntArray]:
    """The members that met, and both sides as places among them."""
    n = len(told.members)
    seen = np.bincount(told.left, minlength=n) + np.bincount(told.right, minlength=n)
    met = np.flatnonzero(seen)
    place = np.cumsum(seen > 0) - 1
    return met, place[told.left], place[told.right]


def rate_part(told: PreferenceArrays, prompts: PromptArrays, name: str) -> list[RatingPoint]:
    """The members' ratings by some of the preferences, under a name for these."""
    view = rate_members(told, prompts)
    return [
        RatingPoint(one.member, name, one.rating, one.low, one.high, one.n, one.group) for one in view.members
    ]


def _view(
    told: PreferenceArrays,
    met: IntArray,
    left: IntArray,
    right: IntArray,
    *,
    fit: BradleyTerry,
    margins: FloatArray,
) -> RatingsView:
    size = len(met)
    wins = count_wins(left, right, told.target, n_players=size)
    counts = np.rint(wins + wins.T).astype(np.int64)
    sides = told.is_decided
    decided = count_wins(left[sides], right[sides], told.target[sides], n_players=size)
    order = np.argsort(-fit.strengths, kind="stable")
    groups = find_groups(wins)
    members = tuple(
        MemberRating(
            member=told.members[met[place]],
            member_ids=told.member_ids[met[place]],
            rating=float(fit.strengths[place]),
            low=float(fit.strengths[place] - margins[place]),
            high=float(fit.strengths[place] + margins[place]),
            n=int(counts[place].sum()),
            n_wins=int(decided[place].sum()),
            n_losses=int(decided[:, place].sum()),
            n_ties=int(counts[place].sum() - decided[place].sum() - decided[:, place].sum()),
            group=int(groups[place]) + 1,
        )
        for place in order
    )
    shown = np.ix_(order, order)
    return RatingsView(
        members=members,
        wins=tuple(tuple(float(value) for value in row) for row in wins[shown]),
        counts=tuple(tuple(int(value) for value in row) for row in counts[shown]),
        n_preferences=len(told),
        last_preference_id=int(told.preference_id.max(initial=0)),
        groups=tuple(
            tuple(one.member for one in members if one.group == group)
            for group in range(1, int(groups.max(initial=-1)) + 2)
        ),
    )

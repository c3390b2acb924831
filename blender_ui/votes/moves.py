"""How one vote moved the members' ratings.

Invariant: the ratings are those of ``votes.ratings`` by the preferences up to the vote, so they stay the same
whatever comes later. Non-goal: intervals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from blender_ui.statistics.bradley_terry import count_wins, fit_wins
from blender_ui.votes.arrays import PreferenceArrays
from blender_ui.votes.ratings import renumber


class RatingMove(NamedTuple):
    """A member's rating before and after a vote."""

    member: str
    before: float | None
    """None where nobody had compared the member before."""
    after: float


def rate_move(told: PreferenceArrays, preference_id: int) -> tuple[RatingMove, ...]:
    """How one statement moved the ratings: all preferences before it, and the same with it.

    Args:
        told: Preferences between members, see ``views.between_members``.
        preference_id: The statement's last preference; those of its ballot count with it.

    Returns:
        Every member that was compared by then, the best first; none where ``told`` lacks it.
    """
    here = told.preference_id == preference_id
    if not here.any():
        return ()
    ballot_id = told.ballot_id[here][0]
    is_own = (told.ballot_id == ballot_id) if ballot_id else here
    until = told.select(told.preference_id <= preference_id)
    is_own = is_own[: len(until)]
    met, left, right = renumber(until)
    own = count_wins(left[is_own], right[is_own], until.target[is_own], n_players=len(met))
    wins = count_wins(left, right, until.target, n_players=len(met))
    earlier = wins - own
    after, before = fit_wins(wins).strengths, fit_wins(earlier).strengths
    was_met = (earlier + earlier.T).sum(axis=1) > 0.25  # a tie is half a win; less is rounding
    return tuple(
        RatingMove(
            until.members[met[place]], float(before[place]) if was_met[place] else None, float(after[place])
        )
        for place in np.argsort(-after, kind="stable")
    )

"""How members stand against each other by people's preferences: ratings and a win matrix.

Invariant: only standing preferences of people count; a tie and "both bad" are half a win for each
side. A member is known by its name. Non-goal: what a ranker thinks of the members.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from blender_ui.ranking.types import FloatArray, IntArray
from blender_ui.statistics.bradley_terry import NORMAL_95, BradleyTerry, fit_bradley_terry
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, Candidate, Comparison, Member, Outcome, Preference

_TARGET = {Outcome.LEFT: 1.0, Outcome.RIGHT: 0.0, Outcome.TIE: 0.5, Outcome.BOTH_BAD: 0.5}


@dataclass(frozen=True, kw_only=True)
class MemberRating:
    """One member's place among the members.

    Attributes:
        member_ids: Rows of this name; other options make another row.
        rating: Natural-log odds; the ratings of all members sum to 0.
        low: Lower end of the 95 % interval: the wider one of that which takes preferences as
            independent and that which lets those of one prompt go together, because the latter is
            too narrow where there are few prompts.
        high: Its upper end.
        n: Preferences that the member was in.
        n_ties: Of those, ties and "both bad".
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


@dataclass(frozen=True, kw_only=True)
class RatingsView:
    """Ratings, best first, and who won how often against whom.

    Attributes:
        wins: Shape (n, n) in the order of ``members``: wins of the row over the column, a tie half.
        counts: Preferences between the two, same shape.
        n_preferences: All that were counted.
        last_preference_id: The last of them; 0 where there is none.
    """

    members: tuple[MemberRating, ...]
    wins: tuple[tuple[float, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    n_preferences: int
    last_preference_id: int


def rate_members(engine: Engine) -> RatingsView:
    """Rate every member that people compared with another one.

    Source:
        See ``blender_ui.statistics.bradley_terry``.
    """
    with transaction(engine) as session:
        names, ids_by_name = _list_members(session)
        rows = _list_preferences(session)
    places = {name: place for place, name in enumerate(names)}
    by_member = np.zeros(max((max(ids) for ids in ids_by_name.values()), default=0) + 1, dtype=np.intp)
    for name, ids in ids_by_name.items():
        by_member[list(ids)] = places[name]
    left, right = by_member[rows["left"]], by_member[rows["right"]]
    between = left != right  # two answers of one member say nothing of members
    left, right, target = left[between], right[between], rows["target"][between]
    met = np.unique(np.concatenate([left, right]))
    left, right = np.searchsorted(met, left), np.searchsorted(met, right)
    size = len(met)
    fit = fit_bradley_terry(left, right, target, n_players=size)
    clustered = fit_bradley_terry(left, right, target, n_players=size, clusters=rows["prompt"][between])
    margins = np.maximum(_margins(fit), _margins(clustered))
    lows, highs = fit.strengths - margins, fit.strengths + margins
    order = np.argsort(-fit.strengths, kind="stable")
    wins, counts = _tally(left, right, target, size)
    decided = _tally(left[target != 0.5], right[target != 0.5], target[target != 0.5], size)[0]
    members = tuple(
        MemberRating(
            member=names[met[place]],
            member_ids=ids_by_name[names[met[place]]],
            rating=float(fit.strengths[place]),
            low=float(lows[place]),
            high=float(highs[place]),
            n=int(counts[place].sum()),
            n_wins=int(decided[place].sum()),
            n_losses=int(decided[:, place].sum()),
            n_ties=int(counts[place].sum() - decided[place].sum() - decided[:, place].sum()),
        )
        for place in order
    )
    shown = np.ix_(order, order)
    return RatingsView(
        members=members,
        wins=tuple(tuple(float(value) for value in row) for row in wins[shown]),
        counts=tuple(tuple(int(value) for value in row) for row in counts[shown]),
        n_preferences=len(left),
        last_preference_id=int(rows["id"][between].max(initial=0)),
    )


def _margins(fit: BradleyTerry) -> FloatArray:
    """Half-widths of the 95 % intervals of strengths that are told as differences from their mean.

    What only the prior knows, how high all strengths lie together, falls out with the mean.
    """
    size = len(fit.strengths)
    centre = np.eye(size) - np.full((size, size), 1 / max(size, 1))
    return np.asarray(NORMAL_95 * np.sqrt(np.maximum(np.diag(centre @ fit.covariance @ centre), 0.0)))


def _tally(left: IntArray, right: IntArray, target: FloatArray, size: int) -> tuple[FloatArray, IntArray]:
    """Wins of row over column and preferences between them, each (size, size)."""
    wins = np.zeros((size, size))
    np.add.at(wins, (left, right), target)
    np.add.at(wins, (right, left), 1 - target)
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (left, right), 1)
    np.add.at(counts, (right, left), 1)
    return wins, counts


def _list_members(session: Session) -> tuple[list[str], dict[str, tuple[int, ...]]]:
    ids_by_name: dict[str, tuple[int, ...]] = {}
    for member_id, name in session.execute(select(col(Member.id), col(Member.name)).order_by(col(Member.id))):
        ids_by_name[name] = (*ids_by_name.get(name, ()), member_id)
    return list(ids_by_name), ids_by_name


def _list_preferences(session: Session) -> np.ndarray:
    """Standing preferences of people as a structured array."""
    left, right = aliased(Candidate), aliased(Candidate)
    rows = session.execute(
        select(
            col(Preference.id),
            col(Comparison.prompt_id),
            col(left.member_id),
            col(right.member_id),
            col(Preference.outcome),
        )
        .select_from(Preference)
        .join(Comparison, col(Comparison.id) == col(Preference.comparison_id))
        .join(left, col(left.id) == col(Comparison.left_id))
        .join(right, col(right.id) == col(Comparison.right_id))
        .join(Annotator, col(Annotator.id) == col(Preference.annotator_id))
        .where(col(Preference.retracted_at).is_(None), col(Annotator.kind) == AnnotatorKind.HUMAN)
    )
    form = [("id", np.int64), ("prompt", np.int64), ("left", np.intp), ("right", np.intp), ("target", float)]
    return np.array([(*row[:4], _TARGET[row[4]]) for row in rows], dtype=form)

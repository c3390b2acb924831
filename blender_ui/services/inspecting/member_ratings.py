"""Members' ratings as pages and notebooks ask for them, kept until a preference comes or goes.

Invariant: nothing is written, and an answer belongs to one state of the store, which its key names.
Non-goal: the statistics; ``votes.ratings`` has them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import NotFound
from blender_ui.language import tr
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.recent import Recent
from blender_ui.values import IntArray
from blender_ui.votes.arrays import PreferenceArrays
from blender_ui.votes.moves import RatingMove, rate_move
from blender_ui.votes.ratings import (
    RatingPoint,
    RatingsView,
    rate_by_kind,
    rate_members,
    rate_over_time,
    rate_part,
)
from blender_ui.votes.views import (
    between_members,
    count_unnamed,
    on_criterion,
    weighed_by_strength,
    with_best_ranked,
)
from db.engine import transaction
from db.models import Outcome
from db.queries import criteria, labels, rankings
from db.queries.columns import OUTCOME_CODES


class RatingWish(NamedTuple):
    """Which ratings.

    Attributes:
        kind: Of task; empty for all.
        holds_style: Whether length and markup are held equal.
        adds_best_ranked: Whether what a ranking put first counts as a member of its own.
        criterion: Who wins on this one, by the answers to it; empty for the outcome.
        weighs_strength: Whether a slight win counts less; of the outcome only.
        project_id: Only by preferences on its prompts; None for all.
    """

    kind: str = ""
    holds_style: bool = False
    adds_best_ranked: bool = False
    criterion: str = ""
    weighs_strength: bool = False
    project_id: int | None = None


class MemberRatings:
    """Rates the members of one store.

    Args:
        engine: The store.
        table: Its preferences.
    """

    def __init__(self, engine: Engine, *, table: PreferenceTable) -> None:
        self._engine = engine
        self._table = table
        self._recent = Recent()

    def read_ahead(self) -> None:
        """Read what there is and rate by it, so that a first look that comes later need not."""
        self._table.current(side_by_side=False)
        self.rate()
        self._table.styles()

    def list_kinds(self) -> tuple[str, ...]:
        """The kinds of task of the prompts there are."""
        return tuple(sorted(self._table.prompts().kinds))

    def list_criteria(self) -> tuple[str, ...]:
        """The criteria that any project asks."""
        with transaction(self._engine) as session:
            return criteria.list_asked(session)

    def rate(self, wish: RatingWish | None = None) -> RatingsView:
        """The members' ratings by people.

        Raises:
            NotFound: If no prompt is of the wished kind, or no project asks the criterion.
        """
        wish = wish or RatingWish()
        told = self._table.current()
        first_ids = self._list_first() if wish.adds_best_ranked else np.zeros(0, dtype=np.int64)
        key = ("rate", told.version, wish, len(first_ids), int(first_ids.sum()))
        return self._recent.get(key, lambda: self._rate(told, wish, first_ids))

    def moved_by(self, preference_id: int) -> tuple[RatingMove, ...]:
        """How a vote moved the members' ratings; see ``votes.moves.rate_move``."""
        told = self._table.current()
        key = ("move", told.version, preference_id)
        return self._recent.get(key, lambda: rate_move(between_members(told), preference_id))

    def over_time(self, wish: RatingWish | None = None) -> tuple[RatingPoint, ...]:
        """The members' ratings by ever more preferences; style is not held equal."""
        told, wish = self._table.current(), wish or RatingWish()
        plain = wish._replace(holds_style=False, adds_best_ranked=False)
        key = ("time", told.version, plain)
        return self._recent.get(key, lambda: rate_over_time(self._choose(told, plain)))

    def by_kind(self, wish: RatingWish | None = None) -> tuple[RatingPoint, ...]:
        """The members' ratings in each kind of task; style is not held equal."""
        told, wish = self._table.current(), wish or RatingWish()
        plain = wish._replace(kind="", holds_style=False, adds_best_ranked=False)
        key = ("kind", told.version, plain)
        return self._recent.get(key, lambda: rate_by_kind(self._choose(told, plain), self._table.prompts()))

    def by_criterion(self, wish: RatingWish | None = None) -> tuple[RatingPoint, ...]:
        """The members' ratings by the answers to each criterion, as far as there are any."""
        told, wish = self._table.current(), wish or RatingWish()
        plain = RatingWish(kind=wish.kind, project_id=wish.project_id)
        asked = self.list_criteria()

        def rate() -> tuple[RatingPoint, ...]:
            points: list[RatingPoint] = []
            for criterion in asked:
                chosen = self._choose(told, plain._replace(criterion=criterion))
                points += rate_part(chosen, self._table.prompts(), criterion)
            return tuple(points)

        return self._recent.get(("criteria", told.version, plain, asked), rate)

    def dates(self, points: tuple[RatingPoint, ...]) -> dict[str, str]:
        """When the preferences that points over time end with were given, by id."""
        ids = {int(point.at) for point in points}
        with transaction(self._engine) as session:
            times = labels.times_of(session, preference_ids=[*ids])
        return {str(id_): f"{at:%Y-%m-%d %H:%M}" for id_, at in times.items()}

    def _rate(self, told: PreferenceArrays, wish: RatingWish, first_ids: IntArray) -> RatingsView:
        asked = self._as_wished(told, wish)
        chosen = between_members(asked)
        if wish.adds_best_ranked:
            chosen = with_best_ranked(chosen, first_ids)
        styles = self._table.styles() if wish.holds_style else None
        view = rate_members(chosen, self._table.prompts(), styles=styles)
        return replace(view, n_unnamed=count_unnamed(asked))

    def _choose(self, told: PreferenceArrays, wish: RatingWish) -> PreferenceArrays:
        return between_members(self._as_wished(told, wish))

    def _as_wished(self, told: PreferenceArrays, wish: RatingWish) -> PreferenceArrays:
        """The preferences of a kind of task, counted by a criterion or their strength."""
        asked = self._of_kind(self._table.of_project(told, wish.project_id), wish.kind)
        if wish.criterion:
            return on_criterion(asked, self._list_answers(told.version, wish.criterion))
        if wish.weighs_strength:
            with transaction(self._engine) as session:
                ids, strengths = criteria.list_strengths(session)
            return weighed_by_strength(asked, strengths / criteria.STRENGTH_UNIT, ids)
        return asked

    def _list_answers(self, version: Hashable, criterion: str) -> IntArray:
        """Preferences with an answer to a criterion, and its code, (2, n)."""
        asked = self.list_criteria()
        if criterion not in asked:
            raise NotFound(
                tr(
                    "expected a criterion among {asked}; came {criterion!r}",
                    asked=", ".join(asked),
                    criterion=criterion,
                )
            )

        def read() -> list[tuple[int, dict[str, str]]]:
            with transaction(self._engine) as session:
                return criteria.list_answers(session)

        answers = self._recent.get(("answers", version), read)
        rows = [(id_, OUTCOME_CODES[Outcome(said[criterion])]) for id_, said in answers if criterion in said]
        return np.array(rows, dtype=np.int64).reshape(-1, 2).T

    def _of_kind(self, told: PreferenceArrays, kind: str) -> PreferenceArrays:
        if not kind:
            return told
        prompts = self._table.prompts()
        if kind not in prompts.kinds:
            raise NotFound(
                tr(
                    "expected a kind of task among {kinds}; came {kind!r}",
                    kinds=", ".join(prompts.kinds),
                    kind=kind,
                )
            )
        return told.select(prompts.kind[told.prompt_id] == prompts.kinds.index(kind))

    def _list_first(self) -> IntArray:
        """The candidates that the latest ranking of their prompt put first."""
        with transaction(self._engine) as session:
            return np.array(rankings.list_best(session), dtype=np.int64)

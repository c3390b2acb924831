"""Members' ratings as pages and notebooks ask for them, kept until a preference comes or goes.

Invariant: nothing is written, and an answer belongs to one state of the store, which its key names.
Non-goal: the statistics; ``ratings`` has them.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from blender_ui.errors import NotFound, StorageError
from blender_ui.services.inspecting.preference_arrays import PreferenceArrays, PreferenceTable
from blender_ui.services.inspecting.ratings import (
    RatingPoint,
    RatingsView,
    between_members,
    rate_by_kind,
    rate_members,
    rate_over_time,
    with_best_ranked,
)
from blender_ui.services.inspecting.recent import Recent
from blender_ui.values import IntArray
from db.engine import transaction
from db.models import Preference, Ranking, RankingEntry


class RatingWish(NamedTuple):
    """Which ratings.

    Attributes:
        kind: Of task; empty for all.
        holds_style: Whether length and markup are held equal.
        adds_best_ranked: Whether what a ranking put first counts as a member of its own.
    """

    kind: str = ""
    holds_style: bool = False
    adds_best_ranked: bool = False


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

    def warm_up(self) -> threading.Thread:
        """Read what there is in the background, so that the first visitor need not wait for it."""
        reader = threading.Thread(target=self._read, name="inspector-warm-up", daemon=True)
        reader.start()
        return reader

    def list_kinds(self) -> tuple[str, ...]:
        """The kinds of task of the prompts there are."""
        return tuple(sorted(self._table.prompts().kinds))

    def rate(self, wish: RatingWish | None = None) -> RatingsView:
        """The members' ratings by people.

        Raises:
            NotFound: If no prompt is of the wished kind.
        """
        wish = wish or RatingWish()
        told = self._table.current()
        first_ids = self._list_first() if wish.adds_best_ranked else np.zeros(0, dtype=np.int64)
        key = ("rate", told.version, wish, len(first_ids), int(first_ids.sum()))
        return self._recent.get(key, lambda: self._rate(told, wish, first_ids))

    def over_time(self, wish: RatingWish | None = None) -> tuple[RatingPoint, ...]:
        """The members' ratings by ever more preferences; style is not held equal."""
        told, wish = self._table.current(), wish or RatingWish()
        key = ("time", told.version, wish.kind)
        return self._recent.get(key, lambda: rate_over_time(self._choose(told, wish.kind)))

    def by_kind(self) -> tuple[RatingPoint, ...]:
        """The members' ratings in each kind of task."""
        told = self._table.current()
        key = ("kind", told.version)
        return self._recent.get(key, lambda: rate_by_kind(self._choose(told, ""), self._table.prompts()))

    def dates(self, points: tuple[RatingPoint, ...]) -> dict[str, str]:
        """When the preferences that points over time end with were given, by id."""
        ids = {int(point.at) for point in points}
        with transaction(self._engine) as session:
            rows = session.execute(
                select(col(Preference.id), col(Preference.created_at)).where(col(Preference.id).in_(ids))
            )
            return {str(id_): f"{at:%Y-%m-%d %H:%M}" for id_, at in rows}

    def _read(self) -> None:
        try:
            self.rate()
            self._table.styles()
        except (StorageError, SQLAlchemyError):  # the store was closed meanwhile; the first visitor reads it
            logging.getLogger(__name__).info("the preferences could not be read ahead", exc_info=True)

    def _rate(self, told: PreferenceArrays, wish: RatingWish, first_ids: IntArray) -> RatingsView:
        chosen = self._choose(told, wish.kind)
        if wish.adds_best_ranked:
            chosen = with_best_ranked(chosen, first_ids)
        styles = self._table.styles() if wish.holds_style else None
        return rate_members(chosen, self._table.prompts(), styles=styles)

    def _choose(self, told: PreferenceArrays, kind: str) -> PreferenceArrays:
        chosen = between_members(told)
        if not kind:
            return chosen
        prompts = self._table.prompts()
        if kind not in prompts.kinds:
            raise NotFound(f"expected a kind of task among {', '.join(prompts.kinds)}; came {kind!r}")
        return chosen.select(prompts.kind[chosen.prompt_id] == prompts.kinds.index(kind))

    def _list_first(self) -> IntArray:
        """The candidates that the latest ranking of their prompt put first."""
        with transaction(self._engine) as session:
            return np.array(list(_first_candidates(session)), dtype=np.int64)


def _first_candidates(session: Session) -> Any:
    latest = select(func.max(col(Ranking.id))).group_by(col(Ranking.prompt_id))
    return session.execute(
        select(col(RankingEntry.candidate_id)).where(
            col(RankingEntry.ranking_id).in_(latest), col(RankingEntry.rank) == 1
        )
    ).scalars()

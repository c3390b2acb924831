"""The leaderboard of a store, and what one person gave to it; kept until a preference comes or goes.

Invariant: nothing is written, and an answer counts as ranked first only if the ranking was made before the
vote. Non-goals: the statistics (``votes.leaderboard``), and whose projects somebody may see.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import NotFound
from blender_ui.language import tr
from blender_ui.services.candidates import FUSION_BACKEND
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.recent import Recent
from blender_ui.values import BoolArray
from blender_ui.votes.arrays import PreferenceArrays
from blender_ui.votes.leaderboard import Board, make_board
from blender_ui.votes.views import between_members
from db.engine import transaction
from db.queries import labels, members, rankings

AT_ONCE = 5_000
"""Preferences whose times are read by one statement."""


class BoardWish(NamedTuple):
    """Which leaderboard.

    Attributes:
        kind: Of task; empty for all.
        project_id: Only by preferences on its prompts; None for all.
    """

    kind: str = ""
    project_id: int | None = None


class Contribution(NamedTuple):
    """What one person gave.

    Attributes:
        n: Preferences of theirs in the lists.
        n_all: Everybody's.
        n_prompts: Prompts that theirs are about.
    """

    n: int
    n_all: int
    n_prompts: int


class Leaderboard:
    """Lists the members of one store.

    Args:
        engine: The store.
        table: Its preferences.
    """

    def __init__(self, engine: Engine, *, table: PreferenceTable) -> None:
        self._engine = engine
        self._table = table
        self._recent = Recent()

    def list_kinds(self) -> tuple[str, ...]:
        """The kinds of task of the prompts there are."""
        return tuple(sorted(self._table.prompts().kinds))

    def board(self, wish: BoardWish | None = None) -> Board:
        """The lists.

        Raises:
            NotFound: If no prompt is of the wished kind.
        """
        wish = wish or BoardWish()
        with transaction(self._engine) as session:
            last_ranking_id = rankings.find_last_id(session)
        key = ("board", self._table.current().version, wish, last_ranking_id)
        return self._recent.get(key, lambda: self._make(wish))

    def contribution(self, annotator_id: int, wish: BoardWish | None = None) -> Contribution:
        """What one person gave to ``board``."""
        told = self._choose(wish or BoardWish())
        own = told.annotator_id == annotator_id
        return Contribution(int(own.sum()), len(told), len(np.unique(told.prompt_id[own])))

    def _make(self, wish: BoardWish) -> Board:
        told = self._choose(wish)
        with transaction(self._engine) as session:
            fusers = members.list_names(session, backend=FUSION_BACKEND)
        return make_board(told, self._table.prompts(), fusers=fusers, is_first=self._find_first(told))

    def _choose(self, wish: BoardWish) -> PreferenceArrays:
        told = self._table.current()
        return self._recent.get(("told", told.version, wish), lambda: self._select(told, wish))

    def _select(self, told: PreferenceArrays, wish: BoardWish) -> PreferenceArrays:
        chosen = between_members(self._table.of_project(told, wish.project_id))
        if wish.kind:
            prompts = self._table.prompts()
            if wish.kind not in prompts.kinds:
                raise NotFound(
                    tr(
                        "expected a kind of task among {kinds}; came {kind!r}",
                        kinds=", ".join(prompts.kinds),
                        kind=wish.kind,
                    )
                )
            chosen = chosen.select(prompts.kind[chosen.prompt_id] == prompts.kinds.index(wish.kind))
        return chosen

    def _find_first(self, told: PreferenceArrays) -> tuple[BoolArray, BoolArray]:
        """Whether each side was what the last ranking before the vote had put first."""
        firsts: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
        with transaction(self._engine) as session:
            for one in rankings.list_firsts(session):
                firsts[one.prompt_id].append((one.at, one.candidate_id))
            asked = np.flatnonzero(np.isin(told.prompt_id, np.array([*firsts], dtype=np.int64)))
            times: dict[int, datetime] = {}
            for start in range(0, len(asked), AT_ONCE):
                ids = told.preference_id[asked[start : start + AT_ONCE]].tolist()
                times |= labels.times_of(session, preference_ids=ids)
        left, right = np.zeros(len(told), dtype=bool), np.zeros(len(told), dtype=bool)
        for place in asked:
            made = firsts[int(told.prompt_id[place])]
            n_before = bisect_left(made, times[int(told.preference_id[place])], key=lambda one: one[0])
            if n_before:
                at = made[n_before - 1][0]
                first = {candidate_id for then, candidate_id in made[:n_before] if then == at}
                left[place] = int(told.left_id[place]) in first
                right[place] = int(told.right_id[place]) in first
        return left, right

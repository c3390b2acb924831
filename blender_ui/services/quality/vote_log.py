"""Every vote as columns of numbers, kept in memory; only new rows are read.

The one place that says which votes stand, which are on checks, and what each counts as. Invariant: the
columns of one version never change. Non-goals: what is made of them (``blender_ui.votes``), and texts.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.values import BoolArray, IntArray
from blender_ui.votes.arrays import Votes
from blender_ui.votes.views import apply_rulings
from db.engine import transaction
from db.queries import columns, labels
from db.queries.columns import Columns, DataVersion

_NOTHING = -1


class VoteLog:
    """Gives the votes of now; one for a process.

    Args:
        engine: The store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._preferences: Columns = np.zeros((6, 0), dtype=np.int64)
        self._comparisons: Columns = np.zeros((5, 0), dtype=np.int64)
        self._current: Votes | None = None
        self._projects: Columns = np.zeros((2, 0), dtype=np.int64)

    def current(self, *, side_by_side: bool = True) -> Votes:
        """The standing votes of now.

        Args:
            side_by_side: Read whole tables at the same time, as somebody who waits wants it; else one after
                another, which leaves the other cores to those who wait for something else.
        """
        with self._lock, transaction(self._engine) as session:
            version = columns.get_data_version(session)
            if self._current is None or self._current.version != version:
                self._extend(session, version, side_by_side)
                self._current = self._assemble(session, version)
            return self._current

    def of_project(self, project_id: int | None) -> Votes:
        """The standing votes of now on a project's prompts; on all for None."""
        votes = self.current()
        if project_id is None:
            return votes
        keep = self.projects_of(votes.prompt_id) == project_id
        return votes.select(keep, version=(votes.version, project_id))

    def projects_of(self, prompt_ids: IntArray) -> IntArray:
        """The project of each of some prompts, which never changes."""
        with self._lock, transaction(self._engine) as session:
            if not np.isin(prompt_ids, self._projects[0], kind="table").all():
                # All anew: on PostgreSQL a lower id may be committed after a higher one.
                self._projects = columns.list_prompt_projects(session)
            return by_id(self._projects[0], self._projects[1])[prompt_ids]

    def _extend(self, session: Session, version: DataVersion, side_by_side: bool) -> None:
        if self._current is None and side_by_side:
            # The database works on each without Python's lock. What came meanwhile is added below.
            with ThreadPoolExecutor(1, thread_name_prefix="votes-read") as pool:
                comparisons = pool.submit(self._read_comparisons)
                self._preferences = columns.list_preferences(session)
                self._comparisons = comparisons.result()
        self._append(session)
        if not self._is_whole(version):
            # On PostgreSQL a lower id may be committed after a higher one: begin again.
            self._preferences, self._comparisons = self._preferences[:, :0], self._comparisons[:, :0]
            self._append(session)

    def _read_comparisons(self) -> Columns:
        with transaction(self._engine) as session:
            return columns.list_comparisons(session)

    def _append(self, session: Session) -> None:
        self._preferences = append_rows(self._preferences, columns.list_preferences, session)
        self._comparisons = append_rows(self._comparisons, columns.list_comparisons, session)

    def _is_whole(self, version: DataVersion) -> bool:
        wanted = np.append(self._preferences[1], [id_ for id_, _ in version.checks]).astype(np.int64)
        return self._preferences.shape[1] == version.n and bool(
            np.isin(wanted, self._comparisons[0], kind="table").all()
        )

    def _assemble(self, session: Session, version: DataVersion) -> Votes:
        stands: slice | BoolArray = slice(None)
        if version.n_retracted:
            stands = ~np.isin(self._preferences[0], columns.list_retracted(session)[0], kind="table")
        ids, comparison_id, annotator_id, outcome, milliseconds, ballot_id = self._preferences[:, stands]
        keys = self._comparisons[0]
        place = by_id(keys, np.arange(len(keys)))[comparison_id]
        # Any pair becomes a check at any time, so these few are never kept with what was read of the pairs.
        gold, is_check = np.full(len(keys), _NOTHING), np.zeros(len(keys), dtype=bool)
        checks = np.array(version.checks, dtype=np.int64).reshape(-1, 2)
        of_checks = np.searchsorted(keys, checks[:, 0])
        gold[of_checks], is_check[of_checks] = checks[:, 1], True
        people = labels.names_of_people(session)
        human = np.zeros(int(annotator_id.max(initial=0)) + 1, dtype=bool)
        human[[one for one in people if one < len(human)]] = True
        _, prompt_id, left_id, right_id, is_side_drawn = self._comparisons[:, place]
        return Votes(
            version=version,
            preference_id=ids,
            comparison_id=comparison_id,
            annotator_id=annotator_id,
            ballot_id=ballot_id,
            outcome=outcome,
            counted=apply_rulings(outcome, comparison_id, columns.list_ruled(session)),
            milliseconds=milliseconds,
            prompt_id=prompt_id,
            left_id=left_id,
            right_id=right_id,
            is_side_drawn=is_side_drawn.astype(bool)
            & (ballot_id == 0),  # at once, answers have places and no sides
            gold=gold[place],
            is_check=is_check[place],
            is_human=human[annotator_id],
            people=people,
        )


def append_rows(part: Columns, read: columns.ReadAfter, session: Session) -> Columns:
    """Add the rows with a higher id than the last one."""
    last = int(part[0, -1]) if part.shape[1] else 0
    more = read(session, after_id=last)
    return np.concatenate([part, more], axis=1) if more.shape[1] else part


def by_id(ids: IntArray, values: IntArray) -> IntArray:
    """An array that gives a row's value at the place of the row's id; -1 where there is no such row."""
    found = np.full(int(ids.max(initial=0)) + 1, _NOTHING, dtype=np.int64)
    found[ids] = values
    return found

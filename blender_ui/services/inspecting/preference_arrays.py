"""The votes that say something of answers, with who wrote the answers and what the prompts are.

Invariant: the arrays of one data version never change; votes on gold pairs and attention checks are left out,
because they say something of people and not of answers. Where a researcher has ruled, the ruling counts.
Non-goal: what is made of the arrays; what texts look like (``style_counts``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.inspecting.style_counts import StyleCounts
from blender_ui.services.quality.vote_log import VoteLog, append_rows, by_id
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from blender_ui.values import TARGETS, FloatArray, IntArray, RankingPrompt, is_decided, is_held_out
from blender_ui.votes.arrays import PreferenceArrays, PromptArrays, Votes
from db.engine import transaction
from db.queries import columns
from db.queries.columns import Columns

Read = TypeVar("Read")


class PreferenceTable:
    """Gives the arrays of now; one for a process.

    Args:
        engine: The store.
        log: Its votes; None makes one.
        cache_path: Folder for what takes long to count; None keeps it in memory alone.
        find_kinds: Gives the kinds of task; by default all prompts are of one kind.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        log: VoteLog | None = None,
        cache_path: Path | None = None,
        find_kinds: Callable[[], TaskSorter] = lambda: ALL_ALIKE,
    ) -> None:
        self._engine = engine
        self._log = log or VoteLog(engine)
        self._lock = threading.Lock()
        self._authors: Columns = np.zeros((3, 0), dtype=np.int64)
        self._styles = StyleCounts(engine, path=cache_path / "styles.npz" if cache_path else None)
        self._prompts: PromptArrays | None = None
        self._find_kinds = find_kinds
        self._kinds = ALL_ALIKE
        self._clusters: dict[str, int] = {}
        self._current: PreferenceArrays | None = None

    def current(self, *, side_by_side: bool = True) -> PreferenceArrays:
        """The preferences that count now; ``side_by_side`` as ``VoteLog.current`` has it."""
        with self._lock:
            if self._current is None and side_by_side:
                with ThreadPoolExecutor(2, thread_name_prefix="inspector-read") as pool:
                    parts = [
                        pool.submit(self._read, part) for part in (self._extend_authors, self._extend_prompts)
                    ]
                    votes = self._log.current()
                for part in parts:
                    part.result()
            else:
                votes = self._log.current(side_by_side=side_by_side)
            if self._current is None or self._current.version != votes.version:
                # After the votes, so that nobody votes on an answer that was not read.
                self._current = self._read(partial(self._assemble, votes))
            return self._current

    def of_project(self, told: PreferenceArrays, project_id: int | None) -> PreferenceArrays:
        """The preferences on a project's prompts; all of them for None."""
        if project_id is None:
            return told
        return told.select(self._log.projects_of(told.prompt_id) == project_id)

    def prompts(self) -> PromptArrays:
        """Facts of every prompt that there is."""
        with self._lock, transaction(self._engine) as session:
            return self._extend_prompts(session)

    def styles(self) -> FloatArray:
        """Length and markup of every candidate by its id, (max id + 1, len(STYLE_NAMES)), in doublings."""
        return np.asarray(np.log2(1.0 + self._styles.current()))

    def characters(self) -> IntArray:
        """Characters of every candidate by its id, of those that were there at the last ``current``."""
        with self._lock:
            return by_id(self._authors[0], self._authors[2])

    def _read(self, read: Callable[[Session], Read]) -> Read:
        with transaction(self._engine) as session:
            return read(session)

    def _extend_authors(self, session: Session) -> None:
        self._authors = append_rows(self._authors, columns.list_authors, session)

    def _extend_prompts(self, session: Session) -> PromptArrays:
        kinds = self._find_kinds()
        if kinds is not self._kinds:
            self._kinds, self._prompts = kinds, None
        last = 0 if self._prompts is None else len(self._prompts.kind) - 1
        more = columns.list_prompt_facts(session, after_id=last)
        if more.prompt_ids or self._prompts is None:
            self._prompts = self._add_prompts(session, more)
        return self._prompts

    def _assemble(self, votes: Votes, session: Session) -> PreferenceArrays:
        self._extend_authors(session)
        if not np.isin(np.append(votes.left_id, votes.right_id), self._authors[0], kind="table").all():
            self._authors = columns.list_authors(session)  # on PostgreSQL, as in ``VoteLog``
        names, rows = _list_members(session)
        by_row = np.full(max((max(one) for one in rows), default=0) + 1, -1)
        for number, one in enumerate(rows):
            by_row[list(one)] = number
        member_of = by_id(self._authors[0], by_row[self._authors[1]])
        told = PreferenceArrays(
            version=votes.version,
            preference_id=votes.preference_id,
            comparison_id=votes.comparison_id,
            annotator_id=votes.annotator_id,
            ballot_id=votes.ballot_id,
            target=TARGETS[votes.counted],
            is_decided=is_decided(votes.counted),
            is_human=votes.is_human,
            prompt_id=votes.prompt_id,
            left_id=votes.left_id,
            right_id=votes.right_id,
            left=member_of[votes.left_id],
            right=member_of[votes.right_id],
            members=names,
            member_ids=rows,
        )
        return told.select(~votes.is_check) if votes.is_check.any() else told

    def _add_prompts(self, session: Session, more: columns.PromptFacts) -> PromptArrays:
        old = self._prompts or _no_prompts()
        size = max(len(old.kind), more.prompt_ids[-1] + 1 if more.prompt_ids else 1)
        cluster, held_out, kind, source = (
            np.concatenate([part, np.zeros(size - len(part), dtype=part.dtype)])
            for part in (old.cluster, old.is_held_out, old.kind, old.source)
        )
        kinds = {name: number for number, name in enumerate(old.kinds)}
        sources = {name: number for number, name in enumerate(old.sources)}
        ids, has_category = more.prompt_ids, [bool(one) for one in more.categories]
        unsorted_ids = [id_ for id_, has in zip(ids, has_category, strict=True) if not has]
        own = _sort_prompts(session, self._kinds, unsorted_ids)
        named = (one or own[id_] for id_, one in zip(ids, more.categories, strict=True))
        cluster[ids] = _number(more.first_turns, self._clusters)
        held_out[ids] = [is_held_out(one, share=HELD_OUT_SHARE) for one in more.first_turns]
        kind[ids] = _number(named, kinds)
        source[ids] = _number((one or "" for one in more.sources), sources)
        return PromptArrays(cluster, held_out, kind, tuple(kinds), source, tuple(sources))


def _number(names: Iterable[str], numbers: dict[str, int]) -> list[int]:
    """The number of each name; a name that has none gets the next one."""
    return [numbers.setdefault(name, len(numbers)) for name in names]


def _no_prompts() -> PromptArrays:
    none = np.zeros(0, dtype=np.int64)
    return PromptArrays(none, none.astype(bool), none, (), none, ())


def _list_members(session: Session) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    ids_by_name: dict[str, tuple[int, ...]] = {}
    for member_id, name in columns.list_members(session):
        ids_by_name[name] = (*ids_by_name.get(name, ()), member_id)
    return tuple(ids_by_name), tuple(ids_by_name.values())


def _sort_prompts(session: Session, kinds: TaskSorter, prompt_ids: list[int]) -> dict[int, str]:
    """The kind of task of prompts that no import put into a category."""
    if not prompt_ids:
        return {}
    # A range and a test against the set, not IN: there may be more ids than a statement takes.
    wanted = set(prompt_ids)
    rows = columns.iterate_uncategorised(session, first_id=prompt_ids[0], last_id=prompt_ids[-1])
    found = {
        id_: RankingPrompt(instruction=instruction, input=input_)
        for id_, instruction, input_ in rows
        if id_ in wanted
    }
    sorted_ = kinds.sort(list(found.values()))
    return {id_: kinds.names[kind] for id_, kind in zip(found, sorted_, strict=True)}

"""Every preference as arrays, kept in memory; only new rows are read.

Invariant: the arrays of one data version never change; a preference that was taken back is left out, and
so are those on gold pairs and attention checks, which say something of people and not of answers. Where a
researcher has ruled, the ruling is the outcome.
What is added to the store is read once, so a second request on a large store costs milliseconds.
Non-goal: what is made of the arrays; what texts look like (``style_counts``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from blender_ui.ranking.prior import task_kind
from blender_ui.services.inspecting.style_counts import StyleCounts
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import TARGETS, FloatArray, IntArray, RankingPrompt, is_decided, is_held_out
from blender_ui.votes.arrays import PreferenceArrays, PromptArrays
from blender_ui.votes.views import apply_rulings
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, Member, Prompt
from db.queries import columns
from db.queries.columns import Columns, DataVersion

_NOTHING = -1

Read = TypeVar("Read")


class PreferenceTable:
    """Gives the arrays of now; one for a process.

    Args:
        engine: The store.
        cache_path: Folder for what takes long to count; None keeps it in memory alone.
    """

    def __init__(self, engine: Engine, *, cache_path: Path | None = None) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._preferences: Columns = np.zeros((4, 0), dtype=np.int64)
        self._comparisons: Columns = np.zeros((4, 0), dtype=np.int64)
        self._authors: Columns = np.zeros((3, 0), dtype=np.int64)
        self._styles = StyleCounts(engine, path=cache_path / "styles.npz" if cache_path else None)
        self._prompts: PromptArrays | None = None
        self._clusters: dict[str, int] = {}
        self._current: PreferenceArrays | None = None

    def current(self, *, side_by_side: bool = True) -> PreferenceArrays:
        """The standing preferences of now.

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

    def _extend(self, session: Session, version: DataVersion, side_by_side: bool) -> None:
        if self._current is None and side_by_side:
            self._begin(session)
        more = columns.list_preferences(session, after_id=_last(self._preferences))
        if self._preferences.shape[1] + more.shape[1] != version.n:
            # On PostgreSQL a lower id may be committed after a higher one: begin again.
            self._preferences, self._comparisons = self._preferences[:, :0], self._comparisons[:, :0]
            self._authors = self._authors[:, :0]
            more = columns.list_preferences(session)
        self._preferences = np.concatenate([self._preferences, more], axis=1)
        self._comparisons = _append(self._comparisons, columns.list_comparisons, session)
        self._authors = _append(self._authors, columns.list_authors, session)

    def _begin(self, session: Session) -> None:
        """Read whole tables side by side: the database works on each without Python's lock.

        Each has its own view of the store; what came meanwhile is added by ``session``, as ever.
        """
        with ThreadPoolExecutor(3, thread_name_prefix="inspector-read") as pool:
            comparisons = pool.submit(self._read, columns.list_comparisons)
            authors = pool.submit(self._read, columns.list_authors)
            prompts = pool.submit(self._read, self._extend_prompts)
            self._preferences = columns.list_preferences(session)
            self._comparisons, self._authors = comparisons.result(), authors.result()
            prompts.result()

    def _read(self, read: Callable[[Session], Read]) -> Read:
        with transaction(self._engine) as session:
            return read(session)

    def _extend_prompts(self, session: Session) -> PromptArrays:
        last = 0 if self._prompts is None else len(self._prompts.kind) - 1
        more = columns.list_prompt_facts(session, after_id=last)
        if more.prompt_ids or self._prompts is None:
            self._prompts = self._add_prompts(session, more)
        return self._prompts

    def _assemble(self, session: Session, version: DataVersion) -> PreferenceArrays:
        ids, comparison_id, annotator_id, code = self._preferences
        if version.n_retracted or version.checks:
            stands = ~np.isin(ids, columns.list_retracted(session)[0], kind="table")
            stands &= ~np.isin(comparison_id, np.array(version.checks, dtype=np.int64), kind="table")
            ids, comparison_id, annotator_id, code = self._preferences[:, stands]
        code = apply_rulings(code, comparison_id, columns.list_ruled(session))
        place = by_id(self._comparisons[0], np.arange(self._comparisons.shape[1]))[comparison_id]
        _, prompt_id, left_id, right_id = self._comparisons[:, place]
        names, rows = _list_members(session)
        by_row = np.full(max((max(one) for one in rows), default=0) + 1, _NOTHING)
        for number, one in enumerate(rows):
            by_row[list(one)] = number
        member_of = by_id(self._authors[0], by_row[self._authors[1]])
        people = session.execute(
            select(col(Annotator.id)).where(col(Annotator.kind) == AnnotatorKind.HUMAN)
        ).scalars()
        human = np.zeros(int(annotator_id.max(initial=0)) + 1, dtype=bool)
        human[[one for one in people if one < len(human)]] = True
        return PreferenceArrays(
            version=version,
            preference_id=ids,
            comparison_id=comparison_id,
            annotator_id=annotator_id,
            target=TARGETS[code],
            is_decided=is_decided(code),
            is_human=human[annotator_id],
            prompt_id=prompt_id,
            left_id=left_id,
            right_id=right_id,
            left=member_of[left_id],
            right=member_of[right_id],
            members=names,
            member_ids=rows,
        )

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
        own = _find_kinds(session, [id_ for id_, has in zip(ids, has_category, strict=True) if not has])
        named = (one or own[id_] for id_, one in zip(ids, more.categories, strict=True))
        cluster[ids] = _number(more.fingerprints, self._clusters)
        held_out[ids] = [is_held_out(one, share=HELD_OUT_SHARE) for one in more.fingerprints]
        kind[ids] = _number(named, kinds)
        source[ids] = _number((one or "" for one in more.sources), sources)
        return PromptArrays(cluster, held_out, kind, tuple(kinds), source, tuple(sources))


def _number(names: Iterable[str], numbers: dict[str, int]) -> list[int]:
    """The number of each name; a name that has none gets the next one."""
    return [numbers.setdefault(name, len(numbers)) for name in names]


def _last(part: Columns) -> int:
    return int(part[0, -1]) if part.shape[1] else 0


def _append(part: Columns, read: Callable[..., Columns], session: Session) -> Columns:
    return np.concatenate([part, read(session, after_id=_last(part))], axis=1)


def _no_prompts() -> PromptArrays:
    none = np.zeros(0, dtype=np.int64)
    return PromptArrays(none, none.astype(bool), none, (), none, ())


def by_id(ids: IntArray, values: IntArray) -> IntArray:
    """An array that gives a row's value at the place of the row's id; -1 where there is no such row."""
    found = np.full(int(ids.max(initial=0)) + 1, _NOTHING, dtype=np.int64)
    found[ids] = values
    return found


def _list_members(session: Session) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    ids_by_name: dict[str, tuple[int, ...]] = {}
    for member_id, name in session.execute(select(col(Member.id), col(Member.name)).order_by(col(Member.id))):
        ids_by_name[name] = (*ids_by_name.get(name, ()), member_id)
    return tuple(ids_by_name), tuple(ids_by_name.values())


def _find_kinds(session: Session, prompt_ids: list[int]) -> dict[int, str]:
    """The task kind of prompts that no import put into a category."""
    if not prompt_ids:
        return {}
    # A range and a test against the set, not IN: there may be more ids than a statement takes.
    wanted = set(prompt_ids)
    rows = session.execute(
        select(col(Prompt.id), col(Prompt.instruction), col(Prompt.input)).where(
            col(Prompt.id) >= prompt_ids[0],
            col(Prompt.id) <= prompt_ids[-1],
            func.coalesce(col(Prompt.category), "") == "",
        )
    )
    return {
        id_: task_kind(RankingPrompt(instruction=instruction[:4000], input=input_))
        for id_, instruction, input_ in rows
        if id_ in wanted
    }

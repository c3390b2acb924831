"""A version's predictions on held-out comparisons, computed once and kept in files beside the store.

Invariant: a version never changes, so its predictions stay valid; new comparisons are added.
A version as it was trained is asked, never the live head. The files are a cache: without them all is
computed again. A fast version is asked for a limited time. The order of prompts is random, so that the
predictions so far are a fair sample. Non-goal: what follows from the predictions; ``reports`` says.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.services.inspecting.style_counts import UNREADABLE
from blender_ui.services.ranking.comparing import Comparisons, read_fast, read_joint
from blender_ui.services.ranking.opening import load_fast
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.values import BoolArray, IntArray
from blender_ui.votes.arrays import Predictions, PreferenceArrays
from db.engine import transaction
from db.queries import columns

PORTION = 4_000
"""Comparisons that a fast version predicts at a time, so that memory does not grow with their number."""
PORTION_WITH_TEXTS = 100
"""The same where evidence is gathered from the answers' texts, which takes milliseconds a prompt."""
REQUEST_SECONDS = 0.3
"""After this long a fast version begins no further portion for one request."""
_KNUTH = np.uint64(2654435761)  # spreads ids; Knuth, "The Art of Computer Programming" 6.4
JOINT_PORTION = 200
"""Comparisons that a joint version reads for one request, both orders each; about a minute."""


class Predicted(NamedTuple):
    """What is known of some comparisons.

    Attributes:
        known: Of those that the version was asked about.
        n_waiting: Comparisons that it can be asked about and was not yet.
    """

    known: Predictions
    n_waiting: int


class PredictionStore:
    """Predicts, and keeps what was predicted.

    Args:
        engine: The store.
        process: Holds joint rankers.
        rankers_path: Folder of the checkpoints; the cache is its subfolder ``predictions``.
    """

    def __init__(self, engine: Engine, *, process: EngineProcess, rankers_path: Path) -> None:
        self._engine = engine
        self._process = process
        self._rankers_path = rankers_path
        self._known: dict[int, Predictions] = {}
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def predict(
        self, version: VersionView, told: PreferenceArrays, *, extend: bool = False, share: float = 1.0
    ) -> Predicted:
        """What the version says of the comparisons of these preferences, as far as it is known.

        Args:
            version: As it was trained.
            told: Preferences; each of their comparisons is predicted once.
            extend: Whether a joint version may read comparisons that it has not read, which takes
                about a minute for ``JOINT_PORTION`` of them. A fast version always goes on for
                ``REQUEST_SECONDS``, with the answers that its reader has read.
            share: Of these seconds, where one request asks several versions.

        Raises:
            RankerError: If the checkpoint or the engine process failed.
        """
        with self._locks[version.id]:
            known, wanted = self._load(version), _distinct(told)
            is_fast = version.reader_fingerprint is not None
            missing = wanted.select(~_are_in(wanted.comparison_id, known.comparison_id))
            if is_fast and len(missing.comparison_id):
                missing = self._find_readable(version, missing)
            if len(missing.comparison_id) and (extend or is_fast):
                if is_fast:
                    more = self._ask_fast(version, missing, seconds=share * REQUEST_SECONDS)
                else:
                    more = self._ask_joint(version, missing)
                known = _merge(known, more)
                self._save(version, known)
                missing = missing.select(~_are_in(missing.comparison_id, more.comparison_id))
        inside = _are_in(known.comparison_id, wanted.comparison_id)
        return Predicted(Predictions._make(part[inside] for part in known), len(missing.comparison_id))

    def _find_readable(self, version: VersionView, missing: Comparisons) -> Comparisons:
        """Those of which the reader has read both answers."""
        with transaction(self._engine) as session:
            read = columns.list_read(session, fingerprint=version.base_fingerprint)[0]
        return missing.select(_are_in(missing.left_id, read) & _are_in(missing.right_id, read))

    def _ask_fast(self, version: VersionView, missing: Comparisons, *, seconds: float) -> Predictions:
        started = time.monotonic()
        ranker = load_fast(version, self._rankers_path / version.path)
        size = min(PORTION, PORTION_WITH_TEXTS) if ranker.weighs_evidence else PORTION
        parts: list[Predictions] = []
        with transaction(self._engine) as session:
            for part in _portions(missing, size):
                parts.append(read_fast(session, ranker, part, version.base_fingerprint))
                if time.monotonic() - started > seconds:
                    break
        return _concatenate(parts)

    def _ask_joint(self, version: VersionView, missing: Comparisons) -> Predictions:
        part = missing.select(np.arange(min(JOINT_PORTION, len(missing.comparison_id))))
        return read_joint(self._engine, self._process, self._rankers_path / version.path, part)

    def _path(self, version: VersionView) -> Path:
        return self._rankers_path / "predictions" / f"{version.id}-{version.fingerprint[:16]}.npz"

    def _load(self, version: VersionView) -> Predictions:
        known = self._known.get(version.id)
        if known is None:
            known = _read_file(self._path(version))
            self._known[version.id] = known
        return known

    def _save(self, version: VersionView, known: Predictions) -> None:
        self._known[version.id] = known
        path = self._path(version)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            np.savez(file, **known._asdict())
        draft.replace(path)


def _read_file(path: Path) -> Predictions:
    try:
        with path.open("rb") as file, np.load(file) as arrays:  # np.load leaves a damaged file open
            return Predictions._make(arrays[name] for name in Predictions._fields)
    except UNREADABLE:
        return _concatenate([])


def _distinct(told: PreferenceArrays) -> Comparisons:
    """Each comparison once, by ascending id."""
    ids, place = np.unique(told.comparison_id, return_index=True)
    return Comparisons(ids, told.prompt_id[place], told.left_id[place], told.right_id[place])


def _portions(missing: Comparisons, size: int) -> Iterator[Comparisons]:
    """Cut comparisons into portions of whole prompts, in a random order.

    It is the same order for all versions, so that two which are half done know the same half.
    """
    turn = missing.prompt_id.astype(np.uint64) * _KNUTH % np.uint64(2**32)
    order = np.argsort(turn, kind="stable")
    starts = np.unique(np.searchsorted(turn[order], turn[order][::size]))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield missing.select(order[start:end])


def _are_in(ids: IntArray, some: IntArray) -> BoolArray:
    """Which ids are among some; by a table, as ids are dense."""
    return np.isin(ids, some, kind="table") if len(ids) and len(some) else np.zeros(len(ids), dtype=bool)


def _merge(known: Predictions, more: Predictions) -> Predictions:
    both = _concatenate([known, more])
    order = np.argsort(both.comparison_id, kind="stable")
    return Predictions._make(part[order] for part in both)


def _concatenate(parts: list[Predictions]) -> Predictions:
    none = Predictions(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    return Predictions._make(np.concatenate(columns) for columns in zip(none, *parts, strict=True))

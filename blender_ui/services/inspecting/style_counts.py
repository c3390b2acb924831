"""Length and markup of every answer, counted once and kept in a file beside the store.

Invariant: an answer never changes, so its counts stay valid; the file is a cache and can be deleted.
Non-goal: what style does to ratings; ``votes.ratings`` says.
"""

from __future__ import annotations

import hashlib
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.values import IntArray
from blender_ui.votes.styles import STYLE_NAMES, count_styles
from db.engine import transaction
from db.models import Candidate
from db.queries import columns

UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
"""What ``np.load`` raises of a file that is absent, or half-written by a machine that lost power."""
LEAST_KEPT = 10_000
"""Answers counted since the file was written that make it worth writing anew."""


class StyleCounts:
    """Counts the answers of one store.

    Args:
        engine: The store.
        path: Of the file; None keeps the counts in memory alone.
    """

    def __init__(self, engine: Engine, *, path: Path | None) -> None:
        self._engine, self._path = engine, path
        self._lock = threading.Lock()
        self._counts: IntArray | None = None
        self._n_kept = 0

    def current(self) -> IntArray:
        """Counts by candidate id, (max id + 1, len(STYLE_NAMES)); zeros where there is no candidate."""
        with self._lock, transaction(self._engine) as session:
            if self._counts is None:
                self._counts = self._read(session)
                self._n_kept = len(self._counts)
            found = [
                (np.array(ids), count_styles(texts))
                for ids, texts in columns.iterate_texts(session, after_id=len(self._counts) - 1)
            ]
            if found:
                counts = np.zeros((int(found[-1][0][-1]) + 1, len(STYLE_NAMES)), dtype=np.int64)
                counts[: len(self._counts)] = self._counts
                for ids, part in found:
                    counts[ids] = part
                self._counts = counts
                self._write(session, counts)
            return self._counts

    def _read(self, session: Session) -> IntArray:
        """What the file holds, where it is of this store: its last answer must be the store's."""
        nothing = np.zeros((1, len(STYLE_NAMES)), dtype=np.int64)
        if self._path is None:
            return nothing
        try:
            with self._path.open("rb") as file, np.load(file) as arrays:
                counts, last_answer = arrays["counts"], str(arrays["last_answer"])
        except UNREADABLE:
            return nothing
        is_ours = last_answer == _fingerprint(session, len(counts) - 1)
        return np.asarray(counts, dtype=np.int64) if is_ours else nothing

    def _write(self, session: Session, counts: IntArray) -> None:
        if self._path is None or len(counts) - self._n_kept < LEAST_KEPT:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            np.savez(file, counts=counts.astype(np.int32), last_answer=_fingerprint(session, len(counts) - 1))
        draft.replace(self._path)
        self._n_kept = len(counts)


def _fingerprint(session: Session, candidate_id: int) -> str:
    """Tells an answer from that of the same id in another store: SHA-256 of its text and time."""
    row = session.get(Candidate, candidate_id)
    return (
        "" if row is None else hashlib.sha256(f"{row.created_at.isoformat()} {row.text}".encode()).hexdigest()
    )

"""The readings of one training's answers: made in small committed chunks, then stacked.

Invariant: a chunk that was committed is never read again; a crash costs at most ``CHUNK`` answers.
Non-goal: what is learnt from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import RankerError
from blender_ui.ranking.negatives import ReadNegatives, choose_negatives, count_negatives
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.ranking.datasets import StoredDataset
from blender_ui.services.ranking.readings import find_unread, load_readings, save_readings
from blender_ui.values import BoolArray, FloatArray, PreferenceDataset, RankingPrompt
from db.engine import transaction

CHUNK = 16
"""Answers read between two commits."""


class AnswerReader(Protocol):
    """A frozen model that reads answers, such as ``ranking.reading.Reader``."""

    @property
    def fingerprint(self) -> str:
        """Names the reader: equal fingerprints read equal vectors."""
        ...

    @property
    def width(self) -> int:
        """Length of a vector."""
        ...

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        """Read answers to one prompt: shape (n, width), float32."""
        ...


class TrainingReadings:
    """Reads the candidates that a dataset's preferences are about.

    Args:
        engine: The store.
        stored: The dataset with the ids of its candidates.
        needed: Preferences whose candidates are to be read, shape (n_preferences,).
        open_reader: Gives the frozen reader; not called where nothing is needed.
        progress: Told after each prompt; raises where the job was cancelled.
        ends_at: Share of the whole job that is done when everything is read.
        seconds_after: Estimate of what the job takes after the last reading.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        stored: StoredDataset,
        needed: BoolArray,
        open_reader: Callable[[], AnswerReader],
        progress: JobProgress,
        ends_at: float,
        seconds_after: float,
    ) -> None:
        self._engine, self._stored, self._progress = engine, stored, progress
        self._ends_at, self._seconds_after = ends_at, seconds_after
        self._n_read_here, self._seconds = 0, 0.0
        dataset = stored.dataset
        used = np.unique(np.concatenate([dataset.left[needed], dataset.right[needed]]))
        self._index_of = {int(stored.candidate_ids[index]): int(index) for index in used}
        self._unread: list[int] = []
        if not self._index_of:
            return
        self._reader = open_reader()
        with transaction(engine) as session:
            unread = find_unread(session, list(self._index_of), fingerprint=self._reader.fingerprint)
        # One prompt's answers side by side, because the reader reads the prompt once for all of them.
        self._unread = sorted(unread, key=lambda id_: (dataset.prompt_of[self._index_of[id_]], id_))

    def read_chunk(self) -> int:
        """Read and commit the next answers.

        Returns:
            How many are left.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        chunk = self._unread[:CHUNK]
        if not chunk:
            return 0
        vectors = np.concatenate([self._read_prompt(ids) for ids in self._by_prompt(chunk)])
        save_readings(
            self._engine, fingerprint=self._reader.fingerprint, candidate_ids=chunk, vectors=vectors
        )
        self._unread = self._unread[CHUNK:]
        return len(self._unread)

    def stack(self) -> FloatArray:
        """Every candidate's vector, shape (n_candidates, width); zeros where no preference needs it.

        Raises:
            RankerError: If a reading that is needed is missing.
        """
        readings = np.zeros((len(self._stored.candidate_ids), self._reader.width), dtype=np.float32)
        with transaction(self._engine) as session:
            vectors = load_readings(session, list(self._index_of), fingerprint=self._reader.fingerprint)
        if len(vectors) != len(self._index_of):
            raise RankerError(
                f"expected readings of {len(self._index_of)} answers, came {len(vectors)}; train again"
            )
        for candidate_id, vector in vectors.items():
            readings[self._index_of[candidate_id]] = vector
        return readings

    def read_negatives(self, learnt: PreferenceDataset) -> ReadNegatives:
        """Read the answers that stand for strays; see ``ranking.negatives``.

        They are no candidates of the prompts that they are read after, so no row keeps them: a restarted
        fit reads them again, a minute or two at most.

        Args:
            learnt: The preferences to learn from; nothing held out.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        chosen = choose_negatives(learnt, count_negatives(learnt))
        vectors = np.zeros((len(chosen.winner), self._reader.width), dtype=np.float32)
        started = time.monotonic()
        for number, (winner, donor) in enumerate(zip(*chosen, strict=True)):
            self._progress.report(
                f"reading answers to other questions, {number} of {len(vectors)}",
                self._ends_at,
                remaining_seconds=self._seconds_after
                + (len(vectors) - number) * (time.monotonic() - started) / max(number, 1),
            )
            prompt = learnt.prompts[int(learnt.prompt_of[winner])]
            vectors[number] = self._reader.read(prompt, [learnt.texts[donor]])[0]
        return ReadNegatives(*chosen, vectors)

    def _by_prompt(self, chunk: list[int]) -> list[list[int]]:
        groups: dict[int, list[int]] = {}
        for candidate_id in chunk:
            groups.setdefault(int(self._stored.dataset.prompt_of[self._index_of[candidate_id]]), []).append(
                candidate_id
            )
        return list(groups.values())

    def _read_prompt(self, candidate_ids: list[int]) -> FloatArray:
        dataset = self._stored.dataset
        indices = [self._index_of[candidate_id] for candidate_id in candidate_ids]
        started = time.monotonic()
        vectors = self._reader.read(
            dataset.prompts[int(dataset.prompt_of[indices[0]])], [dataset.texts[index] for index in indices]
        )
        self._seconds += time.monotonic() - started
        self._n_read_here += len(indices)
        self._report()
        return vectors

    def _report(self) -> None:
        # Answers of the present chunk are in ``_unread`` until they are committed.
        n_left = max(len(self._unread) - self._n_read_here % CHUNK, 0)
        n_all = len(self._index_of)
        remaining = n_left * self._seconds / self._n_read_here + self._seconds_after
        self._progress.report(
            f"reading answers, {n_all - n_left} of {n_all}",
            self._ends_at * (n_all - n_left) / n_all,
            remaining_seconds=remaining,
        )

"""The readings of one training's answers: made in small committed chunks, then stacked.

Invariant: what was committed is never read again; a crash costs at most ``CHUNK`` answers, and about
``COMMIT_SECONDS`` of work however slow the machine is. Non-goal: what is learnt from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import RankerError
from blender_ui.ranking.fast.kept_negatives import KeptNegatives
from blender_ui.ranking.fast.negatives import ReadNegatives, choose_negatives, count_negatives
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.ranking.datasets import StoredDataset
from blender_ui.services.ranking.readings import load_readings, save_readings
from blender_ui.values import BoolArray, FloatArray, PreferenceDataset, RankingPrompt
from db.engine import transaction
from db.queries.readings import list_unread

CHUNK = 16
"""Answers read between two commits, at most."""
COMMIT_SECONDS = 3.0
"""After so long what was read is committed, be it one answer."""


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
        progress: Told after each read; raises where the job was cancelled. Its clock is the one here.
        kept_path: Folder for what no row keeps, until the job ends.
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
        kept_path: Path,
        ends_at: float,
        seconds_after: float,
    ) -> None:
        self._engine, self._stored, self._progress = engine, stored, progress
        self._ends_at, self._seconds_after = ends_at, seconds_after
        self._kept_path = kept_path
        self._n_read_here, self._seconds = 0, 0.0
        self._answer_seconds: float | None = None
        dataset = stored.dataset
        used = np.unique(np.concatenate([dataset.left[needed], dataset.right[needed]]))
        self._index_of = {int(stored.candidate_ids[index]): int(index) for index in used}
        self._unread: list[int] = []
        if not self._index_of:
            return
        self._reader = open_reader()
        with transaction(engine) as session:
            unread = list_unread(
                session, candidate_ids=list(self._index_of), fingerprint=self._reader.fingerprint
            )
        # One prompt's answers side by side, because the reader reads the prompt once for all of them.
        self._unread = sorted(unread, key=lambda id_: (dataset.prompt_of[self._index_of[id_]], id_))

    def read_chunk(self) -> int:
        """Read and commit the next answers.

        Returns:
            How many are left.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        started = self._progress.now()
        done: list[int] = []
        vectors: list[FloatArray] = []
        while len(done) < min(CHUNK, len(self._unread)):
            seconds_left = COMMIT_SECONDS - (self._progress.now() - started)
            if done and seconds_left <= 0:
                break
            ids = self._choose_next(len(done), seconds_left)
            vectors.append(self._read_prompt(ids))
            done += ids
            self._report(n_uncommitted=len(done))
        if done:
            save_readings(
                self._engine,
                fingerprint=self._reader.fingerprint,
                candidate_ids=done,
                vectors=np.concatenate(vectors),
            )
            self._unread = self._unread[len(done) :]
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
        """Read the negative samples; see ``ranking.fast.negatives``.

        They are no candidates of the prompts that they are read after, so no row keeps them, but a file
        until the job ends: a restarted fit goes on where the one before was.

        Args:
            learnt: The preferences to learn from; nothing held out.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        chosen = choose_negatives(learnt, count_negatives(learnt))
        n = len(chosen.winner)
        vectors = np.zeros((n, self._reader.width), dtype=np.float32)
        kept = KeptNegatives(self._kept_path, fingerprint=self._reader.fingerprint)
        ids = self._stored.candidate_ids
        started = saved_at = self._progress.now()
        n_read_here = 0
        for number, (winner, donor) in enumerate(zip(*chosen, strict=True)):
            seconds = (self._progress.now() - started) / max(n_read_here, 1)
            self._progress.report(
                f"reading answers to other questions, {number} of {n}",
                self._ends_at,
                remaining_seconds=self._seconds_after + (n - number) * seconds,
            )
            pair = int(ids[winner]), int(ids[donor])
            if pair not in kept:
                prompt = learnt.prompts[int(learnt.prompt_of[winner])]
                kept[pair] = self._reader.read(prompt, [learnt.texts[donor]])[0]
                n_read_here += 1
                if self._progress.now() - saved_at >= COMMIT_SECONDS:
                    kept.save()
                    saved_at = self._progress.now()
            vectors[number] = kept[pair]
        kept.save()
        return ReadNegatives(*chosen, vectors)

    def _choose_next(self, n_done: int, seconds_left: float) -> list[int]:
        """The next answers to read at once: of one prompt, and as many as there is likely time for."""
        prompt_of = self._stored.dataset.prompt_of
        waiting = self._unread[n_done:CHUNK]
        first = prompt_of[self._index_of[waiting[0]]]
        n_likely = 1 if self._answer_seconds is None else int(seconds_left / max(self._answer_seconds, 1e-9))
        together: list[int] = []
        for candidate_id in waiting[: max(n_likely, 1)]:
            if prompt_of[self._index_of[candidate_id]] != first:
                break
            together.append(candidate_id)
        return together

    def _read_prompt(self, candidate_ids: list[int]) -> FloatArray:
        dataset = self._stored.dataset
        indices = [self._index_of[candidate_id] for candidate_id in candidate_ids]
        started = self._progress.now()
        vectors = self._reader.read(
            dataset.prompts[int(dataset.prompt_of[indices[0]])], [dataset.texts[index] for index in indices]
        )
        seconds = self._progress.now() - started
        self._answer_seconds = seconds / len(indices)
        self._seconds += seconds
        self._n_read_here += len(indices)
        return vectors

    def _report(self, *, n_uncommitted: int) -> None:
        n_left = len(self._unread) - n_uncommitted
        n_all = len(self._index_of)
        remaining = n_left * self._seconds / self._n_read_here + self._seconds_after
        self._progress.report(
            f"reading answers, {n_all - n_left} of {n_all}",
            self._ends_at * (n_all - n_left) / n_all,
            remaining_seconds=remaining,
        )

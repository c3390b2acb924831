"""The active fast version as it has learnt up to the latest vote.

Invariant: the live head starts from the active version and learns from standing preferences alone; it
is used to rank and to choose the next pairs, never to be compared or promoted, so held-out prompts
stay held out from every comparison of versions. Non-goal: making versions, and joint rankers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import BlenderError, RankerError
from blender_ui.evidence.answers import gather
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.services.ranking.datasets import StoredDataset, gather_stored, load_dataset
from blender_ui.services.ranking.information import measure_open_comparisons
from blender_ui.services.ranking.opening import load_fast
from blender_ui.services.ranking.readings import load_readings, read_ahead
from blender_ui.services.ranking.rows import Entrants
from blender_ui.services.versions.joint_damage import JointDamage
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.serving_version import Serving, find_serving
from blender_ui.values import FloatArray
from db.engine import transaction
from db.queries import preferences

N_LEARNT = 10_000
"""Latest preferences that the live head learns from: a linear head gains nothing from more, and the
page's process would feel them."""
PRIORITISE_EVERY_SECONDS = 5.0
REST_PER_WORK = 2.0
"""Seconds of rest for each second of refitting, so that a large store does not keep a core busy."""


@dataclass(frozen=True, kw_only=True)
class LiveRanker:
    """A fast ranker and the last preference that it has learnt from."""

    version_id: int
    ranker: FastRanker
    refitted_preference_id: int | None
    ranking_ids: set[int] = field(default_factory=set, compare=False)
    """Stored rankings that it gave."""

    def gave(self, ranking_id: int) -> bool:
        """Whether a stored ranking with its version and last preference is its own.

        Of a head that was refitted, that alone does not say so: an earlier vote may have been taken
        back, or been read, or ruled on since.
        """
        return self.refitted_preference_id is None or ranking_id in self.ranking_ids

    def is_same(self, other: LiveRanker) -> bool:
        """Whether the other ranks alike and says so of the same version and preference."""
        return (self.version_id, self.refitted_preference_id, self.ranker.fingerprint) == (
            other.version_id,
            other.refitted_preference_id,
            other.ranker.fingerprint,
        )

    def compare(self, entrants: Entrants, readings: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logits and their standard deviations for n entrants with their readings, shape (n, n)."""
        evidence = gather(entrants.prompt, entrants.texts, entrants.members)
        asked = readings, entrants.members, entrants.prompt
        logits = self.ranker.pairwise_logits(*asked, evidence=evidence)
        return logits, self.ranker.uncertainty(*asked, evidence=evidence)


class LiveHead:
    """Refits in the background after votes, several votes at a time if they come fast.

    Args:
        engine: The store.
        process: Reads answers that people voted on and that nobody has read.
        rankers_path: Folder of the checkpoints.
        prioritise: Takes the information of open comparisons by id; ``Labeling.prioritise``.
        monotonic: Seconds from any start.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        process: EngineProcess,
        rankers_path: Path,
        prioritise: Callable[[Mapping[int, float]], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._process = process
        self._rankers_path = rankers_path
        self._joint_damage = JointDamage(rankers_path)
        self._prioritise = prioritise
        self._monotonic = monotonic
        self._live: LiveRanker | None = None
        self._trained: LiveRanker | None = None
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._prioritised_at: float | None = None
        self._is_queue_plain = False
        self._complaint = ""
        self._thread: threading.Thread | None = None

    def current(self, version: VersionView) -> LiveRanker:
        """The version with what it has learnt since; as trained where nothing was refitted yet.

        Raises:
            RankerError: If the checkpoint is missing or not the one that was registered.
        """
        with self._lock:
            if self._live is not None and self._live.version_id == version.id:
                return self._live
        return self._load(version)

    def find_serving(self) -> Serving | None:
        """The version that ranks now, which is not the active one where that is damaged."""
        return find_serving(self._engine, self._check)

    def note_failure(self, version: VersionView) -> bool:
        """Say that a joint version failed; whether its checkpoint is damaged, so that another serves now."""
        return version.reader_fingerprint is None and bool(self._joint_damage.look(version))

    def _check(self, version: VersionView) -> None:
        if version.reader_fingerprint is not None:
            self.current(version)
        elif wrong := self._joint_damage.find(version):
            raise RankerError(wrong)

    def refit_soon(self) -> None:
        """Ask for a refit; returns at once, and many calls in a burst cost one refit."""
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._serve, name="live-head", daemon=True)
                self._thread.start()
        self._wanted.set()

    def refit(self) -> LiveRanker | None:
        """Refit now, in this thread; None where no fast version is active or nothing can be learnt."""
        version = self._find_version()
        if version is None:
            return None
        stored = load_dataset(
            self._engine, after_preference_id=self._find_start(), project_id=version.project_id
        )
        readings, is_read = self._stack(stored, version.base_fingerprint)
        dataset = stored.dataset
        usable = is_read[dataset.left] & is_read[dataset.right]
        if not usable.any():
            with self._lock:
                self._live = None
            return None
        live = LiveRanker(
            version_id=version.id,
            ranker=self._load(version).ranker.refit(
                dataset.select(usable), readings, evidence=gather_stored(self._engine, stored)
            ),
            refitted_preference_id=int(stored.preference_ids[usable].max()),
        )
        with self._lock:
            if self._live is None or not self._live.is_same(live):
                self._live = live
            return self._live

    def close(self) -> None:
        """Stop the background thread."""
        self._closing.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _serve(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing.is_set():
                return
            started = self._monotonic()
            try:
                self._follow()
                self._complaint = ""
            except BlenderError as error:
                if self._process.is_closed:  # the app ends, and nothing is wrong
                    return
                self._complain(str(error))
            except Exception:  # the thread's edge: the next vote tries again
                logging.getLogger(__name__).exception("the live head could not follow the latest votes")
            self._closing.wait(REST_PER_WORK * (self._monotonic() - started))

    def _complain(self, message: str) -> None:
        """Log why nothing is learnt, once and not after every vote; the ranker goes on as it was."""
        if message != self._complaint:
            logging.getLogger(__name__).warning("the live head does not learn: %s", message)
        self._complaint = message

    def _follow(self) -> None:
        """Refit, tell the queue, and read a little ahead; come back while there is more to read."""
        version = self._find_version()
        if version is None:
            self._clear_queue()
            return
        live = self.refit()
        if live is not None and self._is_time_to_prioritise():
            self._is_queue_plain = False
            self._prioritise(
                measure_open_comparisons(self._engine, live.ranker, fingerprint=version.base_fingerprint)
            )
        if read_ahead(self._engine, self._process, fingerprint=version.base_fingerprint):
            self._wanted.set()

    def _clear_queue(self) -> None:
        """Take away what an earlier fast version said of open comparisons, of this run or before it."""
        if not self._is_queue_plain:
            self._prioritise({})
            self._is_queue_plain = True

    def _is_time_to_prioritise(self) -> bool:
        now = self._monotonic()
        if self._prioritised_at is not None and now - self._prioritised_at < PRIORITISE_EVERY_SECONDS:
            return False
        self._prioritised_at = now
        return True

    def _find_start(self) -> int:
        """The preference after which the latest ``N_LEARNT`` begin; 0 where there are fewer."""
        with transaction(self._engine) as session:
            return preferences.find_id_before_latest(session, n=N_LEARNT)

    def _find_version(self) -> VersionView | None:
        serving = self.find_serving()
        is_fast = serving is not None and serving.version.reader_fingerprint is not None
        return serving.version if serving is not None and is_fast else None

    def _load(self, version: VersionView) -> LiveRanker:
        with self._lock:
            if self._trained is not None and self._trained.version_id == version.id:
                return self._trained
        ranker = load_fast(version, self._rankers_path / version.path)
        trained = LiveRanker(version_id=version.id, ranker=ranker, refitted_preference_id=None)
        with self._lock:
            self._trained = trained
        return trained

    def _stack(self, stored: StoredDataset, fingerprint: str) -> tuple[FloatArray, np.ndarray]:
        """Vectors of all candidates, zeros where none was read, and which were read."""
        dataset = stored.dataset
        used = np.unique(np.concatenate([dataset.left, dataset.right]))
        index_of = {int(stored.candidate_ids[index]): int(index) for index in used}
        with transaction(self._engine) as session:
            vectors = load_readings(session, list(index_of), fingerprint=fingerprint)
        is_read = np.zeros(len(stored.candidate_ids), dtype=bool)
        width = len(next(iter(vectors.values()))) if vectors else 1
        readings = np.zeros((len(stored.candidate_ids), width), dtype=np.float32)
        for candidate_id, vector in vectors.items():
            readings[index_of[candidate_id]] = vector
            is_read[index_of[candidate_id]] = True
        return readings, is_read

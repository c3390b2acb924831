"""The kinds of task of a store: learnt from its prompts, the same in every process.

They are learnt again each time the prompts have doubled, from those of then, in the order in which they
came; so two processes learn the same kinds without a word, and kinds rarely change. What was learnt is kept
in the home folder, and later kinds keep the names of earlier ones. Invariant: without the encoder, or with
fewer than 30 prompts, all prompts are of one kind. Non-goal: a version's kinds, which are those of when it
was trained and lie beside it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import WeightsUnavailable
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.kinds import FEWEST_PROMPTS
from blender_ui.tasks.reading import Task
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter, learn_sorter
from blender_ui.weights.folders import make_folder
from db.engine import transaction
from db.queries import prompts

FIRST = 2 * FEWEST_PROMPTS
LEARNT_FROM = 1500
"""Prompts at most, spread evenly over those there were."""


class StoreKinds:
    """Gives the kinds of now; safe to share between threads.

    Args:
        engine: The store.
        folder: Where what was learnt is kept.
        open_encoder: Gives the encoder of prompts.
    """

    def __init__(self, engine: Engine, *, folder: Path, open_encoder: Callable[[], StaticEncoder]) -> None:
        self._engine, self._folder, self._open_encoder = engine, folder, open_encoder
        self._lock = threading.Lock()
        self._open: tuple[int, TaskSorter] | None = None
        self._complaint = ""

    def current(self) -> TaskSorter:
        """The kinds of the store's prompts; the same object as long as they stay the same."""
        with self._lock:
            with transaction(self._engine) as session:
                n = prompts.count(session)
            step = int(np.log2(max(n, 1) / FIRST)) if n >= FIRST else -1
            if step < 0:
                return ALL_ALIKE
            if self._open is None or self._open[0] != step:
                try:
                    self._open = step, self._learn(step)
                except WeightsUnavailable as error:
                    self._complain(str(error))
                    return ALL_ALIKE
            return self._open[1]

    def _learn(self, step: int) -> TaskSorter:
        """The kinds of a step, by way of all steps before it."""
        encoder, found = self._open_encoder(), ALL_ALIKE
        with transaction(self._engine) as session:
            store = prompts.get_first_fingerprint(session)
        for n in (FIRST << number for number in range(step + 1)):
            folder = self._folder / f"{n}-prompts-{store[:12]}-{encoder.fingerprint[:12]}"
            found = TaskSorter.load(make_folder(folder, partial(self._write_step, encoder, n, found)))
        if len(found.names) > 1:
            found.remember_in(folder / "known.npz")
        return found

    def _write_step(self, encoder: StaticEncoder, n: int, before: TaskSorter, folder: Path) -> None:
        with transaction(self._engine) as session:
            ids = prompts.list_first_ids(session, n=n)
            taken = np.unique(np.linspace(0, len(ids) - 1, min(LEARNT_FROM, len(ids))).astype(int))
            found = prompts.questions_by_id(session, prompt_ids=[ids[place] for place in taken])
        tasks = [Task(found[id_].instruction, found[id_].input) for id_ in sorted(found)]
        learn_sorter(encoder, tasks, before=before).save(folder)

    def _complain(self, message: str) -> None:
        """Log once why kinds are not told apart."""
        if message != self._complaint:
            logging.getLogger(__name__).warning("all prompts count as one kind of task: %s", message)
        self._complaint = message

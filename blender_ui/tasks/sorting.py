"""Sorts prompts into kinds of task, and keeps what it needs for that in a folder.

Invariant: a saved sorter sorts as it did, on any machine, because its encoder lies beside the kinds.
Non-goal: which kinds there are, see ``kinds``.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from blender_ui.errors import WeightsUnavailable
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.kinds import Kinds, learn_kinds, one_kind
from blender_ui.tasks.reading import Task, read_tasks
from blender_ui.values import IntArray, RankingPrompt

ARRAYS, RECORD = "kinds.npz", "kinds.json"
KEY_BYTES = 16
READ_CHARACTERS = 2_000
"""Of the instruction and of the input; what kind a task is, its beginning tells."""
MOST_REMEMBERED = 300_000
"""Prompts whose kind is kept in memory, so that a refit after a vote reads none of them again."""
WORTH_WRITING = 1_000
"""Prompts sorted at once that make it worth writing down what is known."""


class TaskSorter:
    """Kinds of task and the encoder that reads prompts for them.

    Args:
        kinds: Learnt.
        encoder: That read the prompts; not needed where there is one kind.
    """

    def __init__(self, kinds: Kinds, encoder: StaticEncoder | None) -> None:
        self.kinds = kinds
        self._encoder = encoder
        self._known: dict[bytes, int] = {}
        self._memory: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the kinds."""
        return self.kinds.names

    def sort(self, prompts: Sequence[RankingPrompt]) -> IntArray:
        """The kind of each of n prompts, as its place in ``names``, (n,)."""
        if self._encoder is None or len(self.names) == 1:
            return np.zeros(len(prompts), dtype=np.intp)
        tasks = [cut_task(prompt.instruction, prompt.input) for prompt in prompts]
        keys = [blake2b("\0".join(task).encode(), digest_size=KEY_BYTES).digest() for task in tasks]
        known = self._known
        new = {key: task for key, task in zip(keys, tasks, strict=True) if key not in known}
        if new:
            found = self.kinds.assign(read_tasks(self._encoder, list(new.values()))).tolist()
            known = {**known, **dict(zip(new, found, strict=True))}
            # Threads share a sorter: they see one dict or the other, and each whole.
            self._known = known if len(known) <= MOST_REMEMBERED else {}
            if self._memory is not None and len(new) >= WORTH_WRITING:
                _write_known(self._memory, known)
        return np.array([known[key] for key in keys], dtype=np.intp)

    def remember_in(self, path: Path) -> None:
        """Keep the kinds of many prompts in a file, too; it is a cache and can be deleted."""
        self._memory, self._known = path, _read_known(path) | self._known

    def save(self, folder: Path) -> None:
        """Write into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / ARRAYS, **self.kinds.arrays())  # type: ignore[arg-type]
        (folder / RECORD).write_text(json.dumps({"names": self.names}, indent=1) + "\n", encoding="utf-8")
        if self._encoder is not None:
            self._encoder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> TaskSorter:
        """Read what ``save`` wrote.

        Raises:
            WeightsUnavailable: If the folder does not hold it.
        """
        try:
            names = tuple(json.loads((folder / RECORD).read_text(encoding="utf-8"))["names"])
            with np.load(folder / ARRAYS) as arrays:
                kinds = Kinds(names=names, **arrays)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise WeightsUnavailable(f"expected kinds of task in {folder}, came {error!r}") from error
        return cls(kinds, StaticEncoder(folder) if len(names) > 1 else None)


def _read_known(path: Path) -> dict[bytes, int]:
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            keys, kinds = arrays["keys"], arrays["kinds"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # absent, or cut off
        return {}
    return dict(zip((key.tobytes() for key in keys), kinds.tolist(), strict=True))


def _write_known(path: Path, known: dict[bytes, int]) -> None:
    keys = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(-1, KEY_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        np.savez(file, keys=keys, kinds=np.array(list(known.values()), dtype=np.int16))
    draft.replace(path)


ALL_ALIKE = TaskSorter(one_kind(), None)
"""Takes all prompts for one kind."""


def cut_task(instruction: str, input: str) -> Task:
    """As much of a prompt as kinds go by."""
    return Task(instruction[:READ_CHARACTERS], input[:READ_CHARACTERS])


def learn_sorter(
    encoder: StaticEncoder, tasks: Sequence[Task], *, before: TaskSorter | None = None, seed: int = 0
) -> TaskSorter:
    """Learn the kinds of n prompts; ``before`` as in ``learn_kinds``."""
    read = read_tasks(encoder, [cut_task(*task) for task in tasks])
    kinds = learn_kinds(read, rarity=encoder.rarity, before=before.kinds if before else None, seed=seed)
    return TaskSorter(kinds, encoder if len(kinds.names) > 1 else None)

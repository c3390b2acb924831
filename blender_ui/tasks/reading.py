"""Reads prompts into numbers: what they are about (``encoder``) and what shape they have (``shape``).

Non-goal: what the numbers mean for members or kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.shape import measure_shapes
from blender_ui.values import FloatArray, IntArray


class Task(NamedTuple):
    """A prompt, as people write it."""

    instruction: str
    input: str = ""

    @property
    def text(self) -> str:
        """Instruction and input as one text."""
        return f"{self.instruction}\n{self.input}" if self.input else self.instruction


class ReadTasks(NamedTuple):
    """What was read in n prompts."""

    texts: tuple[str, ...]
    shapes: FloatArray
    """(n, n_measures)."""
    embeddings: FloatArray
    """(n, size)."""

    def select(self, rows: IntArray) -> ReadTasks:
        """Some of the prompts."""
        return ReadTasks(tuple(self.texts[row] for row in rows), self.shapes[rows], self.embeddings[rows])


def read_tasks(encoder: StaticEncoder, tasks: Sequence[Task]) -> ReadTasks:
    """Read prompts, a fraction of a millisecond each."""
    texts = tuple(task.text for task in tasks)
    return ReadTasks(texts, measure_shapes(texts, [task.input for task in tasks]), encoder.encode(texts))

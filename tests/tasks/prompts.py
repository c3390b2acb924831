"""A small encoder and prompts of two kinds, on which different members are better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from blender_ui.tasks.encoder import TABLE, TOKENIZER, StaticEncoder
from blender_ui.tasks.reading import Task
from blender_ui.values import FloatArray

WORDS = ("[UNK]", *(f"word{n}" for n in range(1500)))


def make_encoder(folder: Path, *, seed: int = 0) -> StaticEncoder:
    """An encoder whose tokens are "word0" to "word1499", each with random numbers."""
    table = np.random.default_rng(seed).normal(size=(len(WORDS), 20)).astype(np.float16)
    np.save(folder / TABLE, table)
    tokenizer = Tokenizer(WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / TOKENIZER))
    return StaticEncoder(folder)


def make_tasks(n: int, *, seed: int = 0) -> tuple[list[Task], FloatArray]:
    """Prompts with the words 1000 to 1019 or 1020 to 1039, half each, and which of the two (0 or 1)."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(2, size=n)
    tasks = [
        Task(" ".join(f"word{word}" for word in rng.integers(20, size=8) + 1000 + 20 * kind))
        for kind in kinds
    ]
    return tasks, kinds

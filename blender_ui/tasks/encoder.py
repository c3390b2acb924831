"""Turns a prompt into numbers in a fraction of a millisecond: a mean of its tokens' rows in a table.

The table is distilled from all-MiniLM-L6-v2 (``distilling``). Invariant: the same prompt gives the same
numbers, whatever stands beside it. Nothing here imports torch, so that the web process can choose
members. Non-goal: the order of words; where it matters, ``shape`` sees some of it.

Source of the weights of tokens: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence
embeddings", ICLR 2017.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from blender_ui.errors import WeightsUnavailable
from blender_ui.values import FloatArray

TABLE = "table.npy"
TOKENIZER = "tokenizer.json"
READ_CHARACTERS = 8_000
READ_TOKENS = 512
FREQUENT = 1e-3
"""A token of this frequency counts half as much as a rare one."""
COMMON = 1e-4
"""A word of this frequency is half as rare as one that nobody uses."""
FIRST_WORD = 999
"""Before this id the vocabulary has marks and single signs; from it on it is in order of frequency."""


class StaticEncoder:
    """Reads prompts by a table of tokens.

    Args:
        folder: With ``table.npy`` and ``tokenizer.json``, as ``distilling.distil`` writes them.

    Raises:
        WeightsUnavailable: If the folder does not hold them.
    """

    def __init__(self, folder: Path) -> None:
        try:
            table = np.load(folder / TABLE).astype(np.float32)
            self._tokenizer = Tokenizer.from_str((folder / TOKENIZER).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsUnavailable(
                f"expected the prompt encoder's {TABLE} and {TOKENIZER} in {folder}, came {error}; "
                "fetch all-minilm-l6-v2 (python -m blender_ui.weights), and the next training makes it"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._folder = folder
        self.fingerprint = hashlib.sha256(table.tobytes()).hexdigest()
        """SHA-256 of the table."""
        rank = np.maximum(np.arange(len(table)) - FIRST_WORD, 1)
        self._frequency = 1 / (rank * np.log(len(rank)))  # Zipf's law
        self._weighted = table * (FREQUENT / (FREQUENT + self._frequency))[:, None].astype(np.float32)

    @property
    def size(self) -> int:
        """Numbers a prompt."""
        return int(self._weighted.shape[1])

    def rarity(self, word: str) -> float:
        """How rare a word is in the language, from 0 to 1; one that the vocabulary lacks is rare."""
        ids = self._tokenizer.encode(word, add_special_tokens=False).ids
        return 1.0 if len(ids) != 1 else float(COMMON / (COMMON + self._frequency[ids[0]]))

    def save(self, folder: Path) -> None:
        """Put its files into another folder; they take no room twice where the disk can share them."""
        for name in (TABLE, TOKENIZER):
            try:
                os.link(self._folder / name, folder / name)
            except OSError:
                shutil.copyfile(self._folder / name, folder / name)

    def encode(self, prompts: Sequence[str]) -> FloatArray:
        """Read prompts.

        Args:
            prompts: n texts; of a long one the first ``READ_TOKENS`` tokens count.

        Returns:
            Shape (n, size), rows of length 1, or of zeros where nothing could be read.
        """
        found = np.zeros((len(prompts), self.size))
        for row, prompt in enumerate(prompts):
            ids = self._tokenizer.encode(prompt[:READ_CHARACTERS], add_special_tokens=False).ids[:READ_TOKENS]
            if ids:
                total = self._weighted[ids].sum(axis=0)
                found[row] = total / max(float(np.linalg.norm(total)), 1e-9)
        return found

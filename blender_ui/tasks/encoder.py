"""Turns a prompt into numbers in a fraction of a millisecond: a mean of its tokens' rows in a table.

The table is distilled from all-MiniLM-L6-v2 (``distilling``). Invariant: the same prompt gives the same
numbers, whatever stands beside it. Nothing here imports torch, so that the web process can choose
members. Non-goal: the order of words; where it matters, ``shape`` sees some of it.

Source of the weights of tokens: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence
embeddings", ICLR 2017.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
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
            self._table = np.load(folder / TABLE).astype(np.float32)
            self._tokenizer = Tokenizer.from_str((folder / TOKENIZER).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsUnavailable(
                f"expected the prompt encoder's {TABLE} and {TOKENIZER} in {folder}, came {error}; "
                "remove that folder, and the next training of a chooser makes it again"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        rank = np.maximum(np.arange(len(self._table)) - FIRST_WORD, 1)
        frequency = 1 / (rank * np.log(len(rank)))  # Zipf's law
        self._weighted = self._table * (FREQUENT / (FREQUENT + frequency))[:, None].astype(np.float32)

    @property
    def size(self) -> int:
        """Numbers a prompt."""
        return int(self._table.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the table."""
        return hashlib.sha256(self._table.tobytes()).hexdigest()

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

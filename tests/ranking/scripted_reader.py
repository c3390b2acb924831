"""A reader that needs no weights: what it reads is a fixed function of the text."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.values import FloatArray, RankingPrompt

WIDTH = 30
"""Enough for the fast ranker's likelihood, surface and hidden columns."""


class ScriptedReader:
    """Reads "good" words as quality, everything else as noise that depends on the text alone."""

    def __init__(self, *, seconds: float = 0.0, fingerprint: str = "scripted") -> None:
        self.fingerprint = fingerprint
        self.width = WIDTH
        self.n_read = 0
        self._seconds = seconds

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        time.sleep(self._seconds * len(answers))
        self.n_read += len(answers)
        return np.stack([read_vector(prompt.instruction, answer) for answer in answers])


def read_vector(instruction: str, answer: str) -> FloatArray:
    """A vector of WIDTH numbers; the last three, of the state, count the word "good" in the answer."""
    seed = int(hashlib.sha256(f"{instruction}|{answer}".encode()).hexdigest()[:8], 16)
    vector = np.random.default_rng(seed).normal(scale=0.3, size=WIDTH).astype(np.float32)
    vector[-3:] = answer.split().count("good")
    return vector


class MortalReader(ScriptedReader):
    """Dies, raises or hangs when the answer says so."""

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        for answer in answers:
            match answer:
                case "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "raise":
                    raise ValueError("this text cannot be read")
                case "hang":
                    time.sleep(3600)
        return super().read(prompt, answers)


class LengthRanker:
    """A joint ranker's stand-in that prefers longer texts."""

    def __init__(self, folder: object) -> None:
        self.fingerprint = f"length:{folder}"

    def pairwise_logits(
        self, prompt: RankingPrompt, candidates: Sequence[str], *, members: Sequence[str] | None = None
    ) -> FloatArray:
        lengths = np.array([len(text) for text in candidates], dtype=float)
        return (lengths[:, None] - lengths[None, :]) / 10


class CountingLengthRanker(LengthRanker):
    """Counts the pairs that it read."""

    def __init__(self, folder: object) -> None:
        super().__init__(folder)
        self.n_pairs = 0

    def read_pairs(
        self, prompt: RankingPrompt, candidates: Sequence[str], pairs: Sequence[tuple[int, int]]
    ) -> FloatArray:
        self.n_pairs += len(pairs)
        logits = self.pairwise_logits(prompt, candidates)
        return np.array([logits[pair] for pair in pairs])


class DemandingLengthRanker(CountingLengthRanker):
    """Refuses a folder whose weights are not whole, as the real one does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._weights = folder / "model.safetensors"

    def pairwise_logits(self, prompt: RankingPrompt, candidates: Sequence[str]) -> FloatArray:
        if not self._weights.exists() or self._weights.read_bytes() != b"whole":
            raise RankerError(f"expected weights in {self._weights}; the file is damaged")
        return super().pairwise_logits(prompt, candidates)

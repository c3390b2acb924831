"""BERTScore with a small encoder: how well the words of two texts match by meaning. Needs torch.

Invariant: a score depends on the two texts alone. Non-goal: the published scores, which come from
larger encoders and are rescaled: these are for comparing systems with each other, not with papers.

Source: Zhang et al., "BERTScore", ICLR 2020, arXiv:1904.09675: greedy matching by cosine, F1 of
precision and recall, without importance weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModel, AutoTokenizer

from blender_ui.errors import RankerError

MOST_TOKENS = 256


class BertScorer:
    """Scores texts with an encoder in a Hugging Face folder.

    Args:
        folder: The encoder.

    Raises:
        RankerError: If the folder does not hold one.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            self._model: Any = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        except (OSError, ValueError, SafetensorError) as error:
            raise RankerError(f"{folder} is not an encoder: {error}") from error

    def score(self, answers: Sequence[str], references: Sequence[str]) -> list[float]:
        """F1 for each answer and its reference, in [-1, 1] and nearly always above 0; 0 for an empty text."""
        return [
            self._f1(answer, reference) if answer.strip() and reference.strip() else 0.0
            for answer, reference in zip(answers, references, strict=True)
        ]

    def _f1(self, answer: str, reference: str) -> float:
        cosines = self._vectors(answer) @ self._vectors(reference).T
        precision, recall = cosines.max(dim=1).values.mean(), cosines.max(dim=0).values.mean()
        return float(2 * precision * recall / (precision + recall))

    def _vectors(self, text: str) -> torch.Tensor:
        """Unit vectors of a text's tokens, shape (n_tokens, width), without the encoder's own marks."""
        ids = self._tokenizer(text, return_tensors="pt", truncation=True, max_length=MOST_TOKENS)
        with torch.inference_mode():
            hidden: torch.Tensor = self._model(**ids).last_hidden_state[0, 1:-1]
        return torch.nn.functional.normalize(hidden, dim=-1)

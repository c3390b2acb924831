"""Makes the static encoder's table of tokens from all-MiniLM-L6-v2, once, by numpy alone.

Every token of the vocabulary goes through the model by itself; the means of what comes out, turned to
their principal axes, are the table. Invariant: the same weights give the same table. Non-goal: reading
prompts, see ``encoder``; nothing here imports torch.

Source: Tulkens and van Dongen, "Model2Vec", 2024 (a static model distilled from a sentence encoder).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from blender_ui.errors import WeightsUnavailable
from blender_ui.tasks.encoder import TABLE, TOKENIZER, StaticEncoder
from blender_ui.weights.folders import make_folder

Single = NDArray[np.float32]

SIZE = 64
"""Numbers a token. More were no better at choosing, see docs/experiments/member_choice.md."""
BATCH = 256
CLS, SEP = 101, 102
EPSILON = np.float32(1e-12)
"""Of the layer norms, as the model's configuration has it."""


def prepare_encoder(source: Path, folder: Path) -> StaticEncoder:
    """The encoder in a folder, made from a MiniLM folder where it is not there yet; see ``distil``."""
    return StaticEncoder(make_folder(folder, lambda made: distil(source, made)))


def distil(source: Path, folder: Path) -> None:
    """Write the table and the tokenizer of a MiniLM folder into another; takes about a minute.

    Args:
        source: With ``model.safetensors``, ``config.json`` and ``tokenizer.json``.
        folder: Which must exist.

    Raises:
        WeightsUnavailable: If the source does not hold such a model.
    """
    try:
        configuration = json.loads((source / "config.json").read_text(encoding="utf-8"))
        model = _Bert(load_file(source / "model.safetensors"), int(configuration["num_attention_heads"]))
        table = np.concatenate(
            [
                model.read_alone(np.arange(start, min(start + BATCH, model.n_tokens)))
                for start in range(0, model.n_tokens, BATCH)
            ]
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise WeightsUnavailable(
            f"expected a MiniLM encoder in {source}, came {error}; "
            "fetch it with: python -m blender_ui.weights fetch all-minilm-l6-v2"
        ) from error
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    table -= table.mean(axis=0)
    axes = np.linalg.eigh(table.T @ table)[1][:, ::-1][:, :SIZE]
    np.save(folder / TABLE, (table @ axes).astype(np.float16))
    shutil.copyfile(source / TOKENIZER, folder / TOKENIZER)


class _Bert:
    """The forward pass of a BERT encoder over texts of one length."""

    def __init__(self, weights: dict[str, Single], n_heads: int) -> None:
        self._weights = weights
        self._n_heads = n_heads
        self.n_tokens, self._size = weights["embeddings.word_embeddings.weight"].shape
        self._n_layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})

    def read_alone(self, tokens: NDArray[np.integer]) -> Single:
        """The mean of what the model makes of each token between its two marks, (n_tokens, size)."""
        ids = np.stack([np.full(len(tokens), CLS), tokens, np.full(len(tokens), SEP)], axis=1)
        hidden = self._normalise(
            self._weights["embeddings.word_embeddings.weight"][ids]
            + self._weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
            + self._weights["embeddings.token_type_embeddings.weight"][0],
            "embeddings.LayerNorm",
        )
        for layer in range(self._n_layers):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        mean: Single = hidden.mean(axis=1)
        return mean

    def _layer(self, hidden: Single, name: str) -> Single:
        mixed = self._linear(self._attend(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._normalise(hidden + mixed, f"{name}.attention.output.LayerNorm")
        inner = self._linear(hidden, f"{name}.intermediate.dense")
        inner = inner * np.float32(0.5) * (1 + scipy.special.erf(inner * np.float32(np.sqrt(0.5))))
        return self._normalise(
            hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm"
        )

    def _attend(self, hidden: Single, name: str) -> Single:
        n, length, size = hidden.shape
        width = size // self._n_heads

        def by_head(part: str) -> Single:
            shape = (n, length, self._n_heads, width)
            return self._linear(hidden, f"{name}.{part}").reshape(shape).transpose(0, 2, 1, 3)

        weights = by_head("query") @ by_head("key").transpose(0, 1, 3, 2) / np.float32(np.sqrt(width))
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed: Single = (weights @ by_head("value")).transpose(0, 2, 1, 3).reshape(n, length, size)
        return mixed

    def _linear(self, values: Single, name: str) -> Single:
        made: Single = values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return made

    def _normalise(self, values: Single, name: str) -> Single:
        centred = values - values.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
        made: Single = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return made

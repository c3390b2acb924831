"""Answers read as transformers alone does it: padded batches over a copied cache of the prompt's states.

The numbers are those of ``ranking.reading``, which is compared with this. Non-goal: speed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from blender_ui.ranking.chat_frame import ChatFrame
from blender_ui.ranking.reading import ANSWER_TOKENS, DEPTH, PROMPT_TOKENS
from blender_ui.ranking.surface import surface_features
from blender_ui.values import FloatArray, RankingPrompt

TOKENS_PER_BATCH = 600


class PlainReader:
    """Reads with a model as transformers loads it, by SDPA."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")
        self._model = model.eval()
        self._frame = ChatFrame(self._tokenizer)
        self._layer = round(DEPTH * model.config.num_hidden_layers)

    @torch.inference_mode()
    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        """As ``Reader.read``."""
        start = self._model(
            input_ids=torch.tensor([self._frame.prompt_ids(prompt, most=PROMPT_TOKENS).ids]),
            past_key_values=DynamicCache(config=self._model.config),
            logits_to_keep=1,
        )
        tokens = [self._answer_ids(answer) for answer in answers]
        rows: dict[int, FloatArray] = {}
        for batch in _batches([len(ids) for ids in tokens]):
            read = self._continue(start, [tokens[index] for index in batch])
            for index, state in zip(batch, read, strict=True):
                surface = surface_features(prompt, [answers[index]])[0]
                rows[index] = np.concatenate([surface, state])
        return np.stack([rows[index] for index in range(len(answers))]).astype(np.float32)

    def _answer_ids(self, answer: str) -> list[int]:
        ids = self._frame.encode(answer)
        return [*ids, self._tokenizer.eos_token_id] if len(ids) < ANSWER_TOKENS else ids[:ANSWER_TOKENS]

    def _continue(self, start: Any, tokens: Sequence[Sequence[int]]) -> Iterator[FloatArray]:
        """Each answer's mean state; the pass goes through all layers and the vocabulary."""
        cache = copy.deepcopy(start.past_key_values)
        cache.batch_repeat_interleave(len(tokens))
        length = max(map(len, tokens))
        ids = torch.zeros((len(tokens), length), dtype=torch.long)
        mask = torch.ones((len(tokens), cache.get_seq_length() + length), dtype=torch.long)
        for row, answer in enumerate(tokens):
            ids[row, : len(answer)] = torch.tensor(answer)
            mask[row, cache.get_seq_length() + len(answer) :] = 0
        out = self._model(
            input_ids=ids, attention_mask=mask, past_key_values=cache, output_hidden_states=True
        )
        for row, answer in enumerate(tokens):
            yield out.hidden_states[self._layer][row, : len(answer)].float().mean(dim=0).numpy()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Answers of similar length, so that one padded batch stays under the budget."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[index] * (len(batch) + 1) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch

"""Read answers with a frozen causal language model, once each, after their prompt.

Invariant: a reading depends on one prompt and one answer only, up to rounding never on the answers
read beside it, and text that looks like a control token is read as text. The prompt is read once and
its attention cache is shared by all its answers. Non-goal: learning anything; the weights stay frozen.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from blender_ui.errors import RankerError
from blender_ui.ranking.basis import LIKELIHOOD_NAMES
from blender_ui.ranking.chat_frame import ChatFrame
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.ranking.surface import SURFACE_NAMES, surface_features
from blender_ui.values import FloatArray, RankingPrompt

PROMPT_TOKENS = 400
ANSWER_TOKENS = 300
TOKENS_PER_BATCH = 600
FIRST_TOKENS = 20
DEPTH = 2 / 3
"""Of the layer whose state is kept, as a share of all layers; the best by measurement."""
LAYOUT = 2
"""Of a reading's columns; raised when their meaning changes, so that old readings are not mixed in."""


class AnswerTrace(NamedTuple):
    """One answer as the model saw it, n tokens long with the end-of-turn token unless it was cut.

    Attributes:
        log_likelihoods: Natural log of each token's probability after everything before it, (n,).
        entropies: Of the distribution each token was drawn from, in nats, (n,).
        hidden: The residual stream after each asked layer, (n_layers, n, hidden_size).
        ends: True unless the answer was cut, so that its last token is the end of the turn.
    """

    log_likelihoods: FloatArray
    entropies: FloatArray
    hidden: FloatArray
    ends: bool


class Reader:
    """A frozen causal LM in an ordinary Hugging Face folder.

    Attributes:
        n_cut_prompts: Prompts read so far that were longer than ``prompt_tokens``.
        n_cut_answers: Answers read so far that were longer than ``answer_tokens``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        layer: int | None = None,
        prompt_tokens: int = PROMPT_TOKENS,
        answer_tokens: int = ANSWER_TOKENS,
        device: str | None = None,
    ) -> None:
        """Load a model; in bfloat16 where the device is fast at it, else in float32.

        Args:
            folder: With ``config.json``, ``*.safetensors`` and a fast tokenizer.
            layer: Whose state is kept, from 1; two thirds of the depth by default.
            prompt_tokens: Of a prompt, the first so many are read; its history has what they leave.
            answer_tokens: Of an answer, the first so many are read.
            device: As torch names it; None for the GPU where there is one.

        Raises:
            RankerError: If the folder holds no causal LM.
        """
        if not (folder / "config.json").is_file():
            raise RankerError(
                f"expected a model's folder with config.json, came {folder}; prepare the reader first"
            )
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = torch.bfloat16 if multiplies_bfloat16(self._device) else torch.float32
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")
        except (OSError, ValueError, SafetensorError) as error:
            raise RankerError(f"expected a causal language model in {folder}: {error}") from error
        self._model = model.to(self._device).eval()
        config = self._model.config
        self._layer = round(DEPTH * config.num_hidden_layers) if layer is None else layer
        if not 1 <= self._layer <= config.num_hidden_layers:
            raise RankerError(f"expected a layer in 1..{config.num_hidden_layers}, came {self._layer}")
        self._prompt_tokens, self._answer_tokens = prompt_tokens, answer_tokens
        self._frame = ChatFrame(self._tokenizer)
        self.width = len(LIKELIHOOD_NAMES) + len(SURFACE_NAMES) + config.hidden_size
        self.fingerprint = self._make_fingerprint(folder)
        self.n_cut_prompts = self.n_cut_answers = 0

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        """Read each answer once after its prompt.

        Args:
            prompt: What the answers answer.
            answers: n texts; empty ones are allowed.

        Returns:
            Shape (n, width), float32: likelihood numbers, surface features, and the mean over the
            answer's tokens of one layer's state; ``ranking.basis`` names the columns.
        """
        distinct = list(dict.fromkeys(answers))
        if not distinct:
            return np.zeros((0, self.width), dtype=np.float32)
        surface = surface_features(prompt, distinct)
        traces = self.trace(prompt, distinct, layers=[self._layer])
        rows = {
            answer: np.concatenate([likelihood_numbers(trace), counted, trace.hidden[0].mean(axis=0)])
            for answer, trace, counted in zip(distinct, traces, surface, strict=True)
        }
        return np.stack([rows[answer] for answer in answers]).astype(np.float32)

    def trace(
        self, prompt: RankingPrompt, answers: Sequence[str], *, layers: Sequence[int]
    ) -> list[AnswerTrace]:
        """Read answers and keep what was seen at every token, for experiments and for ``read``.

        Args:
            prompt: What the answers answer.
            answers: n texts.
            layers: Whose states are kept; 0 is the embedding.

        Returns:
            n traces, in the order of the answers.
        """
        answer_ids = [self._answer_ids(answer) for answer in answers]
        traces: dict[int, AnswerTrace] = {}
        with torch.inference_mode():
            start = self._model(
                input_ids=torch.tensor([self._prompt_ids(prompt)], device=self._device),
                past_key_values=DynamicCache(config=self._model.config),
                output_hidden_states=True,
                logits_to_keep=1,
            )
            for batch in _batches([len(ids) for ids in answer_ids]):
                read = self._continue(start, [answer_ids[index] for index in batch], layers)
                traces.update(zip(batch, read, strict=True))
        return [traces[index] for index in range(len(answers))]

    def _continue(
        self, start: Any, tokens: Sequence[Sequence[int]], layers: Sequence[int]
    ) -> Iterator[AnswerTrace]:
        """Read answers in one batch after the prompt that ``start`` holds the cache of."""
        cache = copy.deepcopy(start.past_key_values)
        cache.batch_repeat_interleave(len(tokens))
        length = max(map(len, tokens))
        ids = torch.zeros((len(tokens), length), dtype=torch.long)
        mask = torch.ones((len(tokens), cache.get_seq_length() + length), dtype=torch.long)
        for row, answer in enumerate(tokens):
            ids[row, : len(answer)] = torch.tensor(answer)
            mask[row, cache.get_seq_length() + len(answer) :] = 0
        ids, mask = ids.to(self._device), mask.to(self._device)
        out = self._model(
            input_ids=ids, attention_mask=mask, past_key_values=cache, output_hidden_states=True
        )
        for row, answer in enumerate(tokens):
            n = len(answer)
            logits = torch.cat([start.logits[0, -1:], out.logits[row, : n - 1]]).float()
            log_probabilities = torch.log_softmax(logits, dim=-1)
            chosen = log_probabilities.gather(1, ids[row, :n, None])[:, 0]
            entropies = -(log_probabilities.exp() * log_probabilities).sum(dim=-1)
            hidden = torch.stack([out.hidden_states[layer][row, :n] for layer in layers]).float()
            ends = answer[-1] == self._tokenizer.eos_token_id
            yield AnswerTrace(chosen.cpu().numpy(), entropies.cpu().numpy(), hidden.cpu().numpy(), ends)

    def _prompt_ids(self, prompt: RankingPrompt) -> list[int]:
        ids, is_cut = self._frame.prompt_ids(prompt, most=self._prompt_tokens)
        self.n_cut_prompts += is_cut
        return ids

    def _answer_ids(self, answer: str) -> list[int]:
        ids = self._frame.encode(answer)
        if len(ids) >= self._answer_tokens:
            self.n_cut_answers += 1
            return ids[: self._answer_tokens]
        return [*ids, self._tokenizer.eos_token_id]

    def _make_fingerprint(self, folder: Path) -> str:
        """SHA-256 of weights, tokenizer, frame and limits; not of the device, whose rounding is noise."""
        digest = hashlib.sha256()
        for path in sorted([*folder.glob("*.safetensors"), *folder.glob("tokenizer*.json")]):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        frame = (self._frame.before, self._frame.after)
        limits = (LAYOUT, self._layer, self._prompt_tokens, self._answer_tokens, *frame)
        digest.update(repr(limits).encode())
        return digest.hexdigest()


def likelihood_numbers(trace: AnswerTrace) -> FloatArray:
    """Sum a trace up in the numbers that LIKELIHOOD_NAMES names, (len(LIKELIHOOD_NAMES),)."""
    surprise = -trace.log_likelihoods
    magnitudes = np.array(
        [
            surprise.mean(),
            surprise[:FIRST_TOKENS].mean(),
            surprise.max(),
            surprise.sum(),
            surprise[-1] if trace.ends else 0.0,
            trace.entropies.mean(),
            surprise.std(),
        ]
    )
    numbers: FloatArray = np.log1p(np.maximum(magnitudes, 0.0))  # rounding may leave one just below 0
    return numbers


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group answers of similar length so that one padded batch stays under the token budget."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    for index in order:
        if batch and lengths[index] * (len(batch) + 1) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch

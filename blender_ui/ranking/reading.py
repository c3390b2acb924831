"""Read answers with a frozen causal language model, once each, after their prompt.

Invariant: a reading depends on one prompt and one answer only, up to rounding never on what is read
beside it, and text that looks like a control token is read as text. Many prompts with their answers
share one row of tokens (``packed.rows``), and layers above the one that is kept are not run. Non-goal:
learning anything; the weights stay frozen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from blender_ui.errors import RankerError
from blender_ui.ranking.chat_frame import ChatFrame
from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES, N_SURFACE_WITH_LIKELIHOODS
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.ranking.packed.rows import IMPLEMENTATION, Branch, Pack, Tree, pack, plan
from blender_ui.ranking.packed.vocabulary import score
from blender_ui.ranking.surface import SURFACE_NAMES, surface_features
from blender_ui.values import FloatArray, RankingPrompt

PROMPT_TOKENS = 400
ANSWER_TOKENS = 300
TOKENS_PER_ROW, GPU_TOKENS_PER_ROW = 1024, 32768
FIRST_TOKENS = 20
DEPTH = 2 / 3
"""Of the layer whose state is kept, as a share of all layers; the best by measurement."""
LAYOUT, LAYOUT_WITH_LIKELIHOODS = 3, 2
"""Of a reading's columns; raised when their meaning changes, so that old readings are not mixed in."""
ATTENDING, GPU_ATTENDING = 128, 16384
"""Tokens that attend in one call; short answers one by one would spend their time on calls."""

Precision = Literal["float32", "bfloat16"]


class AnswerTrace(NamedTuple):
    """One answer as the model saw it, n tokens long with the end-of-turn token unless it was cut.

    Attributes:
        log_likelihoods: Natural log of each token's probability after everything before it, (n,); none,
            (0,), where likelihoods are not read.
        entropies: Of the distribution each token was drawn from, in nats, same shape.
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
        precision: Precision | None = None,
        with_likelihoods: bool = False,
    ) -> None:
        """Load a model.

        Args:
            folder: With ``config.json``, ``*.safetensors`` and a fast tokenizer.
            layer: Whose state is kept, from 1; two thirds of the depth by default.
            prompt_tokens: Of a prompt, the first so many are read; its history has what they leave.
            answer_tokens: Of an answer, the first so many are read.
            device: As torch names it; None for the GPU where there is one.
            precision: None for bfloat16 where the device is fast at it, else float32.
            with_likelihoods: Read as rankers from before need it: all layers and the vocabulary, too.

        Raises:
            RankerError: If the folder holds no causal LM.
        """
        if not (folder / "config.json").is_file():
            raise RankerError(
                f"expected a model's folder with config.json, came {folder}; prepare the reader first"
            )
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = precision or ("bfloat16" if multiplies_bfloat16(self._device) else "float32")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, self.precision), attn_implementation=IMPLEMENTATION
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise RankerError(f"expected a causal language model in {folder}: {error}") from error
        self._model = model.to(self._device).eval()
        config = self._model.config
        self._layer = round(DEPTH * config.num_hidden_layers) if layer is None else layer
        if not 1 <= self._layer <= config.num_hidden_layers:
            raise RankerError(f"expected a layer in 1..{config.num_hidden_layers}, came {self._layer}")
        self._depth, self._with_likelihoods = config.num_hidden_layers, with_likelihoods
        if not with_likelihoods:
            decoder = self._model.get_decoder()
            decoder.layers = decoder.layers[: self._layer]  # nothing looks at what the others would do
        self._prompt_tokens, self._answer_tokens = prompt_tokens, answer_tokens
        self._frame = ChatFrame(self._tokenizer)
        self.width = len(SURFACE_NAMES) + config.hidden_size
        if with_likelihoods:
            self.width = len(LIKELIHOOD_NAMES) + N_SURFACE_WITH_LIKELIHOODS + config.hidden_size
        self.fingerprint = self._make_fingerprint(folder)
        self.n_cut_prompts = self.n_cut_answers = 0

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
        """Read each answer once after its prompt.

        Args:
            prompt: What the answers answer.
            answers: n texts; empty ones are allowed.

        Returns:
            Shape (n, width), float32: surface features, and the mean over the answer's tokens of one
            layer's state; before them, where asked for, likelihood numbers. ``fast.basis`` names them.
        """
        return self.read_many([(prompt, answers)])[0]

    def read_many(self, asked: Sequence[tuple[RankingPrompt, Sequence[str]]]) -> list[FloatArray]:
        """``read`` for many prompts, which is faster where they are short or have few answers."""
        distinct = [list(dict.fromkeys(answers)) for _, answers in asked]
        prompts = [prompt for prompt, _ in asked]
        vectors: list[dict[str, FloatArray]] = [{} for _ in asked]
        for number, index, trace in self._trace(prompts, distinct, [self._layer]):
            answer = distinct[number][index]
            parts = [surface_features(prompts[number], [answer])[0], trace.hidden[0].mean(axis=0)]
            if self._with_likelihoods:
                parts = [likelihood_numbers(trace), parts[0][:N_SURFACE_WITH_LIKELIHOODS], parts[1]]
            vectors[number][answer] = np.concatenate(parts).astype(np.float32)
        empty = np.zeros((0, self.width), dtype=np.float32)
        return [
            np.stack([read[answer] for answer in answers]) if answers else empty
            for read, (_, answers) in zip(vectors, asked, strict=True)
        ]

    def trace(
        self, prompt: RankingPrompt, answers: Sequence[str], *, layers: Sequence[int]
    ) -> list[AnswerTrace]:
        """Read answers and keep what was seen at every token, for experiments.

        Args:
            prompt: What the answers answer.
            answers: n texts.
            layers: Whose states are kept; 0 is the embedding. None is above the reader's own, unless it reads
                likelihoods.

        Returns:
            n traces, in the order of the answers.
        """
        traces = {index: trace for _, index, trace in self._trace([prompt], [answers], layers)}
        return [traces[index] for index in range(len(answers))]

    def _trace(
        self, prompts: Sequence[RankingPrompt], answers: Sequence[Sequence[str]], layers: Sequence[int]
    ) -> Iterator[tuple[int, int, AnswerTrace]]:
        """Each answer's prompt number, its own number and its trace, in the order of reading."""
        trees = [
            Tree(self._prompt_ids(prompt), [self._answer_ids(text) for text in texts])
            for prompt, texts in zip(prompts, answers, strict=True)
            if texts
        ]
        numbers = [number for number, texts in enumerate(answers) if texts]
        on_gpu = self._device.type == "cuda"
        for row in plan(trees, GPU_TOKENS_PER_ROW if on_gpu else TOKENS_PER_ROW):
            packed = pack(
                [
                    Tree(trees[tree].prompt, [trees[tree].answers[index] for index in taken])
                    for tree, taken in row
                ],
                at_once=GPU_ATTENDING if on_gpu else ATTENDING,
                dtype=self._model.dtype,
                device=self._device,
            )
            places = ((numbers[tree], index) for tree, taken in row for index in taken)
            for (number, index), trace in zip(places, self._read_row(packed, layers), strict=True):
                yield number, index, trace

    @torch.inference_mode()
    def _read_row(self, row: Pack, layers: Sequence[int]) -> list[AnswerTrace]:
        """What the model saw in a row, one trace for each of its answers."""
        states, last = self._forward(row, layers)
        own = torch.cat([torch.arange(branch.begin, branch.end) for branch in row.branches]).to(self._device)
        hidden = torch.stack([states[layer][own] for layer in layers]).float().cpu()
        sizes = [branch.end - branch.begin for branch in row.branches]
        ids = row.ids.tolist()
        if self._with_likelihoods:
            before = torch.cat([_before(branch) for branch in row.branches]).to(self._device)
            scores = score(last[before], row.ids[own], self._model.get_output_embeddings())
            parts = [torch.split(values.cpu(), sizes) for values in scores]
        else:
            parts = [(torch.zeros(0),) * len(sizes)] * 2
        return [
            AnswerTrace(
                likelihoods.numpy(),
                entropies.numpy(),
                seen.numpy(),
                ids[branch.end - 1] == self._tokenizer.eos_token_id,
            )
            for likelihoods, entropies, seen, branch in zip(
                *parts, torch.split(hidden, sizes, dim=1), row.branches, strict=True
            )
        ]

    def _forward(self, row: Pack, layers: Sequence[int]) -> tuple[dict[int, Tensor], Tensor]:
        """States after the asked layers, (length, hidden_size) each, and what the vocabulary's head reads."""
        with self._keeping(layers) as states:
            out = self._model.get_decoder()(
                input_ids=row.ids[None],
                position_ids=row.positions[None],
                use_cache=False,
                pack=row,
                # Four dimensions: transformers would else make a mask of its own, of the whole row.
                attention_mask=torch.zeros((1, 1, 1, 1), device=self._device),
            )
        # After the last layer, as elsewhere in transformers, the state is the normed one.
        states |= {layer: out.last_hidden_state for layer in layers if layer == self._depth}
        return {layer: state[0] for layer, state in states.items()}, out.last_hidden_state[0]

    @contextmanager
    def _keeping(self, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
        """States after layers, (batch, length, hidden_size) each, once a pass has gone through them."""
        decoder = self._model.get_decoder()
        states: dict[int, Tensor] = {}

        def keep(number: int) -> Any:
            def hook(module: Any, inputs: Any, output: Any) -> None:
                states[number] = output[0] if isinstance(output, tuple) else output

            return hook

        hooks = [
            (decoder.layers[layer - 1] if layer else decoder.embed_tokens).register_forward_hook(keep(layer))
            for layer in set(layers)
        ]
        try:
            yield states
        finally:
            for hook in hooks:
                hook.remove()

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
        """SHA-256 of weights, tokenizer, frame and limits.

        Not of the device, nor of the number format: workers with and without bfloat16 fill one store, and
        its ranks are as near to float32's as those of either alone (``mixed_agreement`` in
        ``benchmarks.reading``). With a name for each format, either worker would read again what the other
        has read, and refuse a version that learnt in the other's.
        """
        digest = hashlib.sha256()
        for path in sorted([*folder.glob("*.safetensors"), *folder.glob("tokenizer*.json")]):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        frame = (self._frame.before, self._frame.after)
        layout = LAYOUT_WITH_LIKELIHOODS if self._with_likelihoods else LAYOUT
        limits = (layout, self._layer, self._prompt_tokens, self._answer_tokens, *frame)
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


def _before(branch: Branch) -> Tensor:
    """Places of the tokens that an answer's tokens are predicted from: its prompt's last, and its own."""
    return torch.cat([torch.tensor([branch.prompt_end - 1]), torch.arange(branch.begin, branch.end - 1)])

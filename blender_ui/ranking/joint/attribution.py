"""Integrated gradients of a joint or pointwise ranker's logit over the tokens that it read.

Invariant: control tokens are the same at both ends of the path, so only what people and members wrote
gets values. Non-goal: speed; a pair takes seconds to a minute, on the CPU and in float32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor

from blender_ui.ranking.attribution import PairAttribution, Token, cut_into_tokens
from blender_ui.ranking.joint.batches import collate
from blender_ui.ranking.joint.checkpoint import load_checkpoint
from blender_ui.ranking.joint.encoding import EncodedPrompt
from blender_ui.values import RankingPrompt

N_STEPS = 32
STEPS_AT_ONCE = 4


class JointExplainer:
    """The network in a checkpoint's folder, ready to be differentiated."""

    def __init__(self, folder: Path) -> None:
        checkpoint = load_checkpoint(folder)
        self._model = checkpoint.model.float().eval()
        self._encoder = checkpoint.encoder
        self._tokenizer = checkpoint.tokenizer
        self._is_joint = checkpoint.model.form == "joint"
        self.fingerprint = checkpoint.fingerprint
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)

    def attribute(
        self, prompt: RankingPrompt, answers: tuple[str, str], *, n_steps: int = N_STEPS
    ) -> PairAttribution:
        """Explain the logit that the first answer, shown first, is better.

        Args:
            prompt: What is answered.
            answers: The two texts.
            n_steps: Points of the integral.
        """
        encoded = self._encoder.encode(prompt, answers)
        if self._is_joint:
            read = self._explain(encoded, (0, 1), n_steps)
            prompt_tokens, first, second = read.segments
            logit, baseline = read.value, read.empty
        else:
            one, two = (self._explain(encoded, (index,), n_steps) for index in (0, 1))
            first, second = one.segments[1], _negated(two.segments[1])
            prompt_tokens = _add(one.segments[0], _negated(two.segments[0]))
            logit, baseline = one.value - two.value, one.empty - two.empty
        return PairAttribution(
            method="integrated gradients over the word embeddings of prompt and answers",
            first=first,
            second=second,
            prompt=prompt_tokens,
            logit=logit,
            baseline=baseline,
            n_steps=n_steps,
        )

    def _explain(self, encoded: EncodedPrompt, candidates: tuple[int, ...], n_steps: int) -> _Explained:
        encoding = encoded.pair(*candidates) if self._is_joint else encoded.single(*candidates)
        ids, mask, anchors = collate([encoding], pad_id=self._encoder.pad_id)
        bounds = _find_bodies(encoded, candidates)
        empty = ids.clone()
        for start, end in bounds:
            empty[0, start:end] = self._encoder.pad_id
        layer: Any = self._model.pretrained_model.get_input_embeddings()
        if any(start < end for start, end in bounds):
            values: Tensor = LayerIntegratedGradients(self._model, layer).attribute(
                ids,
                empty,
                additional_forward_args=(mask, anchors),
                n_steps=n_steps,
                method="gausslegendre",
                internal_batch_size=STEPS_AT_ONCE,
            )
            by_token = values.sum(dim=-1)[0].detach().numpy()
        else:
            by_token = np.zeros(ids.shape[1])
        with torch.no_grad():
            ends = [float(self._model(one, mask, anchors)[0]) for one in (ids, empty)]
        segments = tuple(
            cut_into_tokens(
                encoding.ids[start:end].tolist(), by_token[start:end].tolist(), decode=self._decode
            )
            for start, end in bounds
        )
        return _Explained(segments, ends[0], ends[1])

    def _decode(self, ids: Any) -> str:
        return str(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False))


class _Explained(NamedTuple):
    """One input: the tokens of its segments, what the network gives for it, and for an empty one."""

    segments: tuple[tuple[Token, ...], ...]
    value: float
    empty: float


def _find_bodies(encoded: EncodedPrompt, candidates: tuple[int, ...]) -> list[tuple[int, int]]:
    """Where the texts of the prompt and of these candidates lie, between their control tokens."""
    n_frame = encoded.encoder._n_frame
    room = encoded.candidate_length - n_frame
    lengths = [len(encoded.source) - n_frame, *(min(len(encoded.bodies[one]), room) for one in candidates)]
    bounds, start = [], 0
    for length in lengths:
        first = start + n_frame - 1  # all but the closing token stand before the text
        bounds.append((first, first + length))
        start += length + n_frame
    return bounds


def _negated(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    return tuple(Token(token.text, -token.value) for token in tokens)


def _add(one: tuple[Token, ...], two: tuple[Token, ...]) -> tuple[Token, ...]:
    return tuple(Token(a.text, a.value + b.value) for a, b in zip(one, two, strict=True))

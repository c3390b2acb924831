"""Integrated gradients of a fast ranker's logit over the tokens of both answers.

The reader is frozen and its readings enter the logit by one linear map, so the path goes from an answer
of empty tokens of the same length, through the model, to the reading and on to the utility. What is
counted on the surface, what the member's name adds and what evidence says do not depend on embeddings: they
stay in the baseline, and ``FastRanker.read_pairs`` gives them exactly. Most of the path changes nothing,
because far from a real answer the columns of a reading are cut off, and the rest lies in a short part of it;
so points are added where the sum has the largest error. Invariant: the same texts give the same values.
Non-goal: speed; an answer takes seconds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor
from transformers import DynamicCache

from blender_ui.evidence.answers import gather
from blender_ui.ranking.attribution import PairAttribution, Token, allowed_gap, cut_into_tokens
from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES, MAX_DEVIATIONS, N_SURFACE_WITH_LIKELIHOODS
from blender_ui.ranking.fast.contributions import ReadingWeights
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.reading import FIRST_TOKENS, Reader
from blender_ui.ranking.surface import surface_features
from blender_ui.values import FloatArray, RankingPrompt

POINTS = 4
"""Of the integral, in one stretch of the path; they are read at once."""
MOST_POINTS = 64
MOST_TOKENS_READ = 6_000
"""Tokens times points of one answer: a long one gets fewer points, so that nobody waits for ten minutes."""


class ReadingExplainer(Reader):
    """A reader that can be differentiated; always in float32 on the CPU."""

    def __init__(self, folder: Path, *, with_likelihoods: bool = False) -> None:
        super().__init__(folder, device="cpu", precision="float32", with_likelihoods=with_likelihoods)
        self._folder = folder
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)

    def attribute(
        self,
        ranker_path: Path,
        prompt: RankingPrompt,
        answers: tuple[str, str],
        *,
        members: tuple[str, str],
        most_points: int | None = None,
    ) -> PairAttribution:
        """Explain the logit that the first answer is better.

        Args:
            ranker_path: Checkpoint of a fast ranker of this reader.
            prompt: What is answered.
            answers: The two texts.
            members: Who wrote them; "" where unknown.
            most_points: Of each answer's integral; fewer are taken where the sum is complete before. By
                default as many as the answer's length allows.

        Raises:
            RankerError: If the checkpoint cannot be used.
        """
        ranker = FastRanker.load(ranker_path)
        if ranker.weighs_likelihoods and not self._with_likelihoods:
            whole = ReadingExplainer(self._folder, with_likelihoods=True)
            return whole.attribute(ranker_path, prompt, answers, members=members, most_points=most_points)
        weights = ranker.reading_weights()
        read = ranker.read_pairs(
            self.read(prompt, answers),
            members,
            [prompt] * 2,
            first=np.array([0]),
            second=np.array([1]),
            evidence=gather(prompt, answers, members),
        )
        parts = [self._explain(weights, prompt, answer, most_points) for answer in answers]
        factor, logit = float(read.factor[0]), float(read.logits[0])
        moved = (parts[0].utility - parts[0].empty) - (parts[1].utility - parts[1].empty)
        return PairAttribution(
            method="integrated gradients over the embeddings of each answer, read by the frozen reader",
            first=_scale(parts[0].tokens, factor),
            second=_scale(parts[1].tokens, -factor),
            prompt=(),
            logit=logit,
            baseline=logit - factor * moved,
            n_steps=max(part.n_points for part in parts),
        )

    def _explain(
        self, weights: ReadingWeights, prompt: RankingPrompt, answer: str, most_points: int | None
    ) -> _Part:
        ids = self._answer_ids(answer)
        most_points = most_points or min(MOST_POINTS, MOST_TOKENS_READ // len(ids))
        embed = self._model.get_input_embeddings()
        with torch.no_grad():
            inputs = embed(torch.tensor([ids]))
            empty = embed(torch.full((1, len(ids)), self._tokenizer.eos_token_id))
        path = EmbeddingPath(self._utility_of(weights, prompt, answer, ids), empty, inputs)
        by_token = np.sum([stretch.values for stretch in integrate(path, most_points)], axis=0)
        tokens = cut_into_tokens(ids, by_token.tolist(), decode=self._decode)
        return _Part(tokens, path.utility(1.0), path.utility(0.0), path.n_points)

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))

    def _utility_of(
        self, weights: ReadingWeights, prompt: RankingPrompt, answer: str, ids: list[int]
    ) -> Callable[[Tensor], Tensor]:
        """Gives the utility (batch,) of an answer whose embeddings (batch, n, hidden) may be anything."""
        with torch.no_grad():
            start = self._model.get_decoder()(
                input_ids=torch.tensor([self._prompt_ids(prompt)]),
                past_key_values=DynamicCache(config=self._model.config),
            )
        targets = torch.tensor(ids)
        surface = torch.tensor(surface_features(prompt, [answer])[0], dtype=torch.float32)
        ends = ids[-1] == self._tokenizer.eos_token_id

        def utility(embeddings: Tensor) -> Tensor:
            state, last = self._continue_from(start.past_key_values, embeddings)
            hidden, counted = state.float().mean(dim=1), surface.expand(len(embeddings), -1)
            if not self._with_likelihoods:
                return _apply(weights, torch.cat([counted, hidden], dim=1))
            before = torch.cat([start.last_hidden_state[:, -1:].expand(len(embeddings), -1, -1), last], dim=1)
            logits = self._model.get_output_embeddings()(before[:, :-1]).float()
            numbers = _likelihood_numbers(logits, targets, ends=ends)
            counted = counted[:, :N_SURFACE_WITH_LIKELIHOODS]
            return _apply(weights, torch.cat([numbers, counted, hidden], dim=1))

        return utility

    def _continue_from(self, cache: Any, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """The kept layer's states of an answer, and what the vocabulary's head reads."""
        own = copy.deepcopy(cache)
        own.batch_repeat_interleave(len(embeddings))
        with self._keeping([self._layer]) as states:
            out = self._model.get_decoder()(inputs_embeds=embeddings, past_key_values=own)
        last: Tensor = out.last_hidden_state
        return last if self._layer == self._depth else states[self._layer], last


class _Part(NamedTuple):
    """One answer: its tokens' values, its utility, that of an empty one of its length, and the points."""

    tokens: tuple[Token, ...]
    utility: float
    empty: float
    n_points: int


class Stretch(NamedTuple):
    """A part of the path: where it begins and ends, each token's value in it, and what they miss."""

    begin: float
    end: float
    values: FloatArray
    missed: float


class EmbeddingPath:
    """From an empty answer (0) to the answer (1), in a straight line between their embeddings."""

    def __init__(self, utility: Callable[[Tensor], Tensor], empty: Tensor, inputs: Tensor) -> None:
        self._utility = utility
        self._empty = empty
        self._inputs = inputs
        self._known: dict[float, float] = {}
        self.n_points = 0

    def utility(self, share: float) -> float:
        """Of the answer that stands at this share of the path."""
        if share not in self._known:
            with torch.no_grad():
                self._known[share] = float(self._utility(self._at(share))[0])
        return self._known[share]

    def measure(self, begin: float, end: float) -> Stretch:
        """Integrate from one share of the path to another."""
        values = IntegratedGradients(self._utility, multiply_by_inputs=True).attribute(
            self._at(end),
            self._at(begin),
            n_steps=POINTS,
            method="gausslegendre",
            internal_batch_size=POINTS,
        )
        self.n_points += POINTS
        by_token = values.sum(dim=-1)[0].numpy()
        moved = self.utility(end) - self.utility(begin)
        return Stretch(begin, end, by_token, moved - float(by_token.sum()))

    def _at(self, share: float) -> Tensor:
        return self._empty + share * (self._inputs - self._empty)


def integrate(path: EmbeddingPath, most_points: int) -> list[Stretch]:
    """Halve the stretch that misses most until little is missed, or the points are used up.

    Integrals over stretches of one path add up, so this is the integral over the whole.
    """
    stretches = [path.measure(0.0, 1.0)]
    moved = path.utility(1.0) - path.utility(0.0)
    while path.n_points + 2 * POINTS <= most_points:
        values = np.sum([stretch.values for stretch in stretches], axis=0)
        if sum(abs(stretch.missed) for stretch in stretches) <= allowed_gap(moved, values):
            break
        worst = max(stretches, key=lambda stretch: abs(stretch.missed))
        middle = (worst.begin + worst.end) / 2
        stretches.remove(worst)
        stretches += [path.measure(worst.begin, middle), path.measure(middle, worst.end)]
    return stretches


def _likelihood_numbers(logits: Tensor, targets: Tensor, *, ends: bool) -> Tensor:
    """``reading.likelihood_numbers`` for a batch, in torch: (batch, len(LIKELIHOOD_NAMES))."""
    log_probabilities = torch.log_softmax(logits, dim=-1)
    index = targets.expand(len(logits), -1)[..., None]
    surprise = -log_probabilities.gather(2, index)[..., 0]
    entropies = -(log_probabilities.exp() * log_probabilities).sum(dim=-1)
    magnitudes = torch.stack(
        [
            surprise.mean(dim=1),
            surprise[:, :FIRST_TOKENS].mean(dim=1),
            surprise.amax(dim=1),
            surprise.sum(dim=1),
            surprise[:, -1] if ends else torch.zeros(len(logits)),
            entropies.mean(dim=1),
            surprise.std(dim=1, unbiased=False) if surprise.shape[1] > 1 else torch.zeros(len(logits)),
        ],
        dim=1,
    )
    assert magnitudes.shape[1] == len(LIKELIHOOD_NAMES)
    return torch.log1p(magnitudes.clamp_min(0.0))


def _apply(weights: ReadingWeights, reading: Tensor) -> Tensor:
    def tensor(values: FloatArray) -> Tensor:
        return torch.tensor(values, dtype=torch.float32)

    standard = (reading - tensor(weights.centre)) / tensor(weights.scale)
    return standard.clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS) @ tensor(weights.weights)


def _scale(tokens: tuple[Token, ...], factor: float) -> tuple[Token, ...]:
    return tuple(Token(token.text, factor * token.value) for token in tokens)

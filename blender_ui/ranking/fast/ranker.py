"""The fast ranker: a Bayesian linear head over readings, and a prior of each member, refitted at once.

Invariant: logits are antisymmetric, entry [i, j] is minus [j, i], because each answer is read once and
alone; so one order of a pair is enough. Imports no torch. Non-goal: reading answers (``reading``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from blender_ui.errors import RankerError
from blender_ui.evidence.answers import AnswerEvidence
from blender_ui.ranking.calibration import moderate
from blender_ui.ranking.fast.contributions import (
    PairReadings,
    ReadingWeights,
    read_pairs,
    weigh_readings,
)
from blender_ui.ranking.fast.files import arrays_of, load_state, save_state, settings_of, state_of
from blender_ui.ranking.fast.fitting import check, inherit, learn, sort_candidates, start_state
from blender_ui.ranking.fast.head import (
    Head,
    Progress,
    fit_head,
    spread_precisions,
    summarise,
)
from blender_ui.ranking.fast.negatives import ReadNegatives
from blender_ui.ranking.fast.prior import known_members
from blender_ui.ranking.fast.state import (
    GROUPS,
    USUAL_PRECISIONS,
    FastOptions,
    State,
    join_negatives,
    keep_negatives,
    prior_centre,
    state_features,
    text_features,
    text_weights,
    with_evidence,
    with_topic,
)
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from blender_ui.values import FloatArray, IntArray, PreferenceDataset, RankingPrompt

__all__ = ["GROUPS", "FastOptions", "FastRanker"]


class FastRanker:
    """Ranks candidates by their readings and their members; made by ``fit`` or ``load``."""

    def __init__(self, state: State, *, fingerprint: str | None = None) -> None:
        settings, arrays = settings_of(state), arrays_of(state)
        # The same memory layout as after loading, so that sums come out the same to the last bit.
        self._state = state_of(json.loads(settings), arrays, state.kinds)
        self._fingerprint = fingerprint or hashlib.sha256(settings.encode() + save(arrays)).hexdigest()

    @classmethod
    def fit(
        cls,
        dataset: PreferenceDataset,
        readings: FloatArray,
        *,
        options: FastOptions | None = None,
        start: FastRanker | None = None,
        negatives: ReadNegatives | None = None,
        evidence: AnswerEvidence | None = None,
        kinds: TaskSorter = ALL_ALIKE,
        on_progress: Progress | None = None,
    ) -> FastRanker:
        """Learn from preferences: basis, prior precisions, weights and temperature.

        Args:
            dataset: Preferences; candidates without any still shape the basis.
            readings: One row per candidate of ``dataset``, (n_candidates, width), finite; all zeros
                where an answer was not read.
            options: See ``FastOptions``; what shapes the basis is ``start``'s, where there is one.
            start: A ranker that learnt from other people's preferences over readings of the same
                reader. Without a label the new one weighs texts as it does, and with every label
                less so; of its members nothing is kept.
            negatives: Answers to other prompts, each one label's loser; kept for refits.
            evidence: About the dataset's candidates; None to weigh none.
            kinds: Of task, in which members may deviate from their strength.
            on_progress: Is told of every setting of the prior that is tried.

        Raises:
            RankerError: If there is no candidate, or readings do not fit the dataset or ``start``.
        """
        options = options or FastOptions()
        check(dataset, readings, width=len(start._state.basis.centre) if start else None)
        empty = start_state(options, readings, dataset) if start is None else inherit(options, start._state)
        empty = empty._replace(kinds=kinds)
        if negatives is not None:
            empty = keep_negatives(empty, dataset, readings, negatives)
        return cls(learn(empty, dataset, readings, negatives, evidence, on_progress=on_progress))

    def refit(
        self, dataset: PreferenceDataset, readings: FloatArray, *, evidence: AnswerEvidence | None = None
    ) -> FastRanker:
        """Learn the weights anew, from all preferences of now, and keep basis, precisions, temperature.

        Takes milliseconds; members that were not known before get their columns, and so does evidence.
        Arguments and errors are those of ``fit``.
        """
        check(dataset, readings, width=len(self._state.basis.centre))
        state = self._state._replace(members=known_members(dataset.members))
        state = with_evidence(state, evidence, dataset.prompt_of)
        features, sizes = state_features(
            state, readings, dataset.members, sort_candidates(state, dataset), dataset.prompt_of, evidence
        )
        is_as_wide = features.shape[1] == len(self._state.head.mean)
        start = self._state.head.mean if is_as_wide and state.members == self._state.members else None
        features, comparisons = join_negatives(state, features, summarise(dataset))
        head = fit_head(
            features,
            comparisons,
            spread_precisions(state.precisions, sizes),
            start=start,
            centre=prior_centre(sizes),
        )
        return FastRanker(state._replace(head=head))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that makes the logits: equal fingerprints give equal logits."""
        return self._fingerprint

    @property
    def weighs_likelihoods(self) -> bool:
        """Whether its readings begin with likelihood numbers, as those from before do."""
        return self._state.basis.n_likelihoods > 0

    @property
    def weighs_evidence(self) -> bool:
        """Whether it has learnt what evidence is worth, and so asks for it."""
        return len(self._state.evidence_scale) > 0

    @property
    def group_sizes(self) -> tuple[int, int, int]:
        """How many text features come from likelihoods, surface and hidden state."""
        return self._state.basis.group_sizes

    def utilities(
        self,
        readings: FloatArray,
        members: Sequence[str],
        prompts: Sequence[RankingPrompt],
        *,
        evidence: AnswerEvidence | None = None,
    ) -> FloatArray:
        """Mean utility of n candidates in natural-log odds, comparable within one prompt, (n,).

        Args:
            readings: Shape (n, width).
            members: n names; "" where unknown.
            prompts: What each candidate answers, n of them.
            evidence: About the candidates; None where there is none.
        """
        return self._state.head.utilities(self._features(readings, members, prompts, evidence)[0])

    def pairwise_logits(
        self,
        readings: FloatArray,
        members: Sequence[str],
        prompt: RankingPrompt,
        *,
        evidence: AnswerEvidence | None = None,
    ) -> FloatArray:
        """Calibrated log-odds that candidate i is better than j, (n, n); antisymmetric.

        Args:
            readings: Of n candidates of one prompt, (n, width).
            members: n names; "" where unknown.
            prompt: What they answer.
            evidence: About the candidates; None where there is none.
        """
        features, _ = self._features(readings, members, [prompt] * len(members), evidence)
        utilities = self._state.head.utilities(features)
        logits = utilities[:, None] - utilities[None, :]
        return moderate(logits, self._state.head.deviations(features)) / self._state.temperature

    def uncertainty(
        self,
        readings: FloatArray,
        members: Sequence[str],
        prompt: RankingPrompt,
        *,
        evidence: AnswerEvidence | None = None,
    ) -> FloatArray:
        """Posterior standard deviation of each logit, (n, n), symmetric; arguments as ``pairwise_logits``."""
        features, _ = self._features(readings, members, [prompt] * len(members), evidence)
        return self._state.head.deviations(features) / self._state.temperature

    def read_pairs(
        self,
        readings: FloatArray,
        members: Sequence[str],
        prompts: Sequence[RankingPrompt],
        *,
        first: IntArray,
        second: IntArray,
        prompt_of: IntArray | None = None,
        evidence: AnswerEvidence | None = None,
    ) -> PairReadings:
        """Compare chosen pairs of n candidates and say what each of ``GROUPS`` adds.

        Args:
            readings: Shape (n, width).
            members: n names; "" where unknown.
            prompts: What each candidate answers, n of them.
            first: Index of each pair's first candidate, (m,).
            second: Of the second, which answers the same prompt, same shape.
            prompt_of: A number per candidate, equal for those that stand side by side, (n,); by
                default those whose prompts are equal.
            evidence: About the candidates; None where there is none.
        """
        features, sizes = self._features(readings, members, prompts, evidence, prompt_of)
        return read_pairs(
            features,
            self._state.head,
            group_sizes=sizes,
            temperature=self._state.temperature,
            first=first,
            second=second,
        )

    def reading_weights(self) -> ReadingWeights:
        """How a reading enters the utility, column by column; zeros where texts do not count.

        Agreement with other answers is not in it: of two answers neither has an edge by it.
        """
        state = self._state
        return weigh_readings(state.basis, text_weights(state)[:-1])

    def text_features(self, readings: FloatArray, prompt_of: IntArray) -> FloatArray:
        """What is weighed of n texts, (n, n_text): its basis' features and the consensus.

        Args:
            readings: Shape (n, width).
            prompt_of: A number per text, equal for those that stand side by side, (n,).
        """
        return text_features(self._state, readings, prompt_of, ("",) * len(readings))

    def begin(self, weights: FloatArray) -> FastRanker:
        """A ranker over the same basis that has seen no preference and believes in given weights.

        Of evidence it weighs the chance that an answer is about its prompt, as every head does before a vote.

        Args:
            weights: The prior mean of the text features' weights, in natural-log odds, (n_text,).
        """
        state = with_topic(self._state)._replace(
            inherited=np.asarray(weights, dtype=float),
            negatives=self._state.negatives[:0],
            members=(),
            precisions=np.array(tuple(USUAL_PRECISIONS.values())),
            temperature=1.0,
        )
        nobody = np.zeros((0, len(state.basis.centre)))
        _, sizes = state_features(state, nobody, (), np.zeros(0, np.intp), np.zeros(0, np.intp), None)
        spread = spread_precisions(state.precisions, sizes)
        return FastRanker(state._replace(head=Head(prior_centre(sizes), np.diag(1 / spread))))

    def save(self, folder: Path) -> None:
        """Write the ranker's files into a folder, which is made."""
        save_state(self._state, folder)

    @classmethod
    def load(cls, folder: Path) -> FastRanker:
        """Read what ``save`` wrote.

        Raises:
            RankerError: If a file is missing, damaged, or of another format.
        """
        state, fingerprint = load_state(folder)
        return cls(state, fingerprint=fingerprint)

    def _features(
        self,
        readings: FloatArray,
        members: Sequence[str],
        prompts: Sequence[RankingPrompt],
        evidence: AnswerEvidence | None,
        prompt_of: IntArray | None = None,
    ) -> tuple[FloatArray, list[int]]:
        width = len(self._state.basis.centre)
        if np.ndim(readings) != 2 or readings.shape[1] != width or len(readings) != len(members):
            raise RankerError(
                f"expected readings of shape ({len(members)}, {width}), came {np.shape(readings)}; "
                "read the answers with the reader that this ranker was trained with"
            )
        number = {prompt: index for index, prompt in enumerate(dict.fromkeys(prompts))}
        asked = np.array([number[prompt] for prompt in prompts], dtype=int)
        kinds = self._state.kinds.sort(list(number))[asked]
        beside = asked if prompt_of is None else prompt_of
        return state_features(self._state, readings, members, kinds, beside, evidence)

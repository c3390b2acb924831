"""The fast ranker: a Bayesian linear head over readings, and a prior of each member, refitted at once.

Invariant: logits are antisymmetric, entry [i, j] is minus [j, i], because each answer is read once and
alone; so one order of a pair is enough. Imports no torch. Non-goal: reading answers (``reading``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from blender_ui.errors import RankerError, WeightsUnavailable
from blender_ui.evidence.answers import AnswerEvidence
from blender_ui.ranking.basis import MIN_SCALE, make_basis
from blender_ui.ranking.calibration import fit_temperature, moderate
from blender_ui.ranking.consensus import measure_consensus
from blender_ui.ranking.contributions import (
    PairReadings,
    ReadingWeights,
    read_pairs,
    weigh_readings,
)
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast_state import (
    FORMAT,
    FORMATS_OF_FIVE_KINDS,
    GROUPS,
    USUAL_PRECISIONS,
    FastOptions,
    State,
    arrays_of,
    join_negatives,
    keep_negatives,
    prior_centre,
    settings_of,
    state_features,
    state_of,
    state_of_five_kinds,
    text_features,
    text_weights,
    with_evidence,
)
from blender_ui.ranking.head import (
    Head,
    Progress,
    choose_precisions,
    fit_head,
    held_out_moderated,
    spread_precisions,
    summarise,
)
from blender_ui.ranking.negatives import ReadNegatives
from blender_ui.ranking.prior import known_members
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from blender_ui.values import FloatArray, IntArray, PreferenceDataset, RankingPrompt

__all__ = ["GROUPS", "FastOptions", "FastRanker"]

ARRAYS_FILE = "head.safetensors"
SETTINGS_FILE = "fast_ranker.json"
KINDS_FOLDER = "kinds"
MIN_PAIRS_TO_TUNE = 30


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
        _check(dataset, readings, width=len(start._state.basis.centre) if start else None)
        empty = _start_state(options, readings, dataset) if start is None else _inherit(options, start)
        empty = empty._replace(kinds=kinds)
        if negatives is not None:
            empty = keep_negatives(empty, dataset, readings, negatives)
        return cls(_learn(empty, dataset, readings, negatives, evidence, on_progress=on_progress))

    def refit(
        self, dataset: PreferenceDataset, readings: FloatArray, *, evidence: AnswerEvidence | None = None
    ) -> FastRanker:
        """Learn the weights anew, from all preferences of now, and keep basis, precisions, temperature.

        Takes milliseconds; members that were not known before get their columns, and so does evidence.
        Arguments and errors are those of ``fit``.
        """
        _check(dataset, readings, width=len(self._state.basis.centre))
        state = self._state._replace(members=known_members(dataset.members))
        state = with_evidence(state, evidence, dataset.prompt_of)
        features, sizes = state_features(
            state, readings, dataset.members, _sort(state, dataset), dataset.prompt_of, evidence
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
        return text_features(self._state, readings, prompt_of)

    def begin(self, weights: FloatArray) -> FastRanker:
        """A ranker over the same basis that has seen no preference and believes in given weights.

        Args:
            weights: The prior mean of the text features' weights, in natural-log odds, (n_text,).
        """
        state = self._state._replace(
            inherited=np.asarray(weights, dtype=float),
            negatives=self._state.negatives[:0],
            members=(),
            precisions=np.array(tuple(USUAL_PRECISIONS.values())),
            temperature=1.0,
        )
        no_text = len(GROUPS) - GROUPS.index("member")
        sizes = [*state.basis.group_sizes, 1, 1, *[0] * no_text]
        spread = spread_precisions(state.precisions, sizes)
        return FastRanker(state._replace(head=Head(prior_centre(sizes), np.diag(1 / spread))))

    def save(self, folder: Path) -> None:
        """Write the ranker's files into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        if len(self._state.kinds.names) > 1:
            self._state.kinds.save(folder / KINDS_FOLDER)
        (folder / ARRAYS_FILE).write_bytes(save(arrays_of(self._state)))
        (folder / SETTINGS_FILE).write_text(settings_of(self._state))

    @classmethod
    def load(cls, folder: Path) -> FastRanker:
        """Read what ``save`` wrote.

        Raises:
            RankerError: If a file is missing, damaged, or of another format.
        """
        try:
            arrays = load_file(folder / ARRAYS_FILE)
            written = (folder / SETTINGS_FILE).read_text()
            settings = json.loads(written)
            if settings["format"] in FORMATS_OF_FIVE_KINDS:
                saved = written.encode() + (folder / ARRAYS_FILE).read_bytes()
                state = state_of_five_kinds(settings, arrays)
                return cls(state, fingerprint=hashlib.sha256(saved).hexdigest())
            if settings["format"] != FORMAT:
                raise RankerError(
                    f"expected a fast ranker of format {FORMAT} in {folder}, "
                    f"came {settings['format']}; train a new one"
                )
            has_kinds = len(settings["task_kinds"]) > 1
            kinds = TaskSorter.load(folder / KINDS_FOLDER) if has_kinds else ALL_ALIKE
            return cls(state_of(settings, arrays, kinds))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError, WeightsUnavailable) as error:
            raise RankerError(f"expected a fast ranker in {folder}, came {error!r}; train one") from error

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


def _start_state(options: FastOptions, readings: FloatArray, dataset: PreferenceDataset) -> State:
    """A state that has learnt nothing; its basis is of the answers that were read."""
    is_read = np.any(readings, axis=1)
    basis = make_basis(
        readings[is_read] if is_read.any() else readings,
        n_components=options.n_components,
        controls_length=options.controls_length,
    )
    hidden = basis.features(readings)[:, sum(basis.group_sizes[:2]) :]
    consensus = measure_consensus(hidden, dataset.prompt_of, counts=is_read)
    scale = float(consensus[is_read].std()) if is_read.any() else 0.0
    return State(
        options=options,
        basis=basis,
        consensus_scale=scale if scale > MIN_SCALE else 1.0,
        inherited=np.zeros(0),
        negatives=np.zeros((0, sum(basis.group_sizes) + 1)),
        members=(),
        kinds=ALL_ALIKE,
        precisions=np.array(tuple(USUAL_PRECISIONS.values())),
        head=Head(np.zeros(0), np.zeros((0, 0))),
        temperature=1.0,
        evidence_scale=np.zeros(0),
    )


def _inherit(options: FastOptions, start: FastRanker) -> State:
    """A state whose texts weigh as ``start`` weighs them, and that knows no member."""
    given = start._state
    return given._replace(
        options=replace(
            options,
            n_components=given.options.n_components,
            controls_length=given.options.controls_length,
        ),
        inherited=text_weights(given) / given.temperature,
        negatives=given.negatives[:0],  # what they taught is in the weights
        members=(),
        precisions=np.array(tuple(USUAL_PRECISIONS.values())),
        temperature=1.0,
        evidence_scale=given.evidence_scale[:0],  # evidence is weighed by who answers here
    )


def _learn(
    state: State,
    dataset: PreferenceDataset,
    readings: FloatArray,
    negatives: ReadNegatives | None,
    evidence: AnswerEvidence | None,
    *,
    on_progress: Progress | None,
) -> State:
    state = state._replace(members=known_members(dataset.members))
    state = with_evidence(state, evidence, dataset.prompt_of)
    features, sizes = state_features(
        state, readings, dataset.members, _sort(state, dataset), dataset.prompt_of, evidence
    )
    people, centre = summarise(dataset), prior_centre(sizes)
    features, comparisons = join_negatives(state, features, people)
    asked = people.first if negatives is None else np.concatenate([people.first, negatives.winner])
    folds = assign_folds(dataset, seed=state.options.seed)[dataset.prompt_of[asked]]
    if len(people.first) >= MIN_PAIRS_TO_TUNE and len(np.unique(folds)) > 1:
        precisions = choose_precisions(
            features,
            comparisons,
            folds,
            group_sizes=sizes,
            usual=tuple(USUAL_PRECISIONS.values()),
            centre=centre,
            on_progress=on_progress,
        )
        precision = spread_precisions(precisions, sizes)
        logits = held_out_moderated(features, comparisons, folds, precision, centre=centre)
        # Probabilities are of what people say, so negatives have no say in them.
        temperature = fit_temperature(logits[: len(people.first)], people.share, people.weight)
        state = state._replace(precisions=precisions, temperature=temperature)
    precision = spread_precisions(state.precisions, sizes)
    return state._replace(head=fit_head(features, comparisons, precision, centre=centre))


def _sort(state: State, dataset: PreferenceDataset) -> IntArray:
    """The kind of task of each candidate's prompt."""
    kinds: IntArray = state.kinds.sort(dataset.prompts)[dataset.prompt_of]
    return kinds


def _check(dataset: PreferenceDataset, readings: FloatArray, *, width: int | None = None) -> None:
    n_candidates = len(dataset.texts)
    if not n_candidates:
        raise RankerError("expected at least one candidate to learn from, came none")
    if np.ndim(readings) != 2 or len(readings) != n_candidates or width not in (None, readings.shape[1]):
        raise RankerError(
            f"expected readings of shape ({n_candidates}, {width or 'width'}), came {np.shape(readings)}"
        )
    if not np.isfinite(readings).all():
        raise RankerError("expected finite readings; read the answers again")

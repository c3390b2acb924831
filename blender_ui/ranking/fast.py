"""The fast ranker: a Bayesian linear head over readings, and a prior of each member, refitted at once.

Invariant: logits are antisymmetric, entry [i, j] is minus [j, i], because each answer is read once and
alone; so one order of a pair is enough. Imports no torch. Non-goal: reading answers (``reading``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from blender_ui.errors import RankerError
from blender_ui.ranking.basis import N_COMPONENTS, Basis, make_basis
from blender_ui.ranking.calibration import fit_temperature, moderate
from blender_ui.ranking.contributions import (
    PairReadings,
    ReadingWeights,
    read_pairs,
    weigh_readings,
)
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.head import (
    Head,
    Progress,
    choose_precisions,
    fit_head,
    held_out_logits,
    spread_precisions,
    summarise,
)
from blender_ui.ranking.prior import TASK_KINDS, known_members, member_columns, task_kind
from blender_ui.ranking.types import FloatArray, IntArray, PreferenceDataset, RankingPrompt

FORMAT = 2
ARRAYS_FILE = "head.safetensors"
SETTINGS_FILE = "fast_ranker.json"
GROUPS = ("likelihood", "surface", "hidden", "member", "member_by_kind")
USUAL_PRECISIONS = (10.0, 100.0, 2.0, 2.0, 30.0)
MIN_PAIRS_TO_TUNE = 30


@dataclass(frozen=True, kw_only=True)
class FastOptions:
    """How a fast ranker is fitted.

    Attributes:
        uses_text: Whether readings count.
        uses_members: Whether the members' prior counts.
        controls_length: Whether what follows from an answer's length is taken out of its reading:
            less like people who prefer long answers, and less easily fooled by a long one.
        n_components: Principal directions kept of the hidden state.
        seed: Of the folds that choose precisions and the temperature.
    """

    uses_text: bool = True
    uses_members: bool = True
    controls_length: bool = False
    n_components: int = N_COMPONENTS
    seed: int = 0


class _State(NamedTuple):
    """Everything that makes the logits."""

    options: FastOptions
    basis: Basis
    members: tuple[str, ...]
    precisions: FloatArray
    head: Head
    temperature: float


class FastRanker:
    """Ranks candidates by their readings and their members; made by ``fit`` or ``load``."""

    def __init__(self, state: _State) -> None:
        settings, arrays = _settings(state), _arrays(state)
        # The same memory layout as after loading, so that sums come out the same to the last bit.
        self._state = _state_of(json.loads(settings), arrays)
        self._fingerprint = hashlib.sha256(settings.encode() + save(arrays)).hexdigest()

    @classmethod
    def fit(
        cls,
        dataset: PreferenceDataset,
        readings: FloatArray,
        *,
        options: FastOptions | None = None,
        on_progress: Progress | None = None,
    ) -> FastRanker:
        """Learn from preferences: basis, prior precisions, weights and temperature.

        Args:
            dataset: Preferences; candidates without any still shape the basis.
            readings: One row per candidate of ``dataset``, (n_candidates, width), finite.
            options: See ``FastOptions``.
            on_progress: Is told of every setting of the prior that is tried.

        Raises:
            RankerError: If there is no candidate, or readings do not fit the dataset.
        """
        options = options or FastOptions()
        _check(dataset, readings)
        basis = make_basis(
            readings, n_components=options.n_components, controls_length=options.controls_length
        )
        return cls(_learn(dataset, readings, options=options, basis=basis, on_progress=on_progress))

    def refit(self, dataset: PreferenceDataset, readings: FloatArray) -> FastRanker:
        """Learn the weights anew, from all preferences of now, and keep basis, precisions, temperature.

        Takes milliseconds; members that were not known before get their columns. Arguments and
        errors are those of ``fit``.
        """
        _check(dataset, readings, width=len(self._state.basis.centre))
        state = self._state._replace(members=known_members(dataset.members))
        features, sizes = _features(state, readings, dataset.members, _kinds(dataset))
        precision = spread_precisions(state.precisions, sizes)
        start = self._state.head.mean if state.members == self._state.members else None
        return FastRanker(state._replace(head=fit_head(features, summarise(dataset), precision, start=start)))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that makes the logits: equal fingerprints give equal logits."""
        return self._fingerprint

    def utilities(
        self, readings: FloatArray, members: Sequence[str], prompts: Sequence[RankingPrompt]
    ) -> FloatArray:
        """Mean utility of n candidates in natural-log odds, comparable within one prompt, (n,).

        Args:
            readings: Shape (n, width).
            members: n names; "" where unknown.
            prompts: What each candidate answers, n of them.
        """
        return self._state.head.utilities(self._candidate_features(readings, members, prompts))

    def pairwise_logits(
        self, readings: FloatArray, members: Sequence[str], prompt: RankingPrompt
    ) -> FloatArray:
        """Calibrated log-odds that candidate i is better than j, (n, n); antisymmetric.

        Args:
            readings: Of n candidates of one prompt, (n, width).
            members: n names; "" where unknown.
            prompt: What they answer.
        """
        features = self._candidate_features(readings, members, [prompt] * len(members))
        utilities = self._state.head.utilities(features)
        logits = utilities[:, None] - utilities[None, :]
        return moderate(logits, self._state.head.deviations(features)) / self._state.temperature

    def uncertainty(self, readings: FloatArray, members: Sequence[str], prompt: RankingPrompt) -> FloatArray:
        """Posterior standard deviation of each logit, (n, n), symmetric; arguments as ``pairwise_logits``."""
        features = self._candidate_features(readings, members, [prompt] * len(members))
        return self._state.head.deviations(features) / self._state.temperature

    def read_pairs(
        self,
        readings: FloatArray,
        members: Sequence[str],
        prompts: Sequence[RankingPrompt],
        *,
        first: IntArray,
        second: IntArray,
    ) -> PairReadings:
        """Compare chosen pairs of n candidates and say what each of ``GROUPS`` adds.

        Args:
            readings: Shape (n, width).
            members: n names; "" where unknown.
            prompts: What each candidate answers, n of them.
            first: Index of each pair's first candidate, (m,).
            second: Of the second, which answers the same prompt, same shape.
        """
        state = self._state
        features = self._candidate_features(readings, members, prompts)
        return read_pairs(
            features,
            state.head,
            group_sizes=_group_sizes(state),
            temperature=state.temperature,
            first=first,
            second=second,
        )

    def reading_weights(self) -> ReadingWeights:
        """How a reading enters the utility, column by column; zeros where texts do not count."""
        state = self._state
        n_text = sum(state.basis.group_sizes)
        mean = state.head.mean[:n_text] if state.options.uses_text else np.zeros(n_text)
        return weigh_readings(state.basis, mean)

    def save(self, folder: Path) -> None:
        """Write the ranker's two files into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ARRAYS_FILE).write_bytes(save(_arrays(self._state)))
        (folder / SETTINGS_FILE).write_text(_settings(self._state))

    @classmethod
    def load(cls, folder: Path) -> FastRanker:
        """Read what ``save`` wrote.

        Raises:
            RankerError: If a file is missing, damaged, or of another format.
        """
        try:
            arrays = load_file(folder / ARRAYS_FILE)
            settings = json.loads((folder / SETTINGS_FILE).read_text())
            if settings["format"] != FORMAT:
                raise RankerError(
                    f"expected a fast ranker of format {FORMAT} in {folder}, "
                    f"came {settings['format']}; train a new one"
                )
            return cls(_state_of(settings, arrays))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise RankerError(f"expected a fast ranker in {folder}, came {error!r}; train one") from error

    def _candidate_features(
        self, readings: FloatArray, members: Sequence[str], prompts: Sequence[RankingPrompt]
    ) -> FloatArray:
        width = len(self._state.basis.centre)
        if np.ndim(readings) != 2 or readings.shape[1] != width or len(readings) != len(members):
            raise RankerError(
                f"expected readings of shape ({len(members)}, {width}), came {np.shape(readings)}; "
                "read the answers with the reader that this ranker was trained with"
            )
        return _features(self._state, readings, members, [task_kind(prompt) for prompt in prompts])[0]


def _learn(
    dataset: PreferenceDataset,
    readings: FloatArray,
    *,
    options: FastOptions,
    basis: Basis,
    on_progress: Progress | None,
) -> _State:
    no_head = Head(np.zeros(0), np.zeros((0, 0)))
    state = _State(options, basis, known_members(dataset.members), np.array(USUAL_PRECISIONS), no_head, 1.0)
    features, sizes = _features(state, readings, dataset.members, _kinds(dataset))
    comparisons = summarise(dataset)
    folds = assign_folds(dataset, seed=options.seed)[dataset.prompt_of[comparisons.first]]
    if len(folds) >= MIN_PAIRS_TO_TUNE and len(np.unique(folds)) > 1:
        precisions = choose_precisions(
            features, comparisons, folds, group_sizes=sizes, usual=USUAL_PRECISIONS, on_progress=on_progress
        )
        logits = held_out_logits(features, comparisons, folds, spread_precisions(precisions, sizes))
        temperature = fit_temperature(logits, comparisons.share, comparisons.weight)
        state = state._replace(precisions=precisions, temperature=temperature)
    return state._replace(head=fit_head(features, comparisons, spread_precisions(state.precisions, sizes)))


def _features(
    state: _State, readings: FloatArray, members: Sequence[str], kinds: Sequence[str]
) -> tuple[FloatArray, list[int]]:
    """All groups side by side, (n, n_features), and their sizes; a group that is off has none."""
    text = state.basis.features(readings)
    if not state.options.uses_text:
        text = text[:, :0]
    known = state.members if state.options.uses_members else ()
    strengths, deviations = member_columns(members, kinds, known=known)
    return np.hstack([text, strengths, deviations]), _group_sizes(state)


def _group_sizes(state: _State) -> list[int]:
    """Features of each of ``GROUPS``."""
    text = state.basis.group_sizes if state.options.uses_text else (0, 0, 0)
    n_known = len(state.members) if state.options.uses_members else 0
    return [*text, n_known, n_known * len(TASK_KINDS)]


def _kinds(dataset: PreferenceDataset) -> list[str]:
    kinds = [task_kind(prompt) for prompt in dataset.prompts]
    return [kinds[prompt] for prompt in dataset.prompt_of]


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


def _settings(state: _State) -> str:
    settings = {
        "format": FORMAT,
        "options": asdict(state.options),
        "members": state.members,
        "task_kinds": TASK_KINDS,
        "temperature": state.temperature,
    }
    return json.dumps(settings, indent=1, sort_keys=True)


def _arrays(state: _State) -> dict[str, FloatArray]:
    arrays = {
        "basis.centre": state.basis.centre,
        "basis.scale": state.basis.scale,
        "basis.length_slopes": state.basis.length_slopes,
        "basis.components": state.basis.components,
        "precisions": state.precisions,
        "head.mean": state.head.mean,
        "head.covariance": state.head.covariance,
    }
    return {name: np.ascontiguousarray(array, dtype=np.float64) for name, array in arrays.items()}


def _state_of(settings: dict[str, Any], arrays: dict[str, FloatArray]) -> _State:
    return _State(
        FastOptions(**settings["options"]),
        Basis(*(arrays[f"basis.{name}"] for name in Basis._fields)),
        tuple(settings["members"]),
        arrays["precisions"],
        Head(arrays["head.mean"], arrays["head.covariance"]),
        float(settings["temperature"]),
    )

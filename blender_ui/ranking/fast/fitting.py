"""What the fast ranker learns from preferences: basis, prior precisions, weights and temperature.

Invariant: the temperature is fitted on folds that the weights have not seen. Non-goal: ranking with what was
learnt (``fast``), and its files (``fast_files``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.evidence.answers import AnswerEvidence
from blender_ui.ranking.calibration import fit_temperature
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast.basis import MIN_SCALE, make_basis
from blender_ui.ranking.fast.consensus import measure_consensus
from blender_ui.ranking.fast.head import (
    Head,
    Progress,
    choose_precisions,
    fit_head,
    held_out_moderated,
    spread_precisions,
    summarise,
)
from blender_ui.ranking.fast.negatives import ReadNegatives
from blender_ui.ranking.fast.prior import known_members
from blender_ui.ranking.fast.state import (
    USUAL_PRECISIONS,
    FastOptions,
    State,
    join_negatives,
    prior_centre,
    state_features,
    text_weights,
    with_evidence,
)
from blender_ui.tasks.sorting import ALL_ALIKE
from blender_ui.values import FloatArray, IntArray, PreferenceDataset

MIN_PAIRS_TO_TUNE = 30


def start_state(options: FastOptions, readings: FloatArray, dataset: PreferenceDataset) -> State:
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


def inherit(options: FastOptions, given: State) -> State:
    """A state whose texts weigh as ``given`` weighs them, and that knows no member."""
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


def learn(
    state: State,
    dataset: PreferenceDataset,
    readings: FloatArray,
    negatives: ReadNegatives | None,
    evidence: AnswerEvidence | None,
    *,
    on_progress: Progress | None,
) -> State:
    """A state with members, precisions, weights and temperature learnt; arguments as ``FastRanker.fit``."""
    state = state._replace(members=known_members(dataset.members))
    state = with_evidence(state, evidence, dataset.prompt_of)
    features, sizes = state_features(
        state, readings, dataset.members, sort_candidates(state, dataset), dataset.prompt_of, evidence
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


def sort_candidates(state: State, dataset: PreferenceDataset) -> IntArray:
    """The kind of task of each candidate's prompt."""
    kinds: IntArray = state.kinds.sort(dataset.prompts)[dataset.prompt_of]
    return kinds


def check(dataset: PreferenceDataset, readings: FloatArray, *, width: int | None = None) -> None:
    """Refuse readings that are not those of the dataset's candidates.

    Raises:
        RankerError: If there is no candidate, or the shape is another, or a number is not finite.
    """
    n_candidates = len(dataset.texts)
    if not n_candidates:
        raise RankerError("expected at least one candidate to learn from, came none")
    if np.ndim(readings) != 2 or len(readings) != n_candidates or width not in (None, readings.shape[1]):
        raise RankerError(
            f"expected readings of shape ({n_candidates}, {width or 'width'}), came {np.shape(readings)}"
        )
    if not np.isfinite(readings).all():
        raise RankerError("expected finite readings; read the answers again")

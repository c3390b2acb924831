"""What a fast ranker consists of, and the features it weighs.

Invariant: all that makes the logits is in the state. Non-goal: learning (``fast_fitting``), and files
(``fast_files``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.evidence.answers import EVIDENCE_NAMES, TEXT_NAMES, AnswerEvidence
from blender_ui.ranking.fast.basis import MIN_SCALE, N_COMPONENTS, Basis
from blender_ui.ranking.fast.consensus import measure_consensus, share_voices
from blender_ui.ranking.fast.head import Comparisons, Head
from blender_ui.ranking.fast.negatives import ReadNegatives
from blender_ui.ranking.fast.prior import kind_columns, member_columns
from blender_ui.tasks.sorting import TaskSorter
from blender_ui.values import FloatArray, IntArray, PreferenceDataset

USUAL_PRECISIONS = {
    "likelihood": 3.0,
    "surface": 3.0,
    "hidden": 1.0,
    "consensus": 3.0,
    "inherited": 1.0,
    "member": 2.0,
    "member_by_kind": 30.0,
    "evidence": 30.0,
    "support": 10.0,
    "execution": 3.0,
    "topic": 3.0,
}
"""Of each group's prior, where few preferences have been seen."""
GROUPS = tuple(USUAL_PRECISIONS)
N_GROUPS_WITHOUT_EVIDENCE = GROUPS.index("evidence")
PRIOR_MEANS = {"inherited": 1.0, "topic": 1.0}
"""Of a group's weights before any preference; of the others it is 0. What another head found counts in full,
and so does the log of the chance that an answer is about its prompt."""
N_TEXT_COLUMNS, TOPIC_COLUMN = len(TEXT_NAMES), EVIDENCE_NAMES.index("log_chance_on_topic")
"""Of evidence: the first are the group ``evidence``, those up to the topic ``execution``."""


@dataclass(frozen=True, kw_only=True)
class FastOptions:
    """How a fast ranker is fitted.

    Attributes:
        uses_text: Whether readings count.
        uses_members: Whether the members' prior counts.
        uses_consensus: Whether it counts, as part of the text, how near an answer comes to the others
            of its prompt; ranks then depend on who else answered.
        controls_length: Whether what follows from an answer's length is taken out of its reading:
            less like people who prefer long answers, and less easily fooled by a long one.
        n_components: Principal directions kept of the hidden state.
        seed: Of the folds that choose precisions and the temperature.
    """

    uses_text: bool = True
    uses_members: bool = True
    uses_consensus: bool = True
    controls_length: bool = False
    n_components: int = N_COMPONENTS
    seed: int = 0


class State(NamedTuple):
    """Everything that makes the logits, and what a refit needs.

    ``kinds`` are those of the member's prior. ``inherited`` weighs the text's features as another head did.
    ``negatives`` are the text's features of answers less those of the negatives that they beat, (n_negatives,
    n_text). ``evidence_scale`` is how far each column of evidence spreads among the answers to a prompt,
    infinite where it does not; empty where
    no evidence was there to learn from.
    """

    options: FastOptions
    basis: Basis
    consensus_scale: float
    inherited: FloatArray
    negatives: FloatArray
    members: tuple[str, ...]
    kinds: TaskSorter
    precisions: FloatArray
    head: Head
    temperature: float
    evidence_scale: FloatArray


def state_features(
    state: State,
    readings: FloatArray,
    members: Sequence[str],
    kinds: IntArray,
    prompt_of: IntArray,
    evidence: AnswerEvidence | None,
) -> tuple[FloatArray, list[int]]:
    """All groups side by side, (n, n_features), and their sizes; a group that is off has none.

    ``kinds`` are the places of the candidates' prompts in ``state.kinds.names``, (n,). The consensus column
    stays, as zeros, where it is off, so that heads can be inherited. Columns of evidence
    are zeros where none is given.
    """
    text, text_sizes = _with_inherited(state, text_features(state, readings, prompt_of, members))
    known = state.members if state.options.uses_members else ()
    strengths = member_columns(members, known=known)
    deviations = kind_columns(strengths, kinds, len(state.kinds.names))
    parts = (strengths, deviations, *_evidence_columns(state, evidence, len(members), known))
    return np.hstack([text, *parts]), [*text_sizes, *(part.shape[1] for part in parts)]


def with_topic(state: State) -> State:
    """The state with the topic alone: a chance needs no measured spread, the rest waits for evidence."""
    scale = np.full(len(EVIDENCE_NAMES), np.inf)
    scale[TOPIC_COLUMN:] = 1.0
    return state._replace(evidence_scale=scale)


def with_evidence(state: State, evidence: AnswerEvidence | None, prompt_of: IntArray) -> State:
    """The state with the spread of this evidence, unless it has one.

    Spread is measured among the answers to a prompt, because what is equal for all of them chooses none.
    """
    if evidence is None or np.isfinite(state.evidence_scale[:TOPIC_COLUMN]).any():
        return state
    _, prompt, n_answers = np.unique(prompt_of, return_inverse=True, return_counts=True)
    totals = np.zeros((len(n_answers), evidence.features.shape[1]))
    np.add.at(totals, prompt, evidence.features)
    within = evidence.features - (totals / n_answers[:, None])[prompt]
    spread = within.std(axis=0)
    scale = np.where(spread > MIN_SCALE, spread, np.inf)
    scale[TOPIC_COLUMN:] = 1.0  # in natural-log odds, as utilities are
    return state._replace(evidence_scale=scale)


def _evidence_columns(
    state: State, evidence: AnswerEvidence | None, n: int, known: Sequence[str]
) -> tuple[FloatArray, ...]:
    """The groups from ``evidence`` on: what texts say, who concludes the same, what code did, the topic.

    A version from before code or the topic counted has no columns of these.
    """
    scale = state.evidence_scale
    ends = (min(N_TEXT_COLUMNS, len(scale)), min(TOPIC_COLUMN, len(scale)))
    supported = np.zeros((n, len(known) if len(scale) else 0))
    columns = np.zeros((n, len(scale)))
    if len(scale) and evidence is not None:
        if evidence.features.shape != (n, len(EVIDENCE_NAMES)):
            raise RankerError(
                f"expected evidence of shape {(n, len(EVIDENCE_NAMES))}, came {evidence.features.shape}; "
                "gather it about the same answers, or train a new version"
            )
        columns = evidence.features[:, : len(scale)] / scale
        place = {name: column for column, name in enumerate(known)}
        for row, names in enumerate(evidence.supporters):
            supported[row, [place[name] for name in names if name in place]] = 1
    text, execution, topic = np.split(columns, ends, axis=1)
    text, execution = (
        part / np.sqrt(max(int(np.isfinite(spread).sum()), 1))
        for part, spread in ((text, scale[: ends[0]]), (execution, scale[ends[0] : ends[1]]))
    )
    return text, supported, execution, topic


def text_features(
    state: State, readings: FloatArray, prompt_of: IntArray, members: Sequence[str]
) -> FloatArray:
    """Text features of each answer, from its reading and those of its prompt's other answers, (n, n_text).

    Who wrote them, shape (n,) and "" where unknown, says only which answers are one member's.
    """
    text = state.basis.features(readings)
    hidden = text[:, sum(state.basis.group_sizes[:2]) :]
    consensus = np.zeros((len(text), 1))
    if state.options.uses_consensus:
        is_read = np.any(readings, axis=1)
        who = [member if read else "" for member, read in zip(members, is_read.tolist(), strict=True)]
        measured = measure_consensus(hidden, prompt_of, counts=is_read, voices=share_voices(who, prompt_of))
        consensus[:, 0] = measured / state.consensus_scale
    return np.hstack([text, consensus])


def keep_negatives(
    state: State, dataset: PreferenceDataset, readings: FloatArray, negatives: ReadNegatives
) -> State:
    """The state with these negatives, for this fit and every refit.

    A negative stands beside the answers to its winner's prompt, so that the consensus counts, too.
    """
    prompt_of = np.concatenate([dataset.prompt_of, dataset.prompt_of[negatives.winner]])
    members = (*dataset.members, *("",) * len(negatives.winner))
    text = text_features(state, np.vstack([readings, negatives.readings]), prompt_of, members)
    return state._replace(negatives=text[negatives.winner] - text[len(readings) :])


def join_negatives(
    state: State, features: FloatArray, comparisons: Comparisons
) -> tuple[FloatArray, Comparisons]:
    """Features and comparisons with each negative appended: its difference beats nothing, decided once."""
    text, _ = _with_inherited(state, state.negatives)
    n, n_negatives = len(features), len(text)
    differences = np.zeros((n_negatives + 1, features.shape[1]))
    differences[:-1, : text.shape[1]] = text  # who wrote an answer has no part in it
    joined = Comparisons(
        np.concatenate([comparisons.first, n + np.arange(n_negatives)]),
        np.concatenate([comparisons.second, np.full(n_negatives, n + n_negatives)]),
        np.concatenate([comparisons.share, np.ones(n_negatives)]),
        np.concatenate([comparisons.weight, np.ones(n_negatives)]),
    )
    return np.vstack([features, differences]), joined


def _with_inherited(state: State, text: FloatArray) -> tuple[FloatArray, list[int]]:
    if not state.options.uses_text:
        return text[:, :0], [0, 0, 0, 0, 0]
    inherited = text @ state.inherited[:, None] if len(state.inherited) else text[:, :0]
    return np.hstack([text, inherited]), [*state.basis.group_sizes, 1, inherited.shape[1]]


def text_weights(state: State) -> FloatArray:
    """What each of the text's features weighs, inherited weights among it; the consensus is the last."""
    n_text = sum(state.basis.group_sizes) + 1
    if not state.options.uses_text:
        return np.zeros(n_text)
    own = state.head.mean[:n_text]
    return own + state.head.mean[n_text] * state.inherited if len(state.inherited) else own.copy()


def prior_centre(sizes: Sequence[int]) -> FloatArray:
    """Prior mean of each weight; see ``PRIOR_MEANS``."""
    return np.repeat([PRIOR_MEANS.get(group, 0.0) for group in GROUPS], sizes)

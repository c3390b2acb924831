"""Consensus: how similar an answer is to the other answers to the same prompt.

People tend to prefer the answer that is most similar to the others. Minimum Bayes risk decoding uses the
same idea. Invariant: a single answer, and each of only two, has no advantage. Non-goal: which states are
compared; the fast ranker brings the hidden features.

Source: Kumar and Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation", NAACL 2004.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from blender_ui.values import BoolArray, FloatArray, IntArray

MIN_NORM = 1e-9
MIN_VOICE = 1e-9


def share_voices(members: Sequence[str], prompt_of: IntArray) -> FloatArray:
    """How much each candidate counts as another one's fellow: a member's answers to a prompt share one voice.

    Args:
        members: n names; "" where unknown, which wrote nothing else.
        prompt_of: A number per candidate, equal within one prompt, (n,).
    """
    seats = list(zip(prompt_of.tolist(), members, strict=True))
    counts = Counter(seats)
    return np.array([1 / counts[seat] if seat[1] else 1.0 for seat in seats], dtype=float)


def measure_consensus(
    states: FloatArray, prompt_of: IntArray, *, counts: BoolArray, voices: FloatArray | None = None
) -> FloatArray:
    """Mean cosine of each candidate's state with those of the other candidates of its prompt.

    Args:
        states: Shape (n, width), centred over many prompts, so that a cosine of 0 means no similarity.
        prompt_of: A number per candidate, equal within one prompt, (n,).
        counts: False for candidates whose state is not known; they are left out everywhere, (n,).
        voices: How much each counts in the others' mean, as ``share_voices`` has it; by default all the same.

    Returns:
        Shape (n,), in [-1, 1]; 0 where a candidate does not count, or is the only one of its prompt.
    """
    norms = np.linalg.norm(states, axis=1, keepdims=True)
    directions = np.where(counts[:, None], states / np.maximum(norms, MIN_NORM), 0.0)
    _, prompt = np.unique(prompt_of, return_inverse=True)
    n_prompts = int(prompt.max(initial=-1)) + 1
    totals = np.zeros((n_prompts, states.shape[1]))
    weights = counts.astype(float) if voices is None else counts * voices
    np.add.at(totals, prompt, directions * weights[:, None])
    others = np.bincount(prompt, weights, n_prompts)[prompt] - weights
    with_itself = np.square(directions).sum(axis=1) * weights
    likeness = (directions * totals[prompt]).sum(axis=1) - with_itself
    consensus: FloatArray = np.where(counts, likeness / np.where(others > MIN_VOICE, others, 1.0), 0.0)
    return consensus

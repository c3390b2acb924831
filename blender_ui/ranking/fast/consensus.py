"""Consensus: how similar an answer is to the other answers to the same prompt.

People tend to prefer the answer that is most similar to the others. Minimum Bayes risk decoding uses the
same idea. Invariant: a single answer, and each of only two, has no advantage. Non-goal: which states are
compared; the fast ranker brings the hidden features.

Source: Kumar and Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation", NAACL 2004.
"""

from __future__ import annotations

import numpy as np

from blender_ui.values import BoolArray, FloatArray, IntArray

MIN_NORM = 1e-9


def measure_consensus(states: FloatArray, prompt_of: IntArray, *, counts: BoolArray) -> FloatArray:
    """Mean cosine of each candidate's state with those of the other candidates of its prompt.

    Args:
        states: Shape (n, width), centred over many prompts, so that a cosine of 0 means no similarity.
        prompt_of: A number per candidate, equal within one prompt, (n,).
        counts: False for candidates whose state is not known; they are left out everywhere, (n,).

    Returns:
        Shape (n,), in [-1, 1]; 0 where a candidate does not count, or is the only one of its prompt.
    """
    norms = np.linalg.norm(states, axis=1, keepdims=True)
    directions = np.where(counts[:, None], states / np.maximum(norms, MIN_NORM), 0.0)
    _, prompt = np.unique(prompt_of, return_inverse=True)
    n_prompts = int(prompt.max(initial=-1)) + 1
    totals = np.zeros((n_prompts, states.shape[1]))
    np.add.at(totals, prompt, directions)
    n_others = np.bincount(prompt, counts, n_prompts)[prompt] - 1
    with_itself = np.square(directions).sum(axis=1)
    likeness = (directions * totals[prompt]).sum(axis=1) - with_itself
    consensus: FloatArray = np.where(counts, likeness / np.maximum(n_others, 1), 0.0)
    return consensus

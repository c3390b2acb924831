"""Preferences made by rule, so that tests know what there is to learn."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from blender_ui.ranking.fast.basis import LIKELIHOOD_NAMES, make_basis
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt

WIDTH = 40


def make_preferences(
    *, n_prompts: int = 60, n_members: int = 4, seed: int = 0, by_text: float = 2.0, by_member: float = 0.0
) -> tuple[PreferenceDataset, FloatArray]:
    """Every pair of every prompt once, decided by one reading's column and by the member's number.

    Args:
        n_prompts: Prompts, each answered by all members.
        n_members: Members, named "m0" and so on; a higher number is better.
        seed: Of readings and of decisions.
        by_text: Log-odds per unit of the column that people look at.
        by_member: Log-odds per member number.

    Returns:
        The dataset and readings of all candidates, (n_candidates, WIDTH).
    """
    rng = np.random.default_rng(seed)
    n_candidates = n_prompts * n_members
    readings = rng.normal(size=(n_candidates, WIDTH)).astype(np.float32)
    member = np.tile(np.arange(n_members), n_prompts)
    utility = by_text * readings[:, -1] + by_member * member
    first, second = np.triu_indices(n_members, 1)
    base = n_members * np.arange(n_prompts)[:, None]
    left, right = (base + first).ravel(), (base + second).ravel()
    chosen = rng.random(len(left)) < expit(utility[left] - utility[right])
    dataset = PreferenceDataset(
        prompts=tuple(RankingPrompt(instruction=f"Question {number}?") for number in range(n_prompts)),
        texts=tuple(f"answer {number}" for number in range(n_candidates)),
        members=tuple(f"m{number}" for number in member),
        prompt_of=np.repeat(np.arange(n_prompts), n_members),
        left=left,
        right=right,
        target=chosen.astype(float),
        both_bad=np.zeros(len(left), dtype=bool),
        strength=np.full(len(left), np.nan),
        annotators=("a",) * len(left),
    )
    return dataset, readings


def with_likelihoods(ranker: FastRanker, readings: FloatArray) -> FastRanker:
    """The ranker over readings that begin with likelihood numbers; it has to be refitted to say anything."""
    return FastRanker(ranker._state._replace(basis=make_basis(readings, n_likelihoods=len(LIKELIHOOD_NAMES))))

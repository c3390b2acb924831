"""The live ranker on recorded answers: it learns from preferences that scores decide, with evidence or not.

Of every known item a few pairs of answers with different scores are drawn, as a person would have voted on
them; the fast ranker is fitted on those and puts the answers to the other items in order. It sees members,
what is counted on the surface, and evidence, but no readings of the frozen reader, which would take hours.
Nothing is chosen on the items that are reported on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from blender_ui.evidence.answers import AnswerEvidence, gather, join
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.surface import SURFACE_NAMES, surface_features
from blender_ui.values import FloatArray, IntArray, PreferenceDataset, RankingPrompt

PAIRS = 6
"""Drawn of each item, at most."""


def make_dataset(rows: Sequence[dict[str, Any]], *, seed: int) -> PreferenceDataset:
    """Items as prompts, and up to ``PAIRS`` pairs of each whose scores differ as preferences."""
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    members: list[str] = []
    prompt_of: list[int] = []
    pairs: list[tuple[int, int]] = []
    for number, row in enumerate(rows):
        scores = np.array([candidate["score"] for candidate in row["candidates"]])
        first, second = np.nonzero(scores[:, None] > scores[None, :])
        for place in rng.permutation(len(first))[:PAIRS]:
            pairs.append((len(texts) + int(first[place]), len(texts) + int(second[place])))
        texts += [candidate["text"] for candidate in row["candidates"]]
        members += [candidate["model"] for candidate in row["candidates"]]
        prompt_of += [number] * len(scores)
    winner, loser = np.array(pairs, dtype=int).reshape(-1, 2).T
    n = len(pairs)
    return PreferenceDataset(
        prompts=tuple(
            RankingPrompt(instruction=row["prompt"], input=row.get("instruction_input") or "") for row in rows
        ),
        texts=tuple(texts),
        members=tuple(members),
        prompt_of=np.array(prompt_of, dtype=int),
        left=winner,
        right=loser,
        target=np.ones(n),
        both_bad=np.zeros(n, dtype=bool),
        strength=np.full(n, np.nan),
        annotators=("score",) * n,
    )


def read_surface(dataset: PreferenceDataset) -> FloatArray:
    """Readings without a reader, (n_candidates, width): only what is counted on the surface.

    The frozen reader takes a second for an answer of this length, and so hours for a file.
    """
    readings = np.zeros((len(dataset.texts), len(SURFACE_NAMES)))
    for number, prompt in enumerate(dataset.prompts):
        used = np.flatnonzero(dataset.prompt_of == number)
        surface = surface_features(prompt, [dataset.texts[place] for place in used])
        readings[used] = surface
    return readings


def gather_evidence(dataset: PreferenceDataset) -> AnswerEvidence:
    """The evidence about every item's answers, as the app gathers it: from the texts, and running nothing."""
    parts = []
    for number, prompt in enumerate(dataset.prompts):
        used = np.flatnonzero(dataset.prompt_of == number)
        texts, members = ([column[place] for place in used] for column in (dataset.texts, dataset.members))
        parts.append(gather(prompt, texts, members))
    return join(parts)


def choose_live(
    dataset: PreferenceDataset, readings: FloatArray, folds: IntArray, evidence: AnswerEvidence | None
) -> IntArray:
    """The candidate that a ranker of the other folds puts first on each item, (n_items,).

    Args:
        dataset: From ``make_dataset``.
        readings: Of its candidates.
        folds: Of each item.
        evidence: About its candidates; None to rank without.
    """
    chosen = np.zeros(len(dataset.prompts), dtype=int)
    for fold in np.unique(folds):
        known = dataset.select(folds[dataset.prompt_of[dataset.left]] != fold)
        ranker = FastRanker.fit(known, readings, evidence=evidence)
        for number in np.flatnonzero(folds == fold):
            used = np.flatnonzero(dataset.prompt_of == number)
            logits = ranker.pairwise_logits(
                readings[used],
                [dataset.members[place] for place in used],
                dataset.prompts[number],
                evidence=None if evidence is None else evidence.select(used),
            )
            chosen[number] = used[int(score_candidates(logits).argmax())]
    return chosen

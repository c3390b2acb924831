"""Kinds of task, learnt from the prompts: groups of alike prompts, each with a name made from its own words.

Invariant: a kind's name has words of its prompts only, and no list of words is written down anywhere.
Non-goal: expected qualities; ``forest`` divides prompts more finely, kinds are what people look at.

Source: Rousseeuw, "Silhouettes", Journal of Computational and Applied Mathematics 20 (1987), for how many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from blender_ui.values import FloatArray, IntArray

MOST_KINDS = 12
FEWEST_PROMPTS = 8
"""Of a kind, on average."""
NAME_WORDS = 3
SAMPLE = 1500
"""Prompts by which the number of kinds is chosen."""

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """Groups of prompts."""

    names: tuple[str, ...]
    centres: FloatArray
    """Of their prompts' embeddings, (n_kinds, size)."""

    def assign(self, embeddings: FloatArray) -> IntArray:
        """The nearest kind of each prompt, (n,)."""
        distances = (self.centres**2).sum(axis=1) - 2 * embeddings @ self.centres.T
        nearest: IntArray = distances.argmin(axis=1)
        return nearest


def learn_kinds(prompts: Sequence[str], embeddings: FloatArray, *, seed: int) -> Kinds:
    """Group prompts, in as many groups as set them apart best.

    Args:
        prompts: n texts, from which the names are made.
        embeddings: Of the prompts, (n, size).
        seed: Of the grouping.
    """
    from sklearn.cluster import KMeans  # takes a second, and only training comes here
    from sklearn.metrics import silhouette_score

    n = len(prompts)
    sample = np.random.default_rng(seed).permutation(n)[:SAMPLE]
    best, best_score = KMeans(1, n_init=1, random_state=seed).fit(embeddings), 0.0
    n_distinct = len(np.unique(embeddings, axis=0))
    for n_kinds in range(2, min(MOST_KINDS, n // FEWEST_PROMPTS, n_distinct - 1) + 1):
        found = KMeans(n_kinds, n_init=2, random_state=seed).fit(embeddings)
        if len(np.unique(found.labels_[sample])) < 2:
            continue
        score = float(silhouette_score(embeddings[sample], found.labels_[sample]))
        if score > best_score:
            best, best_score = found, score
    centres = np.asarray(best.cluster_centers_, dtype=float)
    return Kinds(names=name_groups(prompts, best.labels_, len(centres)), centres=centres)


def name_groups(prompts: Sequence[str], group_of: IntArray, n_groups: int) -> tuple[str, ...]:
    """Name each group by the words that its prompts have and the other groups' lack.

    Returns:
        ``n_groups`` distinct names; "all prompts" where there is one group.
    """
    if n_groups == 1:
        return ("all prompts",)
    counts: list[Counter[str]] = [Counter() for _ in range(n_groups)]
    for prompt, group in zip(prompts, group_of, strict=True):
        counts[group].update(set(_WORD.findall(prompt.lower())))
    sizes = np.maximum(np.bincount(group_of, minlength=n_groups), 1)
    everywhere: Counter[str] = sum(counts, Counter())
    names: list[str] = []
    for group, count in enumerate(counts):

        def distinction(word: str, group: int = group, count: Counter[str] = count) -> float:
            here = count[word] / int(sizes[group])
            elsewhere = (everywhere[word] - count[word] + 1) / (len(prompts) - int(sizes[group]) + 1)
            rarity = log((len(prompts) + 1) / (everywhere[word] + 1))  # words of every prompt name nothing
            return float(here) * rarity * log((here + 1e-9) / elsewhere)

        words = sorted(count, key=lambda word: (-distinction(word), word))[:NAME_WORDS]
        name = ", ".join(words) or "no words"
        names.append(name if name not in names else f"{name} ({group + 1})")
    return tuple(names)

"""Names of groups of prompts, made from the words that a group has and the others lack.

Invariant: a name has words of its group's prompts only, and no list of words is written down anywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log

import numpy as np

from blender_ui.values import IntArray

ALL_PROMPTS = "all prompts"
NAME_WORDS = 3
_WORD = re.compile(r"[^\W\d_]\w{2,}")


def name_groups(
    prompts: Sequence[str], group_of: IntArray, n_groups: int, *, rarity: Callable[[str], float]
) -> tuple[str, ...]:
    """Name each group of prompts.

    Args:
        prompts: n texts.
        group_of: Which group each is in, (n,).
        n_groups: How many.
        rarity: Of a word in the language, 0 to 1: words that stand everywhere name nothing.

    Returns:
        ``n_groups`` distinct names; "all prompts" where there is one group, "" where a group has no word that
        the others lack.
    """
    if n_groups == 1:
        return (ALL_PROMPTS,)
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
            spread = log((len(prompts) + 1) / (everywhere[word] + 1))  # words of every prompt name nothing
            return float(here) * spread * rarity(word) * log((here + 1e-9) / elsewhere)

        scores = {word: distinction(word) for word in count}
        words = sorted((word for word in count if scores[word] > 0), key=lambda word: (-scores[word], word))
        names.append(make_distinct(", ".join(words[:NAME_WORDS]), names) if words else "")
    return tuple(names)


def make_distinct(name: str, taken: Sequence[str]) -> str:
    """The name, with a number behind it where it is taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    return found

"""Prompts and answers of chosen lengths, made of words: what a tokenizer cuts like real prose.

Full answers give pairs of about 450 tokens on average and 900 at most, as eight chat models' answers
did; their spread is what makes padding cost what it costs in use.
"""

from __future__ import annotations

import inspect
import textwrap

import numpy as np

from benchmarks.reference import Item
from blender_ui.values import RankingPrompt

SHORT_WORDS = (10, 70)
FULL_WORDS = (15, 190)


def draw_items(
    n_items: int, n_candidates: int, *, n_words: tuple[int, int], rng: np.random.Generator
) -> list[Item]:
    """Draw prompts of 10 to 60 words with n candidates of ``n_words`` (least, most) each."""
    sources = (textwrap, np, np.linalg)
    words = " ".join(inspect.getdoc(source) or "" for source in sources)
    pool = np.array(words.split())

    def draw(least: int, most: int) -> str:
        return " ".join(rng.choice(pool, size=int(rng.integers(least, most + 1))))

    return [
        Item(RankingPrompt(instruction=draw(10, 60)), tuple(draw(*n_words) for _ in range(n_candidates)))
        for _ in range(n_items)
    ]

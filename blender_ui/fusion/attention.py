"""Which stretch of a fused text came from which source, by where the fuser looked as it wrote.

Invariant: as in ``attribution``, the spans partition the fused text. Attention says where a model
looked, not what it took; ``agreement`` says how far word alignment bears it out. Non-goal: getting the
weights out of a model; ``seq2seq`` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blender_ui.fusion.attribution import Attribution, Span, join_words, word_places
from blender_ui.values import FloatArray

OWN_BELOW = 0.25
"""A word of which less than this share of the attention went to the sources is the fuser's own."""
REACH = 2
"""Words to either side whose attention counts, too: a copied run is looked up token by token, and
the tokens at its seams look ahead."""


def attribute_attention(fused: str, places: Sequence[tuple[int, int]], weights: FloatArray) -> Attribution:
    """Attribute each word of a fused text to the source that the fuser looked at most while writing it.

    Args:
        fused: The text.
        places: First character and one past the last of each of its n tokens.
        weights: Shape (n, n_sources): share of a token's cross-attention that went to each source's
            tokens, mean over heads and layers; a row sums to at most 1.

    Raises:
        ValueError: If there is not one row for each place.
    """
    if weights.ndim != 2 or len(weights) != len(places):
        raise ValueError(f"expected {len(places)} rows of weights, one a token; came shape {weights.shape}")
    words = word_places(fused)
    by_word = _spread(_by_word(words, places, weights))
    owners = [int(row.argmax()) if row.sum() >= OWN_BELOW and row.max() > 0 else None for row in by_word]
    return join_words(fused, words, owners, n_sources=weights.shape[1])


def agreement(first: Sequence[Span], second: Sequence[Span]) -> float:
    """Share of characters that two attributions of one text give to the same source.

    Only characters that both give to a source count; 1 where there is none.
    """
    owners, others = _by_character(first), _by_character(second)
    both = [(one, other) for one, other in zip(owners, others, strict=True) if None not in (one, other)]
    return sum(one == other for one, other in both) / len(both) if both else 1.0


def _by_word(
    words: Sequence[tuple[int, int]], places: Sequence[tuple[int, int]], weights: FloatArray
) -> FloatArray:
    """Mean attention of the tokens that touch each word, shape (n_words, n_sources)."""
    rows = np.zeros((len(words), weights.shape[1]))
    for index, (start, end) in enumerate(words):
        touching = [number for number, (first, last) in enumerate(places) if first < end and last > start]
        if touching:
            rows[index] = weights[touching].mean(axis=0)
    return rows


def _spread(rows: FloatArray) -> FloatArray:
    """Each word's row with its neighbours', the nearer the more."""
    spread = np.zeros_like(rows)
    for shift in range(-REACH, REACH + 1):
        first, last = max(0, shift), len(rows) + min(0, shift)
        if first < last:
            spread[first - shift : last - shift] += rows[first:last] / (1 + abs(shift))
    totals = rows.sum(axis=1, keepdims=True)
    scale = spread.sum(axis=1, keepdims=True)
    # The neighbours say which source, the word itself how much of the attention went to any.
    share: FloatArray = np.divide(spread, scale, out=np.zeros_like(spread), where=scale > 0) * totals
    return share


def _by_character(spans: Sequence[Span]) -> list[int | None]:
    return [span.source for span in spans for _ in range(span.end - span.start)]

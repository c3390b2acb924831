"""Length and markup of texts, counted. Non-goal: what style does to ratings; ``ratings`` says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blender_ui.values import IntArray

STYLE_NAMES = ("length", "list items", "headings", "bold")


def count_styles(texts: Sequence[str]) -> IntArray:
    """Count what ``STYLE_NAMES`` names in texts, (n, len(STYLE_NAMES)).

    All texts are laid end to end, a byte a character, because asking each text four times takes as long
    again as reading it from the store.
    """
    n_characters = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    ends = np.cumsum(n_characters + 1)
    # No mark of style goes on across a NUL, and none has a character that Latin-1 lacks.
    laid = np.frombuffer(("\0".join(texts) + "\0\0\0").encode("latin-1", "replace"), dtype=np.uint8)
    breaks = np.flatnonzero(laid == ord("\n"))
    first, second = laid[breaks + 1], laid[breaks + 2]
    items = breaks[((first == ord("-")) | (first == ord("*"))) & (second == ord(" "))]
    headings = breaks[first == ord("#")]
    stars = np.flatnonzero(laid == ord("*"))
    runs = np.flatnonzero(np.diff(stars, prepend=-2) > 1)
    pairs = np.cumsum(np.diff(runs, append=len(stars)) // 2)

    def count(places: IntArray) -> IntArray:
        return np.diff(np.searchsorted(places, ends), prepend=0)

    n_pairs = np.diff(np.append(0, pairs)[np.searchsorted(stars[runs], ends)], prepend=0)
    return np.column_stack([n_characters, count(items), count(headings), n_pairs // 2])

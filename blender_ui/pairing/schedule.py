"""Which pairs of a prompt's candidates are worth asking people about."""

from __future__ import annotations

import random
from collections.abc import Sequence


def draw_pairs(texts: Sequence[str], *, limit: int | None, seed: int) -> list[tuple[int, int]]:
    """Draw pairs of differing candidates, each candidate about equally often.

    The candidates are put round a table in a random order and paired round by round (the circle
    method of tournaments), so the first n/2 pairs hold everyone once, the next n/2 once more, and
    so on; no pair comes twice. Two candidates with the same text are never paired: there is
    nothing to prefer.

    Args:
        texts: The candidates' texts.
        limit: At most so many pairs; None for all.
        seed: Decides the order round the table.

    Returns:
        Pairs of indices into ``texts``, the lower first, without repetition.
    """
    table: list[int | None] = list(range(len(texts)))
    if len(table) > 2:  # two are one pair in either order, and a generator takes longer than the rest
        random.Random(seed).shuffle(table)
    if len(table) % 2:
        table.append(None)
    pairs: list[tuple[int, int]] = []
    for _ in range(len(table) - 1):
        for first, second in zip(table[: len(table) // 2], reversed(table[len(table) // 2 :]), strict=True):
            if first is None or second is None or texts[first].strip() == texts[second].strip():
                continue
            if len(pairs) == limit:
                return pairs
            pairs.append((min(first, second), max(first, second)))
        table[1:] = [table[-1], *table[1:-1]]
    return pairs

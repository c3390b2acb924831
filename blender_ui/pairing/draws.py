"""Random draws that follow from a seed: the same seed and labels always give the same draw.

Invariant: a draw depends on its seed and labels alone, not on how many draws came before it, so
two processes and a restarted one agree; the seed cannot be found from draws. Non-goal: keeping the seed
secret, so that draws cannot be predicted; ``installation`` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

_SEED_BITS = 31


class Sides(NamedTuple):
    """Which candidate stands where, and the seed of the draw."""

    left: int
    right: int
    seed: int


def uniform(seed: int, *labels: str | int) -> float:
    """Draw a number in [0, 1), uniform over the seeds.

    Args:
        seed: The installation's seed.
        labels: What is drawn for, such as ``("priority", comparison_id)``.
    """
    return _bits(seed, labels, 53) / 2**53


class Places(NamedTuple):
    """Candidates in the order in which they are shown, and the seed of the draw."""

    order: tuple[int, ...]
    seed: int


def draw_places(seed: int, candidates: Iterable[int], *labels: str | int) -> Places:
    """Draw the order in which several candidates are shown; the order of the argument does not matter.

    Args:
        seed: The installation's seed.
        candidates: Ids.
        labels: For whom they are drawn, so that two people see them in two orders.

    Returns:
        The order, with the draw's own seed in 0..2^31 - 1: each candidate's place follows from that seed
        and its id.
    """
    own = _bits(seed, ("places", *labels), _SEED_BITS)
    order = sorted(candidates, key=lambda candidate: (uniform(own, candidate), candidate))
    return Places(tuple(order), own)


def draw_sides(seed: int, first: int, second: int) -> Sides:
    """Draw which candidate stands left; the order of the arguments does not matter.

    Args:
        seed: The installation's seed.
        first: Id of one candidate.
        second: Id of the other.

    Returns:
        The sides, with the comparison's own seed in 0..2^31 - 1; the candidate with the lower id
        stands left where that seed is even.
    """
    low, high = sorted((first, second))
    own = _bits(seed, ("sides", low, high), _SEED_BITS)
    return Sides(low, high, own) if own % 2 == 0 else Sides(high, low, own)


def _bits(seed: int, labels: tuple[str | int, ...], n_bits: int) -> int:
    words = "\x1f".join(map(str, (seed, *labels)))
    return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest()) >> (64 - n_bits)

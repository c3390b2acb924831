"""Triples that go round in a circle: a beats b, b beats c, c beats a.

Invariant: each circle is named once, from its lowest index on. Non-goal: why it is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Cycles(NamedTuple):
    """The intransitive triples of a tournament.

    Attributes:
        triples: Indices (i, j, k) with i before j before k before i, weakest link widest first.
        n_triples: Triples whose three pairs are all decided.
    """

    triples: tuple[tuple[int, int, int], ...]
    n_triples: int


def find_cycles(margins: ArrayLike) -> Cycles:
    """List the intransitive triples.

    Args:
        margins: Shape (n, n); only (margins - margins.T) counts: positive where row beats column.
            NaN where a pair was not compared.

    Source:
        Kendall and Babington Smith, "On the method of paired comparisons", Biometrika 31 (1940).
    """
    given = np.asarray(margins, dtype=float)
    net = given - given.T
    beats = net > 0  # false where it is NaN
    decided = beats | beats.T
    n_triples = round(float(np.trace(np.linalg.matrix_power(decided.astype(float), 3))) / 6)
    found = [
        (first, int(second), int(third))
        for first in range(len(net))
        for second in np.flatnonzero(beats[first, first:]) + first
        for third in np.flatnonzero(beats[second] & beats[:, first])
        if third > first
    ]
    found.sort(key=lambda one: -min(net[one[0], one[1]], net[one[1], one[2]], net[one[2], one[0]]))
    return Cycles(tuple(found), n_triples)

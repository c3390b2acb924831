"""McNemar's exact test: do two rankers differ in how often they are right on the same decisions?

Invariant: only decisions where exactly one of the two is right count, and the p-value is exact for
any number of them. Non-goal: decisions of different questions; both must have answered the same ones.
"""

from __future__ import annotations

from typing import NamedTuple

import scipy


class McNemar(NamedTuple):
    """Decisions that only one of two got right.

    Attributes:
        n_first_only: Right by the first, wrong by the second.
        n_second_only: The other way round.
        p_value: Two-sided: how often chance would split them at least so unevenly.
    """

    n_first_only: int
    n_second_only: int
    p_value: float


def compare_by_mcnemar(n_first_only: int, n_second_only: int) -> McNemar:
    """Compare two rankers by the decisions on which they differ.

    Args:
        n_first_only: Decisions that only the first got right.
        n_second_only: Decisions that only the second got right.

    Raises:
        ValueError: If a count is negative.

    Source:
        McNemar, "Note on the sampling error of the difference between correlated proportions",
        Psychometrika 12 (1947); the exact form as in Fagerland, Lydersen and Laake, BMC Medical
        Research Methodology 13:91 (2013).
    """
    if n_first_only < 0 or n_second_only < 0:
        raise ValueError(f"expected counts of 0 or more, came {n_first_only} and {n_second_only}")
    return McNemar(n_first_only, n_second_only, split_p_value(n_first_only, n_second_only))


def split_p_value(n_first: int, n_second: int) -> float:
    """How often a fair coin splits n_first + n_second throws at least so unevenly: two-sided and exact.

    ``scipy.stats.binomtest`` gives the same, and takes a second to import.
    """
    return min(1.0, 2 * float(scipy.special.bdtr(min(n_first, n_second), n_first + n_second, 0.5)))

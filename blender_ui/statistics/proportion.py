"""The interval of a share. Numbers in, numbers out.

Invariant: the interval lies in [0, 1] and holds the share, for any share and any count above 0.
Non-goal: votes that depend on each other; see ``bootstrap``.
"""

from __future__ import annotations

import math

from blender_ui.statistics.bootstrap import Estimate

Z_95 = 1.959963984540054


def wilson_interval(n_won: float, n: int) -> Estimate:
    """A share with its 95 % interval by Wilson's score; all NaN where nothing was counted.

    Args:
        n_won: How often it happened; ties may count half.
        n: How often it could have.

    Raises:
        ValueError: If ``n_won`` is not between 0 and ``n``.

    Source:
        Wilson, JASA 22 (1927); recommended by Newcombe, Statistics in Medicine 17 (1998).
    """
    if not 0 <= n_won <= n:
        raise ValueError(f"expected between 0 and {n} of {n}, came {n_won}")
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan)
    share, z2 = n_won / n, Z_95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach))

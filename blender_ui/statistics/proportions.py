"""A share with its interval. Non-goal: shares whose trials hang together (``bootstrap``)."""

from __future__ import annotations

import numpy as np

from blender_ui.statistics.bootstrap import Estimate
from blender_ui.statistics.bradley_terry import NORMAL_95


def wilson_interval(n_successes: float, n: float) -> Estimate:
    """Share of successes with Wilson's 95 % score interval; all NaN where n is 0.

    Source:
        Wilson, JASA 22 (1927); method 3 of Newcombe, Statistics in Medicine 17 (1998).
    """
    if not n:
        return Estimate(np.nan, np.nan, np.nan)
    share, squared = n_successes / n, NORMAL_95**2
    centre = (n_successes + squared / 2) / (n + squared)
    margin = NORMAL_95 * np.sqrt(n * share * (1 - share) + squared / 4) / (n + squared)
    return Estimate(float(share), float(max(centre - margin, 0.0)), float(min(centre + margin, 1.0)))

"""Whether the latest values of a series differ from those before beyond chance.

Invariant: several series that are looked at together raise a false alarm at most at one rate, whatever their
number. Non-goals: which values are the latest, and looks that share values: those are not independent.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import scipy
from numpy.typing import ArrayLike

from blender_ui.values import FloatArray

FALSE_ALARMS = 0.01
"""Share of looks that raise any alarm where nothing has changed, at most."""
N_RECENT, N_BEFORE = 15, 30
"""Independent values on each side, below which nothing is said."""

Name = TypeVar("Name", bound=Hashable)


class Series(NamedTuple):
    """Values of one kind.

    Attributes:
        values: Such as 1 where an answer failed and 0 where it came, (n,).
        clusters: A label per value; values of one label are not independent and count as their mean, (n,).
        is_recent: Which are the latest, (n,).
    """

    values: ArrayLike
    clusters: ArrayLike
    is_recent: ArrayLike


class Change(NamedTuple):
    """Two means that differ beyond chance.

    Attributes:
        before, recent: The means.
        n_before, n_recent: Independent values behind each.
        p: Of the test, before it is divided among the series.
    """

    before: float
    recent: float
    n_before: int
    n_recent: int
    p: float


def find_changes(series: Mapping[Name, Series], *, false_alarms: float = FALSE_ALARMS) -> dict[Name, Change]:
    """The series whose latest values differ from those before.

    Fisher's exact test where values are 0 and 1, else Mann and Whitney's; Holm's procedure over all series.

    Args:
        series: By name.
        false_alarms: Chance of any false alarm, over all of them.

    Source:
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6
        (1979).
    """
    tested = {name: change for name, one in series.items() if (change := _compare(one)) is not None}
    found: dict[Name, Change] = {}
    for place, (name, change) in enumerate(sorted(tested.items(), key=lambda item: item[1].p)):
        if change.p > false_alarms / (len(tested) - place):
            break
        found[name] = change
    return found


def _compare(series: Series) -> Change | None:
    is_recent = np.asarray(series.is_recent, dtype=bool)
    before, recent = (_average(series, side) for side in (~is_recent, is_recent))
    if len(before) < N_BEFORE or len(recent) < N_RECENT:
        return None
    both = np.concatenate([before, recent])
    if np.all(both == both[0]):
        p = 1.0
    elif np.isin(both, (0, 1)).all():
        table = np.array([[one.sum(), len(one) - one.sum()] for one in (recent, before)], dtype=int)
        p = float(scipy.stats.fisher_exact(table).pvalue)
    else:
        p = float(scipy.stats.mannwhitneyu(recent, before, method="asymptotic").pvalue)
    return Change(float(before.mean()), float(recent.mean()), len(before), len(recent), p)


def _average(series: Series, side: np.ndarray) -> FloatArray:
    """The mean of each cluster on one side."""
    values = np.asarray(series.values, dtype=float)[side]
    _, cluster = np.unique(np.asarray(series.clusters)[side], return_inverse=True)
    return np.asarray(np.bincount(cluster, values) / np.maximum(np.bincount(cluster), 1))

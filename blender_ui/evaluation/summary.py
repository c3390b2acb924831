"""From scores by item to figures by system, with intervals. Numbers in, numbers out.

Invariant: systems are compared on the same items, pairwise. Non-goal: where scores come from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from blender_ui.statistics.bootstrap import Estimate, bootstrap_mean

Scores = Sequence[Mapping[str, Mapping[str, float]]]
"""For each item, by system and metric."""


class Difference(NamedTuple):
    """How much better the first system is than the second, over items that both have a score for."""

    first: str
    second: str
    estimate: Estimate


def list_systems(scores: Scores) -> list[str]:
    """Every system that has a score, in the order of the first item that has it."""
    return list(dict.fromkeys(name for item in scores for name in item))


def list_metrics(scores: Scores) -> list[str]:
    """Every metric that some system has."""
    return list(dict.fromkeys(metric for item in scores for system in item.values() for metric in system))


def summarise(scores: Scores, *, seed: int) -> dict[str, dict[str, Estimate]]:
    """Mean and 95 % interval by system and metric, bootstrapped over items."""
    return {
        system: {
            metric: bootstrap_mean(values, np.arange(len(values)), seed=seed)
            for metric in list_metrics(scores)
            if (values := _values(scores, system, metric))
        }
        for system in list_systems(scores)
    }


def difference(scores: Scores, first: str, second: str, *, metric: str, seed: int) -> Difference | None:
    """The mean difference of two systems with its 95 % interval; None where they share no item."""
    gains = [
        item[first][metric] - item[second][metric]
        for item in scores
        if metric in item.get(first, {}) and metric in item.get(second, {})
    ]
    if not gains:
        return None
    return Difference(first, second, bootstrap_mean(gains, np.arange(len(gains)), seed=seed))


def add_random(scores: Scores, members: Sequence[str], *, name: str) -> list[dict[str, dict[str, float]]]:
    """The scores with one system more: a member drawn at random, whose expected score is the mean."""
    widened = []
    for item in scores:
        rows = [item[member] for member in members if member in item]
        metrics = dict.fromkeys(metric for row in rows for metric in row)
        mean = {metric: float(np.mean([row[metric] for row in rows if metric in row])) for metric in metrics}
        widened.append({**{key: dict(row) for key, row in item.items()}, name: mean})
    return widened


def add_best(
    scores: Scores, *, without: Collection[str], metric: str, name: str
) -> list[dict[str, dict[str, float]]]:
    """The scores with one system more: of each item's systems, but some, the one that is best at a metric."""
    widened = []
    for item in scores:
        rows = [row for system, row in item.items() if system not in without and metric in row]
        best = {name: dict(max(rows, key=lambda row: row[metric]))} if rows else {}
        widened.append({**{key: dict(row) for key, row in item.items()}, **best})
    return widened


def best_member(scores: Scores, members: Sequence[str], *, metric: str) -> str:
    """The member with the highest mean. It is chosen on the items it is reported on: that flatters it."""
    means = {member: float(np.mean(_values(scores, member, metric) or [0.0])) for member in members}
    return max(members, key=lambda member: means[member])


def _values(scores: Scores, system: str, metric: str) -> list[float]:
    return [item[system][metric] for item in scores if metric in item.get(system, {})]

"""The figures of one run of the ensemble on a task, ready to print, plot or keep as JSON.

Invariant: every claim of a report has an interval. Non-goal: running anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blender_ui.evaluation.attacks import Attack
from blender_ui.evaluation.items import Task
from blender_ui.evaluation.judging import FUSED
from blender_ui.evaluation.run import BEST_RANKED, SHOWN, ItemResult
from blender_ui.evaluation.scoring import MAIN_METRIC
from blender_ui.evaluation.summary import (
    Difference,
    Scores,
    add_best,
    add_random,
    best_member,
    difference,
    summarise,
)
from blender_ui.statistics.bootstrap import Estimate

RANDOM = "random member"
BEST_ANSWER = "best answer"
"""Of each item's answers the one with the best main metric: the upper bound of any choice."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures by system.

    Attributes:
        task: What was asked.
        attack: What was done to it; empty for nothing.
        judged_by: Who ranked.
        n_items: How many items.
        main_metric: What differences are of.
        best_member: The member with the highest mean of it, chosen on these very items.
        figures: Mean and 95 % interval by system and metric.
        differences: What the ensemble is for: best-ranked and what is shown less the best member, and the
            like.
        falls: How much worse each system does than on the same items without the attack; empty where
            there is none.
        texts: What every system said, by item.
    """

    task: str
    attack: str
    judged_by: str
    n_items: int
    main_metric: str
    best_member: str
    figures: Mapping[str, Mapping[str, Estimate]]
    differences: tuple[Difference, ...]
    falls: Mapping[str, Estimate]
    texts: tuple[Mapping[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "task": self.task,
            "attack": self.attack or None,
            "judged_by": self.judged_by,
            "n_items": self.n_items,
            "main_metric": self.main_metric,
            "best_member": self.best_member,
            "systems": {
                system: {metric: list(estimate) for metric, estimate in row.items()}
                for system, row in self.figures.items()
            },
            "differences": [
                {"first": one.first, "second": one.second, "difference": list(one.estimate)}
                for one in self.differences
            ],
            "falls": {system: list(estimate) for system, estimate in self.falls.items()},
            "texts": [dict(texts) for texts in self.texts],
        }


def build_report(
    task: Task,
    results: Sequence[ItemResult],
    *,
    members: Sequence[str],
    attack: Attack | None,
    judged_by: str,
    seed: int,
    plain: Sequence[ItemResult] = (),
) -> Report:
    """Average the results and compare the systems that matter.

    Args:
        task: What was asked.
        results: By item.
        members: Names of those that were asked.
        attack: What was done to the items.
        judged_by: Who ranked.
        seed: Of the bootstrap.
        plain: The results on the same items without the attack, to say how far each system falls.
    """
    metric = MAIN_METRIC[task]
    told = [result.metrics for result in results]
    scores = add_best(
        add_random(told, members, name=RANDOM),
        without=(RANDOM, BEST_RANKED, FUSED, SHOWN),
        metric=metric,
        name=BEST_ANSWER,
    )
    best = best_member(scores, members, metric=metric)
    pairs = (
        (BEST_RANKED, best),
        (BEST_RANKED, RANDOM),
        (FUSED, BEST_RANKED),
        (SHOWN, BEST_RANKED),
        (SHOWN, best),
        (BEST_ANSWER, best),
    )
    found = [difference(scores, first, second, metric=metric, seed=seed) for first, second in pairs]
    figures = summarise(scores, seed=seed)
    order = [*members, RANDOM, BEST_RANKED, FUSED, SHOWN, BEST_ANSWER]
    return Report(
        task=task.value,
        attack=attack.value if attack else "",
        judged_by=judged_by,
        n_items=len(results),
        main_metric=metric,
        best_member=best,
        figures={system: figures[system] for system in order if system in figures},
        differences=tuple(one for one in found if one is not None),
        falls=_falls(scores, plain, order, members=members, metric=metric, seed=seed) if plain else {},
        texts=tuple({name: text.text for name, text in result.texts.items()} for result in results),
    )


def _falls(
    scores: Scores,
    plain: Sequence[ItemResult],
    systems: Sequence[str],
    *,
    members: Sequence[str],
    metric: str,
    seed: int,
) -> dict[str, Estimate]:
    before = add_random([result.metrics for result in plain], members, name=RANDOM)
    falls = {}
    for system in systems:
        pairs = [
            {"before": was.get(system, {}), "after": item.get(system, {})}
            for was, item in zip(before, scores, strict=True)
        ]
        fall = difference(pairs, "before", "after", metric=metric, seed=seed)
        if fall is not None:
            falls[system] = fall.estimate
    return falls

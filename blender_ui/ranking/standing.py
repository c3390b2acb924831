"""Where a ranker stands against what anybody could say without one.

Invariant: ranker and baseline are compared on the same decided preferences, of prompts that neither learnt
from. Non-goal: comparing two rankers; ``promotion`` does, by log loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from blender_ui.language import mark, say_number, tr
from blender_ui.ranking.evaluation import prompt_clusters
from blender_ui.statistics.paired import measure_difference
from blender_ui.values import FloatArray, IntArray, PreferenceDataset

LEVEL = 0.8
"""Of the intervals that decide. Decision 0014 has the error rates."""
N_PROMPTS_NEEDED = 10
"""Prompts with a decided preference before anything is said."""
LONGER, RATING = "longer", "rating"
BASELINES = {LONGER: mark("the longer answer"), RATING: mark("the higher-rated member")}
"""What a sentence calls each baseline."""


class Verdict(StrEnum):
    """What the margins say."""

    BETTER = "better"
    """Than every baseline, and the interval says so."""
    UNDECIDED = "undecided"
    WORSE = "worse"
    """Than a baseline, and the interval says so."""


class Margin(NamedTuple):
    """A ranker beside one baseline.

    Attributes:
        accuracy: Share that the baseline got right.
        difference: The ranker's share less the baseline's.
        low, high: Ends of the ``LEVEL`` interval of the difference.
    """

    accuracy: float
    difference: float
    low: float
    high: float


class Standing(NamedTuple):
    """A ranker beside every baseline.

    Attributes:
        n: Decided preferences that it was judged on.
        n_prompts: Prompts that they are about.
        accuracy: Share that the ranker got right, a logit of 0 counting half.
        judged_on: What a sentence calls the preferences.
        against: Its margin over each of ``BASELINES``, by the baseline's name.
    """

    n: int
    n_prompts: int
    accuracy: float
    judged_on: str
    against: Mapping[str, Margin]

    @property
    def verdict(self) -> Verdict:
        """Better only where it is better than each baseline; worse where it is worse than one."""
        margins = self.against.values()
        if self.n_prompts >= N_PROMPTS_NEEDED and all(one.low > 0 for one in margins):
            return Verdict.BETTER
        if self.n_prompts >= N_PROMPTS_NEEDED and any(one.high < 0 for one in margins):
            return Verdict.WORSE
        return Verdict.UNDECIDED

    def find_unbeaten(self) -> dict[str, str]:
        """Baselines that it is not shown to be better than: by name, what a sentence calls them."""
        is_enough = self.n_prompts >= N_PROMPTS_NEEDED
        return {name: BASELINES[name] for name, one in self.against.items() if one.low <= 0 or not is_enough}

    def find_better_guess(self) -> str:
        """The baseline that was right more often than the ranker, and most often; empty where none was."""
        ahead = {name: one.accuracy for name, one in self.against.items() if one.difference < 0}
        return max(ahead, key=lambda name: ahead[name], default="")

    def as_json(self) -> dict[str, Any]:
        """As ``read_standing`` takes it."""
        return {**self._asdict(), "against": {name: one._asdict() for name, one in self.against.items()}}


def measure_standing(
    scores: FloatArray, baselines: Mapping[str, FloatArray], clusters: IntArray, *, judged_on: str
) -> Standing:
    """Compare a ranker with baselines on decided preferences.

    Args:
        scores: 1 where the ranker was right, 0 where it was wrong, .5 where it could not say, (n,).
        baselines: The same of each baseline, by its name.
        clusters: Number of each preference's prompt, (n,).
        judged_on: What a sentence calls the preferences.
    """
    return Standing(
        n=len(scores),
        n_prompts=len(np.unique(clusters)),
        accuracy=float(scores.mean()) if len(scores) else 0.5,
        judged_on=judged_on,
        against={
            name: Margin(
                float(right.mean()) if len(right) else 0.5,
                *measure_difference(scores, right, clusters, level=LEVEL),
            )
            for name, right in baselines.items()
        },
    )


def stand(
    logits: FloatArray, baselines: Mapping[str, FloatArray], dataset: PreferenceDataset, *, judged_on: str
) -> Standing:
    """``measure_standing`` of log-odds for each preference's left side, ties and "both bad" left out.

    Args:
        logits: The ranker's, (n_preferences,).
        baselines: Each baseline's, by its name.
        dataset: The preferences.
        judged_on: What a sentence calls them.
    """
    clusters = prompt_clusters(dataset)[dataset.prompt_of[dataset.left]]
    return measure_standing(
        score_sides(logits, dataset.target),
        {name: score_sides(one, dataset.target) for name, one in baselines.items()},
        clusters[dataset.target != 0.5],
        judged_on=judged_on,
    )


def score_sides(logits: FloatArray, target: FloatArray) -> FloatArray:
    """Of each decided preference, 1 where the logit is for its side, .5 where it is 0, else 0."""
    decided = target != 0.5
    return np.asarray(np.heaviside(np.where(target > 0.5, logits, -logits)[decided], 0.5))


def read_standing(found: object) -> Standing | None:
    """What ``as_json`` gave; None of anything else, such as a version of an older release."""
    if not isinstance(found, Mapping) or set(found) != set(Standing._fields):
        return None
    against = {name: Margin(**one) for name, one in found["against"].items()}
    return Standing(**{**found, "against": against})


def describe(standing: Standing) -> str:
    """Where it stands, in one sentence without a verdict."""
    others = tr(" and ").join(
        tr(
            "{baseline} on {percent} (a lead of {margin})",
            baseline=tr(BASELINES[name]),
            percent=_percent(one.accuracy),
            margin=describe_margin(one),
        )
        for name, one in standing.against.items()
    )
    return tr(
        "right on {percent} of {n:,} {judged_on}; {others}",
        percent=_percent(standing.accuracy),
        n=standing.n,
        judged_on=tr(standing.judged_on),
        others=others,
    )


def describe_margin(margin: Margin) -> str:
    """A lead with its interval."""
    return tr(
        "{points} points, {level:.0f} % interval {low} to {high}",
        points=_points(margin.difference),
        level=100 * LEVEL,
        low=_points(margin.low),
        high=_points(margin.high),
    )


def _percent(share: float) -> str:
    return f"{say_number(100 * share, '.0f')} %"


def _points(difference: float) -> str:
    """Of a lead: minus where the baseline leads."""
    return say_number(100 * difference, "+.0f")

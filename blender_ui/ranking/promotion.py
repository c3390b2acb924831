"""Whether a new version replaces the active one: figures on held-out preferences, and a reason.

Invariant: both versions and the baselines are judged on the same preferences, of prompts that none learnt
from, and the reason names every figure that decided. Non-goal: computing logits, or acting on the decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.language import mark, tr
from blender_ui.ranking.baselines import longer_logits
from blender_ui.ranking.standing import BASELINES, Standing, Verdict, describe, describe_margin, stand
from blender_ui.statistics.bootstrap import bootstrap_mean
from blender_ui.values import FloatArray, PreferenceDataset

CHANCE_LOG_LOSS = math.log(2)
WAITS = "The next training decides again, with the votes that came until then."
"""What follows for a version that is better than the active one, and not yet than the baselines."""
ACTIVE = "active"
"""Name of the active version beside the baselines."""


class Judgement(NamedTuple):
    """How well one ranker predicts the decided preferences of a dataset.

    Attributes:
        n: Decided preferences.
        accuracy: Share predicted, a logit of 0 counting half.
        low: Lower end of the accuracy's 95 % interval, bootstrapped by prompt.
        high: Its upper end.
        log_loss: Mean negative log probability of what people said, in nats; ln 2 is chance.
    """

    n: int
    accuracy: float
    low: float
    high: float
    log_loss: float


class Trial(NamedTuple):
    """Preferences that judge a version, with what it and the baselines say of them.

    Attributes:
        dataset: The preferences; none of them taught the version or the ratings.
        logits: The version's log-odds for each preference's left side, (n_preferences,).
        baselines: Those of each baseline, by its name.
        judged_on: What a sentence calls the preferences.
    """

    dataset: PreferenceDataset
    logits: FloatArray
    baselines: Mapping[str, FloatArray]
    judged_on: str

    def judge(self) -> Judgement:
        """How well the version predicts them."""
        return judge_logits(self.logits, self.dataset)

    def stand(self) -> Standing:
        """The version beside the baselines."""
        return stand(self.logits, self.baselines, self.dataset, judged_on=self.judged_on)

    def face(self, logits: FloatArray, *, name: str) -> Rival:
        """Another version on the same preferences.

        Args:
            logits: Its log-odds, (n_preferences,).
            name: What a sentence calls it.
        """
        return Rival(
            name=name,
            judgement=judge_logits(logits, self.dataset),
            standing=stand(logits, self.baselines, self.dataset, judged_on="preferences"),
            lead=stand(self.logits, {ACTIVE: logits}, self.dataset, judged_on=self.judged_on),
        )


class Rival(NamedTuple):
    """The active version on the preferences that judge a new one.

    Attributes:
        name: What a sentence calls it.
        judgement: Its figures.
        standing: It beside the baselines.
        lead: The new version beside it.
    """

    name: str
    judgement: Judgement
    standing: Standing
    lead: Standing

    def is_beaten(self, unbeaten: Mapping[str, str]) -> bool:
        """Whether the new version may replace it without beating these baselines.

        It may where it is right more often, by the interval that the baselines are beaten by, and the
        active version is right less often than one of these baselines: its place is no better earned.
        """
        margins = self.standing.against
        is_below = any(margins[name].difference < 0 for name in unbeaten)
        return self.lead.verdict is Verdict.BETTER and is_below


class Decision(NamedTuple):
    """Promoted or refused, and why."""

    promoted: bool
    reason: str


def judge_logits(logits: FloatArray, dataset: PreferenceDataset, *, seed: int = 0) -> Judgement:
    """Compare logits with what people said.

    Args:
        logits: Shape (n_preferences,): natural-log odds that the left candidate is better.
        dataset: The preferences; ties and "both bad" do not count.
        seed: Of the bootstrap.

    Raises:
        RankerError: If there is no decided preference, or a logit is not finite.
    """
    for_chosen = _logits_for_chosen(logits, dataset)
    if not len(for_chosen):
        raise RankerError("expected at least one preference for a side among those held out; there is none")
    prompts = dataset.prompt_of[dataset.left][dataset.target != 0.5]
    accuracy = bootstrap_mean(np.heaviside(for_chosen, 0.5), prompts, seed=seed)
    return Judgement(
        n=len(for_chosen),
        accuracy=accuracy.value,
        low=accuracy.low,
        high=accuracy.high,
        log_loss=_mean_loss(for_chosen),
    )


def measure_fit(logits: FloatArray, dataset: PreferenceDataset) -> tuple[float, float]:
    """Log loss in nats and accuracy of logits, without intervals; chance where nothing is decided.

    Arguments and errors are those of ``judge_logits``.
    """
    for_chosen = _logits_for_chosen(logits, dataset)
    if not len(for_chosen):
        return CHANCE_LOG_LOSS, 0.5
    return _mean_loss(for_chosen), float(np.heaviside(for_chosen, 0.5).mean())


def judge_longer(dataset: PreferenceDataset) -> float:
    """Accuracy of "the longer answer is better", equal lengths counting half."""
    return judge_logits(longer_logits(dataset), dataset).accuracy


def decide_promotion(
    new: Judgement,
    *,
    rival: Rival | None,
    standing: Standing,
    judged_on: str = "held-out preferences",
) -> Decision:
    """Promote a version that predicts held-out people better than the active one and than both baselines.

    The active one is to be beaten by log loss, because a few dozen preferences move the accuracy in steps
    that are larger than most improvements; where there is none to judge, chance is. The baselines are to
    be beaten by accuracy, with an interval: they have no probabilities, and ranking by one costs nothing.
    An active version that is itself below such a baseline keeps nobody from its place who clearly beats it.

    Args:
        new: The new version's figures.
        rival: The active version on the same preferences; None where none could be judged.
        standing: The new version beside the baselines.
        judged_on: How the reason calls the preferences.
    """
    rival_loss = CHANCE_LOG_LOSS if rival is None else rival.judgement.log_loss
    name = "chance" if rival is None else rival.name
    also = "" if rival is None else tr(" against {percent}", percent=_percent(rival.judgement.accuracy))
    figures = (
        f"on {new.n} {judged_on}, log loss {new.log_loss:.3f} against {rival_loss:.3f} of {name}; "
        f"right on {_percent(new.accuracy)} (95 % interval {_percent(new.low)} to {_percent(new.high)}){also}"
    )
    is_better = new.log_loss < rival_loss
    unbeaten = standing.find_unbeaten()
    words = " or ".join(unbeaten.values())
    beside = f"Beside the baselines: {describe(standing)}."
    if not is_better or not unbeaten:
        verdict = mark("Promoted") if is_better else mark("Refused")
        return Decision(is_better, f"{verdict}: {figures}. {beside}")
    if rival is not None and rival.is_beaten(unbeaten):
        return Decision(
            True, f"Promoted in place of a worse one: {_say_beaten(rival, words)} {figures}. {beside}"
        )
    return Decision(
        False, f"Not yet: not shown to be better than {words}. {WAITS} Beside {name}: {figures}. {beside}"
    )


def _say_beaten(rival: Rival, unbeaten: str) -> str:
    below = " and ".join(BASELINES[key] for key, one in rival.standing.against.items() if one.difference < 0)
    return (
        f"{rival.name} is right less often than {below}, and the new version leads it by "
        f"{describe_margin(rival.lead.against[ACTIVE])}. The new version is not shown to be better than "
        f"{unbeaten} either:"
    )


def _logits_for_chosen(logits: FloatArray, dataset: PreferenceDataset) -> FloatArray:
    """Of each decided preference, the log-odds for the side that people took."""
    if logits.shape != (len(dataset),) or not np.isfinite(logits).all():
        raise RankerError(
            f"expected {len(dataset)} finite logits, one per preference; came shape {logits.shape}"
        )
    for_chosen: FloatArray = np.where(dataset.target > 0.5, logits, -logits)[dataset.target != 0.5]
    return for_chosen


def _mean_loss(for_chosen: FloatArray) -> float:
    return float(np.logaddexp(0.0, -for_chosen).mean())


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

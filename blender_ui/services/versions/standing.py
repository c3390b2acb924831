"""What every page, command and route says of a ranker beside the baselines: one badge and one sentence.

Invariant: the words come from figures that are kept with the version, and say so where there are none.
Non-goal: measuring; the training does, and ``ranking.standing`` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blender_ui.ranking.standing import BASELINES, LONGER, RATING, Standing, Verdict, describe, read_standing
from blender_ui.services.versions.views import VersionView
from db.enums import ModelRole

STANDING = "standing"
"""Under which a version's metrics have it."""
STANDING_SINCE = "standing_since"
"""Under which they have it by votes that a later training judged it on, as the version then active."""
BADGES = {
    Verdict.BETTER: "beats both baselines",
    Verdict.UNDECIDED: "not shown to beat the baselines",
    Verdict.WORSE: "worse than a baseline",
}
NOT_JUDGED = "not held against the baselines"


@dataclass(frozen=True, kw_only=True)
class StandingView:
    """A ranker's standing in words.

    Attributes:
        verdict: None where it was not held against the baselines on this store's votes.
        badge: A few words.
        sentence: The same with the figures.
    """

    verdict: Verdict | None
    badge: str
    sentence: str


def describe_standing(version: VersionView) -> StandingView:
    """Where a ranker's version stands beside the longer answer and the higher-rated member."""
    since = read_standing(version.metrics.get(STANDING_SINCE))
    standing = since or read_standing(version.metrics.get(STANDING))
    if standing is not None:
        return _say(version, standing)
    if version.is_start:
        return StandingView(verdict=None, badge="start ranker", sentence=_say_start(version))
    return StandingView(verdict=None, badge=NOT_JUDGED, sentence=_say_old(version))


def find_overridden(version: VersionView) -> str:
    """What a person overrides who lets a version serve; empty where the figures say the same."""
    found = describe_standing(version)
    if version.role is not ModelRole.RANKER or version.is_start or found.verdict is Verdict.BETTER:
        return ""
    return f"(this overrides the figures: {found.sentence})"


def _say(version: VersionView, standing: Standing) -> StandingView:
    figures, name = describe(standing), _capitalise(version.name)
    match standing.verdict:
        case Verdict.BETTER:
            sentence = f"{name} beats both baselines: {figures}."
        case Verdict.WORSE:
            worse = [BASELINES[key] for key, one in standing.against.items() if one.high < 0]
            sentence = f"{name} is worse than {' and '.join(worse)}: {figures}."
        case Verdict.UNDECIDED:
            unbeaten = " or ".join(standing.find_unbeaten().values())
            sentence = f"{name} is not shown to be better than {unbeaten}: {figures}."
    guess = standing.find_better_guess()
    if guess:
        sentence += f" {_capitalise(BASELINES[guess])} was the better guess on these votes."
    return StandingView(verdict=standing.verdict, badge=BADGES[standing.verdict], sentence=sentence)


def _say_start(version: VersionView) -> str:
    """What the start ranker reached on files that were left out of its training."""
    figures = version.metrics.get("left_out")
    found = [
        f"{_share(one, 'accuracy')} of {name} (the longer answer on {_share(one, LONGER)}, "
        f"the higher-rated member on {_share(one, RATING)})"
        for name, one in (figures.items() if isinstance(figures, Mapping) else ())
        if isinstance(one, Mapping)
    ]
    reached = f" Where it had not learnt from a file, it was right on {'; '.join(found)}." if found else ""
    return f"Strangers' votes taught the start ranker; no vote of yours has judged it yet.{reached}"


def _say_old(version: VersionView) -> str:
    """What is known of a version that was made before versions were held against both baselines."""
    held_out, longer = version.metrics.get("held_out"), version.metrics.get(LONGER)
    known = ""
    if isinstance(held_out, Mapping) and isinstance(longer, int | float):
        known = (
            f": right on {_share(held_out, 'accuracy')} of {held_out.get('n', '?')} held-out preferences, "
            f"the longer answer on {100 * longer:.0f} %"
        )
    return (
        f"{_capitalise(version.name)} was made before versions were held against the baselines{known}. "
        "The next training says more."
    )


def _share(figures: Mapping[str, object], name: str) -> str:
    value = figures.get(name)
    return f"{100 * value:.0f} %" if isinstance(value, int | float) else "an unknown share"


def _capitalise(words: str) -> str:
    return words[:1].upper() + words[1:]

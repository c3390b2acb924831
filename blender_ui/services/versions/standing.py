"""What every page, command and route says of a ranker beside the baselines: one badge and one sentence.

Invariant: the words come from figures that are kept with the version, and say so where there are none.
Non-goal: measuring; the training does, and ``ranking.standing`` says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blender_ui.language import ENGLISH, mark, say_number, speaking, tr
from blender_ui.ranking.standing import BASELINES, LONGER, RATING, Standing, Verdict, describe, read_standing
from blender_ui.services.versions.views import VersionView
from db.enums import ModelRole

STANDING = "standing"
"""Under which a version's metrics have it."""
STANDING_SINCE = "standing_since"
"""Under which they have it by votes that a later training judged it on, as the version then active."""
BADGES = {
    Verdict.BETTER: mark("beats both baselines"),
    Verdict.UNDECIDED: mark("not shown to beat the baselines"),
    Verdict.WORSE: mark("worse than a baseline"),
}
NOT_JUDGED = mark("not held against the baselines")


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
        return StandingView(verdict=None, badge=mark("start ranker"), sentence=_say_start(version))
    return StandingView(verdict=None, badge=NOT_JUDGED, sentence=_say_old(version))


def find_overridden(version: VersionView) -> str:
    """What a person overrides who lets a version serve; empty where the figures say the same."""
    with speaking(ENGLISH):  # it is stored with the decision, for readers of any language
        found = describe_standing(version)
    if version.role is not ModelRole.RANKER or version.is_start or found.verdict is Verdict.BETTER:
        return ""
    return f"(this overrides the figures: {found.sentence})"


def _say(version: VersionView, standing: Standing) -> StandingView:
    figures, name = describe(standing), _capitalise(version.name)
    match standing.verdict:
        case Verdict.BETTER:
            sentence = tr("{name} beats both baselines: {figures}.", name=name, figures=figures)
        case Verdict.WORSE:
            worse = [tr(BASELINES[key]) for key, one in standing.against.items() if one.high < 0]
            sentence = tr(
                "{name} is worse than {worse}: {figures}.",
                name=name,
                worse=tr(" and ").join(worse),
                figures=figures,
            )
        case Verdict.UNDECIDED:
            unbeaten = tr(" or ").join(map(tr, standing.find_unbeaten().values()))
            sentence = tr(
                "{name} is not shown to be better than {unbeaten}: {figures}.",
                name=name,
                unbeaten=unbeaten,
                figures=figures,
            )
    guess = standing.find_better_guess()
    if guess:
        sentence += tr(
            " {baseline} was the better guess on these votes.", baseline=_capitalise(tr(BASELINES[guess]))
        )
    return StandingView(verdict=standing.verdict, badge=BADGES[standing.verdict], sentence=sentence)


def _say_start(version: VersionView) -> str:
    """What the start ranker reached on files that were left out of its training."""
    figures = version.metrics.get("left_out")
    found = [
        tr(
            "{share} of {name} (the longer answer on {longer}, the higher-rated member on {rating})",
            share=_share(one, "accuracy"),
            name=name,
            longer=_share(one, LONGER),
            rating=_share(one, RATING),
        )
        for name, one in (figures.items() if isinstance(figures, Mapping) else ())
        if isinstance(one, Mapping)
    ]
    reached = (
        tr(" Where it had not learnt from a file, it was right on {found}.", found="; ".join(found))
        if found
        else ""
    )
    return tr(
        "Strangers' votes taught the start ranker; no vote of yours has judged it yet.{reached}",
        reached=reached,
    )


def _say_old(version: VersionView) -> str:
    """What is known of a version that was made before versions were held against both baselines."""
    held_out, longer = version.metrics.get("held_out"), version.metrics.get(LONGER)
    known = ""
    if isinstance(held_out, Mapping) and isinstance(longer, int | float):
        known = tr(
            ": right on {share} of {n} held-out preferences, the longer answer on {longer:.0f} %",
            share=_share(held_out, "accuracy"),
            n=held_out.get("n", "?"),
            longer=100 * longer,
        )
    return tr(
        "{version} was made before versions were held against the baselines{known}. The next "
        "training says more.",
        version=_capitalise(version.name),
        known=known,
    )


def _share(figures: Mapping[str, object], name: str) -> str:
    value = figures.get(name)
    return f"{say_number(100 * value, '.0f')} %" if isinstance(value, int | float) else tr("an unknown share")


def _capitalise(words: str) -> str:
    return words[:1].upper() + words[1:]

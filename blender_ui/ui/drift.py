"""Draws what is otherwise than before: of members, of people's votes and of the ranker. No Gradio."""

from __future__ import annotations

from collections.abc import Iterable

from blender_ui.language import say_number, tr
from blender_ui.services.monitoring.drift import BLOCK, Drift, What
from blender_ui.statistics.drift import FALSE_ALARMS
from blender_ui.ui import markup

OF_MEMBERS = (What.WINS, What.FAILURES, What.SECONDS)
OF_PEOPLE = (What.AGREEMENT, What.RANKER)
OF_RANKER = (What.RANKER,)


def draw_drifts(drifts: Iterable[Drift], kinds: Iterable[What]) -> str:
    """A notice where something of these kinds has changed beyond chance, else nothing."""
    wanted = tuple(kinds)
    said = [_say(one) for one in drifts if one.what in wanted]
    if not said:
        return ""
    rate = tr(
        "Of {looks:.0f} looks where nothing changes, one at most is a false alarm. A look is {n} votes or "
        "answers.",
        looks=1 / FALSE_ALARMS,
        n=BLOCK,
    )
    return markup.notice(" ".join([*said, rate]), tone="warning")


def _say(drift: Drift) -> str:
    change, since = drift.change, f"{drift.since:%Y-%m-%d %H:%M}"
    share = {"before": _percent(change.before), "recent": _percent(change.recent), "since": since}
    match drift.what:
        case What.WINS:
            return tr(
                "{member} wins {recent} of its votes since {since} (UTC), {before} before that. Its answers "
                "or those beside it have changed.",
                member=drift.member,
                **share,
            )
        case What.FAILURES:
            return tr(
                "{member} fails {recent} of its questions since {since} (UTC), {before} before that.",
                member=drift.member,
                **share,
            )
        case What.SECONDS:
            return tr(
                "{member} takes {recent} s for an answer since {since} (UTC), {before} s before that.",
                member=drift.member,
                before=say_number(change.before, ".1f"),
                recent=say_number(change.recent, ".1f"),
                since=since,
            )
        case What.AGREEMENT:
            return tr(
                "People agree on {recent} of the pairs that two of them judged since {since} (UTC), {before} "
                "before that.",
                **share,
            )
        case What.RANKER:
            return tr(
                "The ranker had expected {recent} of the votes since {since} (UTC), {before} before that. A "
                "training on the new votes may help.",
                **share,
            )


def _percent(share: float) -> str:
    return f"{say_number(100 * share, '.0f')} %"

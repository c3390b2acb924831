"""What the label page says when no pair is left: why, and what the person can do next.

Invariant: a sentence says only what was counted, and a way leads only to a page that is open to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from blender_ui.language import say_number, tr, trn
from blender_ui.services.labeling.leftover import Leftover
from blender_ui.services.people.access import Access
from blender_ui.ui.identity import is_researcher, may_open
from blender_ui.ui.labeling.forms import Empty, Way
from db.enums import DEFAULT_PROJECT_ID

IMPORT = Way(
    title="Import", address="./data", rest=" prompts with answers, and every two answers become a pair."
)
ASK = Way(
    title="Ask on Blend", address="./", rest="; every answer that comes back is paired with the others."
)
ADD = Way(
    title="Add prompts on Projects", address="./projects", rest=", and have the members answer them."
)  # fmt: skip
WAIT = "A researcher brings more in; look again later."


def draw_nothing(
    left: Leftover, *, access: Access, project_id: int, project: str, others: Mapping[int, str]
) -> Empty:
    """Why there is no pair, and the ways on.

    Args:
        left: The counts.
        access: Says which pages the person may open.
        project_id: Of what is labelled.
        project: Its name.
        others: Other projects that have pairs for them; name by id.
    """
    ways: tuple[Way, ...] = (IMPORT, ASK) if project_id == DEFAULT_PROJECT_ID else (ADD,)
    if access.visitors is not None and not is_researcher(access):
        ways = ()  # what visitors ask is for researchers, so it brings them no pair
    is_refused = bool(left.refusal)
    mine = () if is_refused else tuple(way for way in ways if may_open(access, way.address))
    onward = () if is_refused else tuple(_lead_to(one, name) for one, name in others.items())
    sentences = [tr(left.refusal) or say_why(left, project)]
    if not is_refused and left.n_lent == 0 and not onward and not any(way in mine for way in (IMPORT, ADD)):
        sentences.append(tr(WAIT))
    return Empty(text=" ".join(sentences), ways=(*onward, *map(_say_way, mine)))


def _say_way(way: Way) -> Way:
    return Way(title=tr(way.title), address=way.address, rest=tr(way.rest))


def _lead_to(project_id: int, name: str) -> Way:
    return Way(title=name, address=f"./label?project={project_id}", rest=tr(" has pairs for you."))


def say_why(left: Leftover, project: str) -> str:
    """Why there is no pair, in one or two sentences."""
    if left.n_prompts == 0:
        return tr("{project} has no prompts yet.", project=project)
    if left.n_pairs == 0:
        prompts = trn("{n:,} prompt", "{n:,} prompts", left.n_prompts)
        return tr(
            "{project} has {prompts} and no pairs yet: a pair needs two different answers to one prompt.",
            project=project,
            prompts=prompts,
        )
    if left.n_mine == left.n_pairs:
        return tr(
            "You have answered all {count} of {project}. Thank you.",
            count=_count_pairs(left),
            project=project,
        )
    done = tr(
        "You have answered {n_mine:,} of {count} of {project}. Of the rest",
        n_mine=left.n_mine,
        count=_count_pairs(left),
        project=project,
    )
    if left.n_mine == 0:
        done = tr(
            "{project} has {count}, and none is free for you now. Of these",
            project=project,
            count=_count_pairs(left),
        )
    rest = [
        f"{say_number(n)} {words}"
        for n, words in (
            (left.n_lent, tr("are lent to others at the moment")),
            (left.n_by_others, tr("were answered by others")),
            (left.n_skipped, tr("you skipped")),
            (left.n_seen, tr("are of prompts whose models you have seen")),
        )
        if n
    ]
    return f"{done}, {_list(rest)}.{_say_back(left)}"


def _say_back(left: Leftover) -> str:
    if left.back_seconds is None:
        return ""
    minutes = max(math.ceil(left.back_seconds / 60), 1)
    within = trn("a minute", "{n} minutes", minutes)
    return tr(" What is not answered comes back; look again within {within}.", within=within)


def _count_pairs(left: Leftover) -> str:
    return trn("{n:,} pair", "{n:,} pairs", left.n_pairs)


def _list(parts: list[str]) -> str:
    return (
        parts[0] if len(parts) == 1 else tr("{parts} and {last}", parts=", ".join(parts[:-1]), last=parts[-1])
    )

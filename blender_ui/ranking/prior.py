"""The prior of a candidate: its member, and the member for this kind of task.

A member has a strength, and for each kind of task a deviation from it; both are shrunk towards 0,
the deviations more, so a member seen twice in one kind is mostly judged by its strength overall.
Invariant: unknown members have strength 0, the mean. Non-goal: reading answers; fitting is the head's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from blender_ui.values import FloatArray, RankingPrompt

TASK_KINDS = ("code", "mathematics", "transform", "write", "ask")

_CODE = re.compile(
    r"```|\b(?:code|python|javascript|java|c\+\+|sql|html|css|regex|function|script|program|algorithm|api)\b",
    re.IGNORECASE,
)
_MATHEMATICS = re.compile(
    r"\b(?:calculate|solve|equation|sum of|how many|average|probability|percent\w*|area|integer)\b"
    r"|\d\s*[-+*/=^]\s*\d",
    re.IGNORECASE,
)
_TRANSFORM = re.compile(
    r"^\W*(?:rewrite|summari[sz]e|translate|classify|extract|paraphrase|correct|edit|identify|categori[sz]e"
    r"|convert|rephrase|find|fill|replace|sort|given|analy[sz]e|match|tell me if|determine)\b",
    re.IGNORECASE,
)
_WRITE = re.compile(
    r"\b(?:write|compose|create|generate|draft|design|come up with|brainstorm|suggest|invent|imagine"
    r"|pretend|act as|make up|construct)\b",
    re.IGNORECASE,
)


def task_kind(prompt: RankingPrompt) -> str:
    """Say which of TASK_KINDS a prompt is, by the first rule that fits.

    Words of programming make it "code"; words of reckoning, or digits around an operator,
    "mathematics"; an input, or a first verb that works on given text, "transform"; a verb of making,
    "write"; anything else is "ask".
    """
    asked = prompt.instruction
    if _CODE.search(asked):
        return "code"
    if _MATHEMATICS.search(asked):
        return "mathematics"
    if prompt.input or _TRANSFORM.search(asked):
        return "transform"
    return "write" if _WRITE.search(asked) else "ask"


def known_members(members: Sequence[str]) -> tuple[str, ...]:
    """The distinct names in order; the empty one, which means unknown, is left out."""
    return tuple(sorted({member for member in members if member}))


def member_columns(
    members: Sequence[str], kinds: Sequence[str], *, known: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Indicate who wrote each candidate, and who wrote it for which kind of task.

    Args:
        members: n names.
        kinds: n of TASK_KINDS.
        known: The members that have columns; others, and "", get a row of zeros.

    Returns:
        Strength columns (n, n_known) and deviation columns (n, n_known * len(TASK_KINDS)).
    """
    place = {name: index for index, name in enumerate(known)}
    strengths = np.zeros((len(members), len(known)))
    deviations = np.zeros((len(members), len(known), len(TASK_KINDS)))
    for row, (member, kind) in enumerate(zip(members, kinds, strict=True)):
        if member in place:
            strengths[row, place[member]] = 1
            deviations[row, place[member], TASK_KINDS.index(kind)] = 1
    return strengths, deviations.reshape(len(members), -1)

"""What a person would say for the field's own names, the same on every page.

Invariant: a name that is not here is shown as it is. Non-goals: sentences, and the names of columns.
"""

from __future__ import annotations

from collections.abc import Mapping

from blender_ui.language import mark, tr

GROUP: Mapping[str, str] = {
    "likelihood": "how likely the text is",
    "surface": "length and form",
    "hidden": "how it reads",
    "consensus": "alike to the other answers",
    "inherited": "what the version before knew",
    "member": "who wrote it",
    "member_by_kind": "who wrote it, on this kind of task",
    "evidence": "what it says and does",
    "support": "how many conclude the same",
    "execution": "what its code does",
    "topic": "whether it is about the prompt",
}
"""Of ``ranking.fast.GROUPS``: what of an answer the fast ranker weighs."""

SCORE: Mapping[str, str] = {
    "max_logits": "a score is the mean margin over the other answers",
    "max_wins": "a score is the share of the other answers that it beats",
}
"""Of ``ranking.aggregation.Policy``: how scores come of pairs."""

ORDER: Mapping[str, str] = {
    "balanced_random": "at random, each equally often",
    "most_informative": "first those of which the ranker is least sure",
}
"""Of ``pairing.policy.POLICIES``: which pairs come first."""


NAMES = (
    mark("admin"), mark("annotator"), mark("researcher"),
    mark("left"), mark("right"), mark("tie"), mark("both bad"),
    mark("order"), mark("best"), mark("best and worst"), mark("pair"),
    mark("waiting"), mark("running"), mark("complete"), mark("failed"), mark("cancelled"),
    mark("ranker"), mark("fuser"), mark("chooser"), mark("members"), mark("everybody"),
    mark("fast"), mark("joint"), mark("pointwise"), mark("generation"),
    mark("ready"), mark("starting"), mark("idle"), mark("unavailable"), mark("disabled"),
)  # fmt: skip
"""Names of columns' values that people read: roles, outcomes, what is asked, kinds, states. What the API and
files say stays English."""


def say(words: Mapping[str, str], name: str) -> str:
    """A name in a person's words; an unknown one as it is."""
    return tr(words.get(name, name.replace("_", " ")))

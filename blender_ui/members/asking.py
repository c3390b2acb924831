"""Which members to ask, and the question they get.

Invariant: every way to ask a member builds the same question from the same prompt. Non-goal: streaming the
answer (``protocol``), and keeping it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from blender_ui.members.configuration import MemberConfig
from blender_ui.members.protocol import Member, MemberHealth, Message
from blender_ui.values import RankingPrompt


class Ensemble(Protocol):
    """The members that may be asked, as the registry gives them."""

    @property
    def configs(self) -> Sequence[MemberConfig]:
        """The enabled members, in the order of members.toml."""

    def get(self, name: str) -> Member:
        """The member of this name; raises ``NotFound``."""

    def health(self) -> Sequence[MemberHealth]:
        """One entry per enabled member, in the same order."""


def conversation(prompt: RankingPrompt) -> tuple[Message, ...]:
    """What a member is asked: the history as it was said, and the question of the last turn."""
    before = (one._replace(content=question(one.content, one.input), input="") for one in prompt.history)
    return (*before, Message("user", question(prompt.instruction, prompt.input)))


def question(instruction: str, input: str) -> str:
    """One turn of what a member is asked: the input, where there is one, and then what is to be done with it.

    Small models do best what they are told last, and that must not be an order hidden in the input:
    docs/evaluation.md has the figures.
    """
    return "\n\n".join(part for part in (input, instruction) if part.strip())

"""What a program asked for, and what it is given: values without rows.

Non-goal: how an answer comes about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from blender_ui.choosing.choice import Budget
from blender_ui.services.fusing.rows import FusionView
from blender_ui.values import RankingPrompt


class Blend(StrEnum):
    """How members' answers become one."""

    AUTO = "auto"
    """The best-ranked answer, or the fused one where the ranker does not put it below that."""
    BEST = "best"
    """The best-ranked answer, untouched."""
    FUSED = "fused"
    """The fused answer."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a program asks for.

    Attributes:
        prompt: The conversation.
        blend: How answers become one; None where ``member`` alone is asked.
        n: Answers to show.
        k: Members to ask, at most, where a chooser is active.
        sampling: Fields of every member's ``Sampling`` to change for this answer.
        asked_by_id: Annotator who asks.
        project_id: Whose prompt it becomes; None for the default project's.
    """

    prompt: RankingPrompt
    blend: Blend | None
    member: str | None
    asked_by_id: int
    project_id: int | None = None
    n: int = 1
    k: int = 3
    budget: Budget = field(default_factory=Budget)
    sampling: Mapping[str, Any] = field(default_factory=dict)


class Piece(NamedTuple):
    """More of an answer that is shown.

    Attributes:
        choice: Which one, from 0.
        restarts: Whether this is the whole text anew, because what was given before is no part of it.
    """

    choice: int
    text: str
    thinking: str = ""
    restarts: bool = False


@dataclass(frozen=True, kw_only=True)
class AskedMember:
    """One answer that a member was asked for, and what came of it.

    Attributes:
        sample: Which of the member's answers, from 1.
        answer_id: Its stored answer; None where it failed.
        failure: Why, by kind and in a sentence; empty where it answered.
        cost: Of its tokens, by its price; None without a price, or where its tokens were not counted.
        propensity: With which a chooser had it asked; None where everybody was.
        rank: 1 is best; None where nothing was ranked.
        win_probability: That its answer is better than another one of these, on average over them.
    """

    member: str
    sample: int
    answer_id: int | None
    failure_kind: str = ""
    failure: str = ""
    seconds: float
    first_token_seconds: float | None
    n_prompt_tokens: int | None
    n_tokens: int | None
    cost: float | None
    propensity: float | None
    rank: int | None = None
    score: float | None = None
    win_probability: float | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An answer that is shown.

    Attributes:
        index: Its place among those that were asked for, from 0.
        member: Who wrote it; the fuser's name where it is fused.
    """

    index: int
    answer_id: int
    member: str
    is_fused: bool
    text: str
    finish_reason: str


@dataclass(frozen=True, kw_only=True)
class Served:
    """All that came of a request.

    Attributes:
        asked: The best first, those that failed last.
        ranker_version: Which ranked; None where nothing was ranked.
        chooser_version: Which chose whom to ask; None where everybody was asked.
        fusion: The fused answer, shown or not.
        n_fuser_tokens: Written by the fuser; None where nothing was fused, or it does not count.
        notice: In sentences, what one should know of it; may name members.
    """

    prompt_id: int
    choices: tuple[Choice, ...]
    asked: tuple[AskedMember, ...]
    ranker_version: int | None = None
    chooser_version: int | None = None
    fusion: FusionView | None = None
    n_fuser_tokens: int | None = None
    notice: str = ""

    @property
    def n_prompt_tokens(self) -> int:
        """Read by all members, as far as they were counted."""
        return sum(one.n_prompt_tokens or 0 for one in self.asked)

    @property
    def n_tokens(self) -> int:
        """Written by all members and the fuser, as far as they were counted."""
        return sum(one.n_tokens or 0 for one in self.asked) + (self.n_fuser_tokens or 0)

    @property
    def n_uncounted(self) -> int:
        """Members whose tokens were not counted, in part or at all."""
        return sum(one.n_tokens is None or one.n_prompt_tokens is None for one in self.asked)

    @property
    def cost(self) -> float | None:
        """Of the members with a price; None where none has one."""
        costs = [one.cost for one in self.asked if one.cost is not None]
        return sum(costs) if costs else None

"""What the Blend page shows, as values.

Invariant: a view of a prompt whose names are not revealed holds no name, and no time or count of tokens,
that identifies a member. Non-goal: how it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from blender_ui.evidence.summary import Claim
from blender_ui.language import tr
from blender_ui.services.fusing.rows import FusionView
from blender_ui.services.ranking.rows import RankingView
from blender_ui.ui.asking.reveal.views import Card
from blender_ui.values import Message

LONGEST_INSTRUCTION = 20_000
LONGEST_INPUT = 100_000
LONGEST_REASON = 2_000
"""Characters; the browser's own limits are no limits for a direct request."""


class Choice(StrEnum):
    """A vote in the page's words: the two columns that are asked about, in reading order."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Progress(StrEnum):
    """How far a column is."""

    EMPTY = "empty"
    WAITING = "waiting"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The lent pair that the vote bar asks about."""

    lease_id: int
    token: str
    """Drawn with the pair; the vote's idempotency key, and what the page's keys go by."""
    first: int
    """Column of one of them, from 0; less than ``second``."""
    second: int
    first_is_left: bool
    """Whether ``first`` is the comparison's left side."""
    drawn_seconds: float
    """When it was drawn, on the page's timer."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What the server remembers of one browser tab; never sent to the browser."""

    annotator_id: int
    prompt_id: int | None = None
    columns: tuple[str, ...] = ()
    """Labels of the answers, see ``members.seats``, in the order in which this prompt shows them."""
    own: tuple[int, ...] = ()
    """Each column's prompt where every member goes on with its own answer, ``prompt_id`` the first; empty
    where all answer one prompt."""
    late: tuple[str, ...] = ()
    """Of the columns, those that were asked for after the others."""
    seed: int = field(default=0, compare=False)
    """Of the draw that may explore in the next choice of members: one a round."""
    is_stranger: bool = False
    """Whether the page was opened by somebody of a demo who is no annotator before their first question."""
    is_asking: bool = False
    is_revealed: bool = False
    pair: Pair | None = None
    undoable: int | None = None
    """The lease that this tab answered or skipped last on this prompt, while that can be taken back."""

    @property
    def prompt_ids(self) -> tuple[int, ...]:
        """What the columns answer."""
        return self.own or (() if self.prompt_id is None else (self.prompt_id,))

    def prompt_of(self, number: int) -> int | None:
        """What one column answers."""
        return self.own[number] if self.own else self.prompt_id


NOBODY = Visit(annotator_id=0)
"""A tab whose page has not been opened, or a request that never came from one."""


class Picks(NamedTuple):
    """What can be chosen beside the vote on two.

    Attributes:
        columns: Those with an answer.
        token: Of the pair that is lent.
    """

    columns: tuple[int, ...]
    token: str


class Turn(NamedTuple):
    """What a step led to."""

    visit: Visit
    notice: str = ""
    """Why nothing was done and what to do; empty where all went well."""


class Opened(NamedTuple):
    """A page that was opened."""

    visit: Visit
    memory: dict[str, object]
    """What the browser is to remember."""


@dataclass(frozen=True, kw_only=True)
class ColumnView:
    """One column."""

    number: int
    """From 0."""
    progress: Progress
    name: str = ""
    """Empty while the names are hidden."""
    text: str = ""
    waiting: str = ""
    """What is waited for before the member is asked."""
    thinking: str = ""
    """What the member thought before it answered; empty while the names are hidden, as its presence tells
    a model that thinks aloud from the others."""
    reason: str = ""
    """Why it failed and what to do."""
    seconds: float | None = None
    """This and the three below stay empty while the names are hidden."""
    first_token_seconds: float | None = None
    n_tokens: int | None = None
    cut: str = ""
    """A sentence where the answer is not whole, or may not be."""
    is_asked_about: bool = False
    is_chosen: bool = False
    """Whether this person voted it best; only once names are shown."""

    @property
    def title(self) -> str:
        """The name, or the number that stands for it."""
        return self.name or tr("Answer {number}", number=self.number + 1)


class Conversation(NamedTuple):
    """What was said before the question."""

    title: str
    history: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True)
class WaysOn:
    """The answers that the next question may follow: titles with what each is called in a request."""

    choices: tuple[tuple[str, str], ...] = ()
    chosen: str | None = None


@dataclass(frozen=True, kw_only=True)
class LateView:
    """Who can be asked also."""

    names: tuple[str, ...] = ()
    """Empty while the names are hidden."""
    can_ask: bool = False
    notice: str = ""
    """Why nobody can be asked now."""


@dataclass(frozen=True, kw_only=True)
class PageView:
    """The whole page but the ranking and the fused answer."""

    columns: tuple[ColumnView, ...]
    instruction: str = ""
    input: str = ""
    is_asking: bool = False
    is_revealed: bool = False
    can_reveal: bool = False
    can_undo: bool = False
    pair: Pair | None = None
    picks: Picks | None = None
    """None where the vote on two is all there is."""
    notice: str = ""
    conversations: tuple[Conversation, ...] = ()
    """One, or one a column where each goes on with its own answer."""
    are_compared: bool = True
    """Whether the answers follow one history, so that one can be better than another."""
    ways: WaysOn = WaysOn()
    late: LateView = LateView()
    told: str = ""
    """What the answers are, where they are no round of somebody's."""
    card: Card | None = None
    """None before the names are shown."""


@dataclass(frozen=True, kw_only=True)
class ResultView:
    """The ranking and the fused answer, as far as they are."""

    card: Card | None = None
    """With how ratings moved; None where they have not been worked out."""
    members: tuple[str, ...] = ()
    """Who wrote the answers, in the order that claims count them."""
    claims: tuple[Claim, ...] = ()
    """Where the answers agree and where not."""
    ranking: RankingView | None = None
    ranking_notice: str = ""
    ways: tuple[tuple[str, str], ...] = ()
    """Title and address of the open pages where what a ranking waits for can be done."""
    fused_text: str = ""
    fusion: FusionView | None = None
    fusion_notice: str = ""
    is_done: bool = False

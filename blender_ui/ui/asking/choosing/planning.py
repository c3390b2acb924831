"""Which members the next question goes to, and the line that says which and why. No Gradio.

Invariant: the plan that is shown is the plan that is asked, and its line says nothing by which a column could
be told from another: times and costs are of all together. Non-goal: asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from blender_ui.bootstrap import Services
from blender_ui.errors import MalformedInput
from blender_ui.language import tr
from blender_ui.services.choosing.proposal import ExpectedMember, Proposal

N_BEST = 3
"""Members that are asked where a chooser chooses, or all but one where there are fewer."""
NOT_WRITTEN = "Write your question; this line then says who would be asked, and why."
NONE_TICKED = "Tick at least one model."
NO_CHOOSER = "All are asked: no chooser has learnt from votes yet which of them are best for a question."


class MemberChoice(StrEnum):
    """How members are chosen."""

    BEST = "best"
    ALL = "all"
    HAND = "hand"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Who would be asked a question."""

    way: MemberChoice
    texts: tuple[str, str]
    """Instruction and input that it was made for."""
    names: tuple[str, ...]
    """Empty where nobody can be asked yet; the line then says what is missing."""
    line: str
    proposal: Proposal | None = None
    """The chooser's; None where none chose."""
    is_everybody: bool = False


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The ways to choose members, the models to tick, and the first line about them."""

    choices: tuple[tuple[str, str], ...]
    value: str
    names: tuple[str, ...]
    line: str


class Planning:
    """Plans which members to ask.

    Args:
        services: The app's services.
    """

    def __init__(self, services: Services) -> None:
        self._members = services.members
        self._blending = services.blending
        self._proposals = services.proposals
        self._choices = services.choices

    @property
    def names(self) -> tuple[str, ...]:
        """The members that can be asked now."""
        return tuple(config.name for config in self._members.configs)

    def offer(self, prompt_id: int | None = None) -> Offer:
        """What the page offers; the best are the default as soon as a chooser is active.

        Args:
            prompt_id: That is shown, whose choice is told once more.
        """
        n = len(self.names)
        best = (tr("The best {best} for this", best=_count_best(n)), MemberChoice.BEST.value)
        others = ((tr("All {n}", n=n), MemberChoice.ALL.value), (tr("By hand"), MemberChoice.HAND.value))
        is_active = self._proposals.is_active()
        line = NOT_WRITTEN if is_active else NO_CHOOSER
        kept = None if prompt_id is None else self._choices.find(prompt_id)
        if kept is not None:
            by_hand = tr("{count} asked, chosen by hand.", count=_count(len(kept.names)))
            line = by_hand if kept.proposal is None else say_proposal(kept.proposal)
        value = MemberChoice.BEST if is_active else MemberChoice.ALL
        return Offer(choices=(best, *others), value=value.value, names=self.names, line=line)

    def plan(
        self,
        way: object,
        ticked: Sequence[object],
        texts: tuple[str, str],
        *,
        seed: int,
        before: Plan | None = None,
    ) -> Plan:
        """Who would be asked.

        Args:
            way: One of ``MemberChoice``.
            ticked: Names, by hand.
            texts: Instruction and input.
            seed: Of this round's draw.
            before: What is shown; it stays where it is of this question.

        Raises:
            MalformedInput: If ``way`` is something else.
            ChooserError: If the active chooser cannot be read.
        """
        if not isinstance(way, str) or way not in list(MemberChoice):
            raise MalformedInput(
                tr("expected best, all or hand for the models to ask; came {way!r}", way=way)
            )
        names = self.names
        match MemberChoice(way):
            case MemberChoice.ALL:
                return self._everybody(MemberChoice.ALL, texts)
            case MemberChoice.HAND:
                chosen = tuple(name for name in names if name in ticked)
                line = (
                    tr(
                        "{count} asked{answers}, of {n_names}.",
                        count=_count(len(chosen)),
                        answers=self._say_answers(chosen),
                        n_names=len(names),
                    )
                    if chosen
                    else NONE_TICKED
                )
                return Plan(way=MemberChoice.HAND, texts=texts, names=chosen, line=line)
            case MemberChoice.BEST:
                is_shown = before is not None and (before.way, before.texts) == (MemberChoice.BEST, texts)
                if before is not None and is_shown and before.names and set(before.names) <= set(names):
                    return before
                return self._best(texts, seed)
            case _ as never:
                assert_never(never)

    def _everybody(self, way: MemberChoice, texts: tuple[str, str], line: str = "") -> Plan:
        names = self.names
        said = line or tr(
            "{count} asked{answers}.", count=_count(len(names)), answers=self._say_answers(names)
        )
        return Plan(way=way, texts=texts, names=names, line=said, is_everybody=True)

    def _say_answers(self, names: Sequence[str]) -> str:
        """How many answers come where that are more than members."""
        n = len(self._blending.seats(names))
        return tr(" for {n} answers", n=n) if n > len(names) else ""

    def _best(self, texts: tuple[str, str], seed: int) -> Plan:
        if not any(text.strip() for text in texts):
            if not self._proposals.is_active():
                return Plan(way=MemberChoice.BEST, texts=texts, names=(), line=NO_CHOOSER)
            return Plan(way=MemberChoice.BEST, texts=texts, names=(), line=NOT_WRITTEN)
        instruction, input = texts
        k = _count_best(len(self.names))
        proposal = self._proposals.propose(instruction=instruction, input=input, k=k, seed=seed)
        if proposal is None:
            return self._everybody(MemberChoice.BEST, texts, NO_CHOOSER)
        return Plan(
            way=MemberChoice.BEST,
            texts=texts,
            names=proposal.names,
            line=say_proposal(proposal),
            proposal=proposal,
        )


def say_proposal(proposal: Proposal) -> str:
    """Who, why, and at what price, in a line."""
    members = [*proposal.asked]
    drawn = tr(", and {drawn}", drawn=_say_drawn(members.pop())) if proposal.is_explored else ""
    asked = ", ".join(_say_member(member) for member in members)
    who = f"{asked}{drawn}" if asked else drawn.removeprefix(", and ")
    return tr(
        "Kind of task: {kind}. Asks {who}. Expected of the best answer: {proposal:.2f}, with all "
        "asked {all_value:.2f}.{price}",
        kind=proposal.kind,
        who=who,
        proposal=proposal.value,
        all_value=proposal.all_value,
        price=_say_price(proposal),
    )


def _say_member(member: ExpectedMember) -> str:
    return tr(
        "{member} {quality:.2f} ({low:.2f} to {high:.2f})",
        member=member.name,
        quality=member.quality,
        low=member.low,
        high=member.high,
    )


def _say_drawn(member: ExpectedMember) -> str:
    return tr(
        "{member}, drawn at random (probability {propensity:.2f}) to learn more of it",
        member=_say_member(member),
        propensity=member.propensity,
    )


def _say_price(proposal: Proposal) -> str:
    """Cost of all together and the slowest one's seconds; a member's own would tell its column."""
    costs = [member.cost for member in proposal.asked if member.cost is not None]
    seconds = [member.seconds for member in proposal.asked if member.seconds is not None]
    parts = []
    if costs:
        known = "" if len(costs) == len(proposal.asked) else tr(" where it is known")
        parts.append(tr("cost about {costs:.4f}{known}", costs=sum(costs), known=known))
    if seconds:
        parts.append(
            tr("about {seconds:.0f} s", seconds=max(seconds)) if max(seconds) >= 1 else tr("less than 1 s")
        )
    return tr(" Together {parts}.", parts=", ".join(parts)) if parts else ""


def _count(n: int) -> str:
    return tr("One model is") if n == 1 else tr("{n} models are", n=n)


def _count_best(n_members: int) -> int:
    return max(1, min(N_BEST, n_members - 1))

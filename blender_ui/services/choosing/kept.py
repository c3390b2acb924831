"""Records which members a prompt was sent to, and why.

Invariant: expected qualities are kept as they were when the members were chosen, whatever is learnt later. A
prompt that was sent to every member has no record. Non-goal: choosing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.services.choosing.proposal import ExpectedMember, Proposal
from db.engine import transaction
from db.models import Choice

LONGEST_KIND = 256


@dataclass(frozen=True, kw_only=True)
class KeptChoice:
    """The members that a prompt was sent to."""

    names: tuple[str, ...]
    """Of the chosen members, in the order of choice."""
    proposal: Proposal | None
    """What a chooser expected; None where a person chose."""


class KeptChoices:
    """Keeps and finds choices. Safe to share between threads.

    Args:
        engine: The store.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, *, prompt_id: int, names: Sequence[str], proposal: Proposal | None = None) -> None:
        """Keep whom a prompt is asked; once for each prompt.

        Args:
            prompt_id: What is asked.
            names: Who is asked.
            proposal: By which; None where a person chose.
        """
        with transaction(self._engine, immediate=True) as session:
            add_choice(session, prompt_id=prompt_id, names=names, proposal=proposal)

    def find(self, prompt_id: int) -> KeptChoice | None:
        """Whom a prompt was asked; None where everybody was."""
        with transaction(self._engine) as session:
            row = session.get(Choice, prompt_id)
            return None if row is None else _view(row)


def add_choice(
    session: Session, *, prompt_id: int, names: Sequence[str], proposal: Proposal | None = None
) -> None:
    """Keep which members a prompt is sent to, inside the caller's transaction; see ``KeptChoices.keep``."""
    session.add(_by_hand(prompt_id, names) if proposal is None else _proposed(prompt_id, proposal))


def _by_hand(prompt_id: int, names: Sequence[str]) -> Choice:
    return Choice(prompt_id=prompt_id, members=[{"name": name, "is_asked": True} for name in names])


def _proposed(prompt_id: int, proposal: Proposal) -> Choice:
    sides = ((proposal.asked, True), (proposal.left_out, False))
    members: list[dict[str, Any]] = [
        {**asdict(one), "is_asked": is_asked} for members, is_asked in sides for one in members
    ]
    return Choice(
        prompt_id=prompt_id,
        version_id=proposal.version_id,
        kind=proposal.kind[:LONGEST_KIND],
        is_explored=proposal.is_explored,
        value=proposal.value,
        all_value=proposal.all_value,
        members=members,
    )


def _view(row: Choice) -> KeptChoice:
    names = tuple(str(one["name"]) for one in row.members if one["is_asked"])
    if row.version_id is None or row.value is None or row.all_value is None:
        return KeptChoice(names=names, proposal=None)
    expected = {
        is_asked: tuple(
            ExpectedMember(**{key: value for key, value in one.items() if key != "is_asked"})
            for one in row.members
            if one["is_asked"] is is_asked
        )
        for is_asked in (True, False)
    }
    proposal = Proposal(
        version_id=row.version_id,
        kind=row.kind,
        asked=expected[True],
        left_out=expected[False],
        is_explored=row.is_explored,
        value=row.value,
        all_value=row.all_value,
    )
    return KeptChoice(names=names, proposal=proposal)

"""A person's earlier rounds, and links by which they show one to others.

Invariant: a list holds only what the person asked. Only the asker makes a link, after the names were shown.
Its token follows from the installation's secret, so it cannot be guessed, and from when the question was
asked, since a store may reuse the number of a deleted question. A link that was taken back never opens
again; a later one has another token. Non-goal: what a page shows of a round.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine

from blender_ui.errors import NotFound, Refused
from blender_ui.services.candidates import key_of
from blender_ui.services.people.auditing import Change, record_change
from db.engine import transaction
from db.models import Prompt, SeenPrompt, SharedRound, utc_now
from db.queries import prompts

MOST_SHOWN = 30
N_DIGITS = 32
"""Of a link's token, in base 16."""


class PastRound(NamedTuple):
    """A round that somebody asked.

    Attributes:
        is_seen: Whether they have seen who wrote its answers.
        is_shared: Whether a link to it opens.
    """

    prompt_id: int
    instruction: str
    asked_at: datetime
    is_seen: bool
    is_shared: bool


class PastRounds:
    """The rounds that people asked.

    Args:
        engine: The store.
        secret: The installation's.
        clock: Gives the present time, with its zone.
    """

    def __init__(self, engine: Engine, *, secret: int, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock
        self._key = f"shared round {secret}".encode()

    def list_of(self, annotator_id: int, *, text: str = "") -> tuple[PastRound, ...]:
        """What somebody asked, the latest first, ``MOST_SHOWN`` at most.

        Args:
            annotator_id: Who asked.
            text: Only rounds whose question or text has these words in it.
        """
        with transaction(self._engine) as session:
            rows = prompts.list_asked(session, annotator_id=annotator_id, text=text.strip(), limit=MOST_SHOWN)
            return tuple(
                PastRound(
                    key_of(row.id),
                    row.instruction,
                    row.created_at,
                    session.get(SeenPrompt, (annotator_id, key_of(row.id))) is not None,
                    is_shared=_is_open(session.get(SharedRound, key_of(row.id))),
                )
                for row in rows
            )

    def share(self, prompt_id: int, *, by: int) -> str:
        """The token of a link that shows a round to whoever has it, until it is taken back.

        Raises:
            NotFound: If it is not this person's round.
            Refused: If they have not seen who wrote the answers: the link would tell them.
        """
        with transaction(self._engine, immediate=True) as session:
            prompt = session.get(Prompt, prompt_id)
            if prompt is None or prompt.asked_by_id != by:
                raise NotFound("this round is not one of yours, so it cannot be shared from here")
            if session.get(SeenPrompt, (by, prompt_id)) is None:
                raise Refused("vote first, or show the names: whoever opens the link sees them")
            shared = session.get(SharedRound, prompt_id) or SharedRound(prompt_id=prompt_id)
            if not _is_open(shared):
                shared.shared_at, shared.revoked_at = self._clock(), None
            session.add(shared)
            return self._token(prompt, shared)

    def take_back(self, prompt_id: int, *, by: int | None, of_anybody: bool = False) -> None:
        """Let no link to a round open any more, whenever it was made.

        Args:
            prompt_id: The round.
            by: Who takes it back; None for a program that brings no key.
            of_anybody: Whether they may where somebody else shared it, as researchers may.

        Raises:
            NotFound: If it is not this person's round.
        """
        with transaction(self._engine, immediate=True) as session:
            prompt = session.get(Prompt, prompt_id)
            is_own = prompt is not None and by is not None and prompt.asked_by_id == by
            if prompt is None or not (of_anybody or is_own):
                raise NotFound("this round is not one of yours, so its link cannot be taken back from here")
            shared = session.get(SharedRound, prompt_id) or SharedRound(prompt_id=prompt_id)
            if shared.revoked_at is None:
                shared.n_revoked, shared.revoked_at = shared.n_revoked + 1, self._clock()
                record_change(
                    session, Change(by=by, action="round.unshare", object_id=prompt_id), now=self._clock()
                )
            session.add(shared)

    def list_shared(self) -> tuple[prompts.Shared, ...]:
        """The rounds to which a link opens, the latest first."""
        with transaction(self._engine) as session:
            return tuple(prompts.list_shared(session))

    def find_asker(self, prompt_id: int, token: str) -> int:
        """Who asked a round, for who has its link.

        Raises:
            NotFound: If the link is not one that was made for it.
        """
        with transaction(self._engine) as session:
            prompt = session.get(Prompt, prompt_id)
            asker = None if prompt is None else prompt.asked_by_id
            shared = session.get(SharedRound, prompt_id)
            is_revoked = shared is not None and shared.revoked_at is not None
            wanted = "" if prompt is None or is_revoked else self._token(prompt, shared)
        if asker is None or not wanted or not hmac.compare_digest(wanted.encode(), token.encode()):
            raise NotFound("there is no such shared round; ask whoever sent the link for a new one")
        return asker

    def _token(self, prompt: Prompt, shared: SharedRound | None) -> str:
        of = f"{prompt.id} {prompt.asked_by_id} {prompt.created_at.timestamp():.6f}"
        if shared is not None and shared.n_revoked:
            of += f" {shared.n_revoked}"
        return hmac.new(self._key, of.encode(), hashlib.sha256).hexdigest()[:N_DIGITS]


def _is_open(shared: SharedRound | None) -> bool:
    return shared is not None and shared.revoked_at is None

"""A person's earlier rounds, and links by which they show one to others.

Invariant: a list holds what the person asked and nothing else; a link is made by its asker alone, after the
names were shown, and its token follows from the installation's secret, so that nobody guesses one. A token
is of one question at its time: a store may give the number of a deleted one to somebody else's. Non-goal:
what a page shows of a round.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine

from blender_ui.errors import NotFound, Refused
from blender_ui.services.candidates import key_of
from db.engine import transaction
from db.models import Prompt, SeenPrompt
from db.queries import prompts

MOST_SHOWN = 30
N_DIGITS = 32
"""Of a link's token, in base 16."""


class PastRound(NamedTuple):
    """A round that somebody asked.

    Attributes:
        is_seen: Whether they have seen who wrote its answers.
    """

    prompt_id: int
    instruction: str
    asked_at: datetime
    is_seen: bool


class PastRounds:
    """The rounds that people asked.

    Args:
        engine: The store.
        secret: The installation's.
    """

    def __init__(self, engine: Engine, *, secret: int) -> None:
        self._engine = engine
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
                )
                for row in rows
            )

    def share(self, prompt_id: int, *, by: int) -> str:
        """The token of a link that shows a round to whoever has it; there is no taking it back.

        Raises:
            NotFound: If it is not this person's round.
            Refused: If they have not seen who wrote the answers: the link would tell them.
        """
        with transaction(self._engine) as session:
            prompt = session.get(Prompt, prompt_id)
            if prompt is None or prompt.asked_by_id != by:
                raise NotFound("this round is not one of yours, so it cannot be shared from here")
            if session.get(SeenPrompt, (by, prompt_id)) is None:
                raise Refused("vote first, or show the names: whoever opens the link sees them")
            return self._token(prompt)

    def find_asker(self, prompt_id: int, token: str) -> int:
        """Who asked a round, for who has its link.

        Raises:
            NotFound: If the link is not one that was made for it.
        """
        with transaction(self._engine) as session:
            prompt = session.get(Prompt, prompt_id)
            asker = None if prompt is None else prompt.asked_by_id
            wanted = "" if prompt is None else self._token(prompt)
        if asker is None or not hmac.compare_digest(wanted.encode(), token.encode()):
            raise NotFound("there is no such shared round; ask whoever sent the link for a new one")
        return asker

    def _token(self, prompt: Prompt) -> str:
        of = f"{prompt.id} {prompt.asked_by_id} {prompt.created_at.timestamp():.6f}"
        return hmac.new(self._key, of.encode(), hashlib.sha256).hexdigest()[:N_DIGITS]

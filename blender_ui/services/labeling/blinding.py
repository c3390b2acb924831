"""What members are called outside of the app while their project tells no names.

Invariant: a member of one project is called the same in every export and by the API, and nobody without the
installation's secret can tell which it is. Non-goal: when names are told, which ``telling`` says.
"""

from __future__ import annotations

import hashlib
import hmac

from sqlmodel import Session

from blender_ui.services.labeling.telling import list_untold

N_DIGITS = 10


class Blinding:
    """Names members for one export or one answer of the API.

    Args:
        session: In the transaction that reads the rows.
        secret: The installation's.
    """

    def __init__(self, session: Session, *, secret: int) -> None:
        self._untold = list_untold(session)
        self._key = str(secret).encode()

    def name(self, member: str, *, project_id: int) -> str:
        """The member's name, or what stands for it."""
        if project_id not in self._untold:
            return member
        digest = hmac.new(self._key, f"{project_id}:{member}".encode(), hashlib.sha256).hexdigest()
        return f"model-{digest[:N_DIGITS]}"

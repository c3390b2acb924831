"""What a page's script gets where its request failed; ``assets/identity.js`` tells the kinds apart.

Invariant: ``try_again`` is said only where the very same request may succeed later, because the script then
repeats it until it does; anything else is final. Non-goal: the sentences.
"""

from __future__ import annotations

from typing import Any

from blender_ui.errors import NotSignedIn, StorageError
from blender_ui.faults import tell
from blender_ui.language import tr


def reply_to(error: Exception) -> dict[str, Any]:
    """The sentence that says why there is no result, and whether to try again or to sign in."""
    told = tell(error)
    reply: dict[str, Any] = {"error": tr(str(told))}
    if isinstance(told, NotSignedIn):
        reply["must_sign_in"] = True
    if isinstance(told, StorageError):
        reply["try_again"] = True
    return reply

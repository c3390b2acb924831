"""What the middlewares share: where Gradio's routes lie, a sender's role, a refusal.

Non-goal: which role is needed, and what is served.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Scope

from blender_ui.errors import NotPermitted, NotSignedIn
from blender_ui.faults import tell
from blender_ui.language import tr
from blender_ui.services.people.access import Access
from blender_ui.ui.identity import KEY_HEADER, admit, read_key
from db.enums import Role

HAS_ACCOUNT = "blender_ui.has_account"
"""In a request's scope, whether its sender has an account, or needs none; ``pacing`` finds out."""
API = "/gradio_api"
"""Below it lie Gradio's own routes."""


async def ask_role(access: Access, role: Role, scope: Scope) -> JSONResponse | None:
    """The refusal for a sender who has not the role; None for one who has it."""
    key = read_key(Headers(scope=scope).get(KEY_HEADER))
    try:
        await run_in_threadpool(admit, access, role, key)
    except NotPermitted as error:
        return refuse(401 if isinstance(error, NotSignedIn) else 403, str(error))
    except Exception as error:  # noqa: BLE001 - the app's edge: nothing behind it would make a sentence
        return refuse(503, str(tell(error)))
    return None


def refuse(status: int, sentence: str) -> JSONResponse:
    """An answer with a sentence where Gradio's own client looks for one."""
    return JSONResponse({"error": tr(sentence)}, status_code=status)

"""Puts ``identity.admit`` in front of every handler of the app.

Invariant: no handler runs for somebody whose role is too low, from whichever page, the queue or a
plain request it was called, because what Gradio has is the guarded one. Non-goal: which role is
needed, which ``identity`` says.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from blender_ui.errors import NotPermitted
from blender_ui.services.access import Access
from blender_ui.ui.identity import KEY_HEADER, admit, presented_key, read_key, required_role
from db.models import Role


def guard_handlers(app: gr.Blocks, access: Access) -> None:
    """Guard every handler that has been wired.

    Raises:
        LookupError: If an endpoint's role was never said.
    """
    for event in app.fns.values():
        if event.fn is not None:
            role = required_role(str(event.api_name), mode=access.mode)
            event.fn = _guard(event.fn, access, role)


def _guard(handle: Callable[..., Any], access: Access, role: Role | None) -> Callable[..., Any]:
    def check() -> None:
        request = LocalContext.request.get(None)
        key = read_key(request.headers.get(KEY_HEADER)) if request is not None else None
        presented_key.set(key)
        if role is not None:
            try:
                admit(access, role, key)
            except NotPermitted as error:
                raise gr.Error(str(error), print_exception=False) from error

    if inspect.isgeneratorfunction(handle):

        @functools.wraps(handle)
        def stream(*args: Any, **options: Any) -> Generator[Any, None, None]:
            check()
            yield from handle(*args, **options)

        return stream

    @functools.wraps(handle)
    def answer(*args: Any, **options: Any) -> Any:
        check()
        return handle(*args, **options)

    return answer

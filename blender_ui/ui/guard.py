"""Puts ``identity.admit`` in front of every handler of the app, and ``gate`` in front of the app.

Invariant: no handler runs for somebody whose role is too low, from whichever page, the queue or a
plain request it was called, because what Gradio has is the guarded one; nor are its inputs read,
which copies files and fetches what an address names; however the app is launched, the gate is in
front; no handler sees a text or a number that no database can keep, and what a handler raises
reaches a page as a sentence. Non-goal: which role is needed, which ``identity`` says.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import gradio as gr
from gradio.context import LocalContext
from starlette.middleware import Middleware

from blender_ui.faults import tell
from blender_ui.outside import check_values
from blender_ui.services.people.access import Access
from blender_ui.ui.gate import Gate
from blender_ui.ui.identity import (
    KEY_HEADER,
    admit,
    checks_itself,
    presented_key,
    read_key,
    required_role,
)
from blender_ui.ui.replies import reply_to
from db.models import Role

LOOK_SECONDS = 0.02
"""Between two looks of the queue for events. Gradio's own thousandth takes 7 % of an idle, slow core."""


class GuardedBlocks(gr.Blocks):
    """An app whose inputs are read only of people who may call the handler, behind the gate.

    Args:
        access: Recognises keys.
        options: For ``gr.Blocks``.
    """

    def __init__(self, access: Access, **options: Any) -> None:
        super().__init__(**options)
        self._access = access
        self._queue.sleep_when_free = LOOK_SECONDS

    def launch(self, *args: Any, app_kwargs: dict[str, Any] | None = None, **options: Any) -> Any:
        """Launch with the gate in front of every route."""
        gate = {"middleware": [Middleware(Gate, access=self._access)]}
        return super().launch(*args, app_kwargs={**(app_kwargs or {}), **gate}, **options)

    async def process_api(self, block_fn: Any, inputs: list[Any], *args: Any, **options: Any) -> Any:
        """Refuse before the inputs are read; what a stream goes on with was let in when it began."""
        event = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        if event.fn is not None and options.get("iterator") is None:
            role = required_role(str(event.api_name), mode=self._access.mode)
            if role is not None:
                key = _key_of(options.get("request"))
                await anyio.to_thread.run_sync(_let_in, self._access, role, key)
        return await super().process_api(block_fn, inputs, *args, **options)


def guard_handlers(app: gr.Blocks, access: Access) -> None:
    """Guard every handler that has been wired.

    Raises:
        LookupError: If an endpoint's role was never said.
    """
    for event in app.fns.values():
        if event.fn is not None:
            name = str(event.api_name)
            role = required_role(name, mode=access.mode)
            event.fn = _guard(event.fn, access, role, is_called_by_script=checks_itself(name))


def _guard(
    handle: Callable[..., Any], access: Access, role: Role | None, *, is_called_by_script: bool
) -> Callable[..., Any]:
    def check(args: tuple[Any, ...]) -> None:
        key = _key_of(LocalContext.request.get(None))
        presented_key.set(key)
        if role is not None:
            admit(access, role, key)
        check_values(*args)

    if inspect.isgeneratorfunction(handle):

        @functools.wraps(handle)
        def stream(*args: Any, **options: Any) -> Generator[Any, None, None]:
            with _telling():
                check(args)
                yield from handle(*args, **options)

        return stream

    @functools.wraps(handle)
    def answer(*args: Any, **options: Any) -> Any:
        with _telling():
            check(args)
            return handle(*args, **options)

    @functools.wraps(handle)
    def reply(*args: Any, **options: Any) -> Any:
        try:
            check(args)
            return handle(*args, **options)
        except Exception as error:  # noqa: BLE001 - the app's edge: every failure becomes a sentence
            return reply_to(error)

    return reply if is_called_by_script else answer


def _key_of(request: Any) -> str | None:
    return read_key(request.headers.get(KEY_HEADER)) if request is not None else None


def _let_in(access: Access, role: Role, key: str | None) -> None:
    with _telling():
        admit(access, role, key)


@contextmanager
def _telling() -> Iterator[None]:
    """Give Gradio a sentence, whatever is raised: it would show the text of any error on the page."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(str(tell(error)), print_exception=False) from error

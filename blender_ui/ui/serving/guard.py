"""Puts ``identity.admit`` in front of every handler of the app.

Invariant: no handler runs for somebody whose role is too low, from whichever page, the queue or a
plain request it was called, because what Gradio has is the guarded one; nor are its inputs read,
which copies files and fetches what an address names; the app is only served with the gate in front; no
handler sees a text or a number that no database can keep, and what a handler raises reaches a page as a
sentence. Non-goal: which role is needed, which ``identity`` says.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import gradio as gr
from fastapi import FastAPI
from gradio.context import LocalContext

from blender_ui.api.app import Api
from blender_ui.api.request_log import read_id
from blender_ui.faults import request_id, tell
from blender_ui.language import ENGLISH, choose_language, language, tr
from blender_ui.outside import check_values
from blender_ui.services.people.access import Access
from blender_ui.ui.address import find_address
from blender_ui.ui.built import Built
from blender_ui.ui.identity import (
    GRADIOS_OWN,
    KEY_HEADER,
    admit,
    checks_itself,
    presented_address,
    presented_key,
    read_key,
    required_role,
)
from blender_ui.ui.serving.calls import Endpoint
from blender_ui.ui.serving.replies import reply_to
from blender_ui.ui.workspace import PROJECT_HEADER, presented_project, read_project
from db.enums import Role

POLL_SECONDS = 0.02
"""Between two polls of the queue. Gradio's own thousandth takes 7 % of an idle, slow core."""


OUTDATED = (
    "This page is older than the app, which has started anew or offers other choices by now. "
    "Reload the page, then choose again."
)

MOST_SESSIONS = 300
"""Tabs whose state is kept, each most of a megabyte; the one that was used longest ago goes first."""


class GuardedBlocks(gr.Blocks):
    """An app whose inputs are read only of people who may call the handler.

    Args:
        access: Recognises keys.
        options: For ``gr.Blocks``.
    """

    def __init__(self, access: Access, **options: Any) -> None:
        super().__init__(**options)
        self.access = access
        self.api: Api | None = None
        """The routes for programs, which are served beside these pages."""
        self.add_shared: Callable[[FastAPI, str], None] | None = None
        """Adds the pages of shared rounds to an app, given where it lies."""
        self.state_session_capacity = MOST_SESSIONS
        self._queue.sleep_when_free = POLL_SECONDS

    def launch(self, *args: Any, **options: Any) -> Any:
        """Refuse: Gradio's own server would stand there without the gate."""
        raise RuntimeError(
            "serve these pages with blender_ui.ui.serving.web.open_pages, which puts the gate in front"
        )

    def begin_page(self, title: str, path: str) -> None:
        """Draw what follows on a new page, inside the Blocks context.

        Gradio's ``route`` does the same outside of it. Each time the context is left, Gradio writes the
        configuration of all pages so far and builds its web app: for ten pages most of a start.

        Args:
            title: What the navigation calls it.
            path: Below the app's root, without slashes.
        """
        self.pages.append((path, title, True))
        self.current_page = path

    def find_endpoint(self, called: object) -> Endpoint | None:
        """The endpoint that has a number or a name; None where there is none."""
        for number, event in self.fns.items():
            if event.fn is not None and called in (number, event.api_name):
                takes_files = any(isinstance(one, gr.File) for one in event.inputs)
                return Endpoint(str(event.api_name), len(event.inputs), _with_request(event.fn), takes_files)
        return None

    @property
    def config(self) -> Any:
        """The configuration of all pages, in the language of the request that is handled."""
        return self._built.read(language.get())

    @config.setter
    def config(self, config: Any) -> None:
        self._built = Built(config)

    async def process_api(self, block_fn: Any, inputs: list[Any], *args: Any, **options: Any) -> Any:
        """Refuse before the inputs are read; what a stream goes on with was let in when it began."""
        event = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        request = options.get("request")
        # Each step of a stream comes by here, and the queue's task has the context of another request.
        language.set(_language_of(request))
        request_id.set("" if request is None else read_id(request.headers))
        if event.fn is not None and options.get("iterator") is None:
            role = required_role(str(event.api_name), mode=self.access.mode)
            if role is not None:
                key = _key_of(request)
                await anyio.to_thread.run_sync(_let_in, self.access, role, key)
        return await super().process_api(block_fn, inputs, *args, **options)

    async def preprocess_data(self, *args: Any, **options: Any) -> Any:
        """Read the inputs; a choice that this session was never offered is told as what it is."""
        try:
            return await super().preprocess_data(*args, **options)
        except gr.Error as error:
            if "list of choices" not in str(error):
                raise
            raise gr.Error(tr(OUTDATED), print_exception=False) from error


def guard_handlers(app: gr.Blocks, access: Access, *, n_proxies: int = 0) -> None:
    """Guard every handler that has been wired.

    Args:
        app: Whose handlers.
        access: Recognises keys.
        n_proxies: How many proxies in front of the app are trusted to say where a request came from.

    Raises:
        LookupError: If an endpoint's role was never said.
    """
    for event in app.fns.values():
        if event.fn is not None:
            name = str(event.api_name)
            role = required_role(name, mode=access.mode)
            event.fn = _guard(
                event.fn, access, role, n_proxies=n_proxies, is_called_by_script=checks_itself(name)
            )
        if event.api_name in GRADIOS_OWN:
            # Waiting in the queue needs a session, and a stranger gets none.
            event.queue = False


def _guard(
    handle: Callable[..., Any],
    access: Access,
    role: Role | None,
    *,
    n_proxies: int,
    is_called_by_script: bool,
) -> Callable[..., Any]:
    def check(args: tuple[Any, ...]) -> None:
        request = LocalContext.request.get(None)
        key = _key_of(request)
        presented_key.set(key)
        presented_address.set(_address_of(request, n_proxies))
        presented_project.set(_project_of(request))
        if role is not None:
            admit(access, role, key)
        check_values(*args)

    if inspect.isgeneratorfunction(handle):

        @functools.wraps(handle)
        def stream(*args: Any, **options: Any) -> Generator[Any, None, None]:
            with _telling():
                check(args)
                key, address = presented_key.get(), presented_address.get()
                project = presented_project.get()
                with contextlib.closing(handle(*args, **options)) as steps:
                    for step in steps:
                        yield step
                        # The next step may run in another thread's context.
                        presented_key.set(key)
                        presented_address.set(address)
                        presented_project.set(project)

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


def _with_request(handle: Callable[..., Any]) -> Callable[..., Any]:
    """The handler for a call that Gradio does not see, with the request where Gradio would put it."""

    def call(request: Any, *inputs: Any) -> Any:
        LocalContext.request.set(request)
        return handle(*inputs)

    return call


def _key_of(request: Any) -> str | None:
    return read_key(request.headers.get(KEY_HEADER)) if request is not None else None


def _language_of(request: Any) -> str:
    if request is None:
        return ENGLISH
    return choose_language(request.headers.get("accept-language"), request.headers.get("cookie"))


def _project_of(request: Any) -> str | None:
    return read_project(request.headers.get(PROJECT_HEADER)) if request is not None else None


def _address_of(request: Any, n_proxies: int) -> str:
    if request is None:
        return ""
    client = getattr(request, "client", None)
    forwarded = request.headers.get("x-forwarded-for") or ""
    return find_address(client.host if client else "", [forwarded], n_proxies=n_proxies)


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
        raise gr.Error(tr(str(tell(error))), print_exception=False) from error

"""What Gradio works out again and again while pages are drawn is worked out once.

Half of the drawing goes to two things that change nothing here. Gradio reads the signature of a component's
class for each component and each configuration, and it makes a web app when a ``Blocks`` is begun and when it
is left. Nobody asks those: ``ui.serving.web`` mounts the pages, which makes the one that is served.
Invariant: once pages are drawn, Gradio is as if this module were not. Non-goal: what is drawn.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import gradio.blocks
import gradio.component_meta
from gradio.routes import App


@contextmanager
def working_out_once() -> Iterator[None]:
    """Draw pages with each signature read once and no web app made that nobody asks."""
    unserved = SimpleNamespace(create_app=_make_unserved)
    with ExitStack() as stack:
        for patch in (
            _remembering(gradio.blocks, inspect.signature),
            _remembering(gradio.component_meta, inspect.getfullargspec),
            mock.patch.object(gradio.blocks, "App", unserved),
        ):
            stack.enter_context(patch)
        yield


def _remembering(module: ModuleType, find: Callable[[Any], Any]) -> Any:
    """Let a module find once what ``inspect`` says of a function; a bound method keeps its owner alive."""
    remembered = cache(find)

    def found(what: Any) -> Any:
        return remembered(what) if isinstance(what, FunctionType) else find(what)

    return mock.patch.object(module, "inspect", SimpleNamespace(**{**vars(inspect), find.__name__: found}))


def _make_unserved(blocks: Any, **_options: Any) -> App:
    app = App()
    app.configure_app(blocks)
    return app

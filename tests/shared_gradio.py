"""What Gradio works out again for every app of this process is worked out once.

An app takes half of its time for two things that change nothing here. Gradio reads the signature of a
component's class for each component and each configuration, and it makes a web app when a ``Blocks`` is begun
and when it is left. Nobody asks those: ``build_web`` mounts the pages, which makes the one that is served.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import gradio.blocks
import gradio.component_meta
import gradio.components.base
from gradio.routes import App


def share_gradio() -> None:
    """Let every app of this process be made with it."""
    _remember(gradio.blocks, inspect.signature)
    _remember(gradio.components.base, inspect.signature)
    _remember(gradio.component_meta, inspect.getfullargspec)
    gradio.blocks.App = SimpleNamespace(create_app=_make_unserved)  # type: ignore[misc, assignment]


def _remember(module: ModuleType, find: Callable[[Any], Any]) -> None:
    """Let a module find once what ``inspect`` says of a function; a bound method keeps its owner alive."""
    remembered = cache(find)

    def found(what: Any) -> Any:
        return remembered(what) if isinstance(what, FunctionType) else find(what)

    module.inspect = SimpleNamespace(**{**vars(inspect), find.__name__: found})  # type: ignore[attr-defined]


def _make_unserved(blocks: Any, **_options: Any) -> App:
    app = App()
    app.configure_app(blocks)
    return app

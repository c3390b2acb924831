"""Takes out of a start what costs seconds of it and serves nobody there.

Invariant: once pages are open, everything is as if this module were not. Non-goal: what is started.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def without_collecting() -> Iterator[None]:
    """Look for no garbage: what a start makes stays, so each look through all of it finds next to none.

    What is there at the end is not looked through later, either.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()


@contextmanager
def without_stubs() -> Iterator[None]:
    """Import Gradio without having it write a ``.pyi`` for each of its components, as it does every time.

    Parsing their sources takes 2 s of a slow core. It leaves out a class whose source it cannot find.
    """
    with mock.patch.object(inspect, "getfile", _hide_gradio(inspect.getfile)):
        yield


def _hide_gradio(find: Callable[[Any], str]) -> Callable[[Any], str]:
    def find_file(made: Any) -> str:
        if isinstance(made, type) and made.__module__.startswith("gradio."):
            raise OSError(f"no stub is made of {made.__qualname__}")
        return find(made)

    return find_file

"""The other end of ``EngineProcess``: answers calls until its parent's end of the pipe closes.

Invariant: whatever a model raises goes back as a sentence; only a closed pipe ends the loop. It is
a program, not a library. Non-goal: knowing any model; the parent sends what makes them.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from blender_ui.engine.process import Reply, Request
from blender_ui.errors import BlenderError


def main(file_descriptor: int) -> None:
    """Serve the calls that come in on an inherited socket."""
    pipe = Connection(file_descriptor)
    loaders: dict[str, Callable[..., Any]] = pipe.recv()
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, requests), daemon=True).start()
    models = _Models(loaders)
    while True:
        pipe.send(_answer(models, requests.get()))


class _Models:
    """The objects made so far, one a name."""

    def __init__(self, loaders: Mapping[str, Callable[..., Any]]) -> None:
        self._loaders = loaders
        self._loaded: dict[str, tuple[tuple[Any, ...], Any]] = {}

    def use(self, request: Request) -> Any:
        model = self._get(request.name, request.key)
        value = getattr(model, request.attribute)
        return value(*request.args, **request.options) if callable(value) else value

    def _get(self, name: str, key: tuple[Any, ...]) -> Any:
        known = self._loaded.get(name)
        if known is not None and known[0] == key:
            return known[1]
        # The old object goes first, so that two checkpoints never fill the memory at once.
        self._loaded.pop(name, None)
        del known
        model = self._loaders[name](*key)
        self._loaded[name] = (key, model)
        return model


def _receive(pipe: Connection, requests: queue.SimpleQueue[Request]) -> None:
    """Pass requests on; leave at once when the parent is gone, even in the middle of a call."""
    while True:
        try:
            requests.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)


def _answer(models: _Models, request: Request) -> Reply:
    try:
        return Reply(value=models.use(request))
    except BlenderError as error:
        return Reply(error=str(error))
    except MemoryError:
        return Reply(error=f"memory ran out during {request.name}.{request.attribute}; close other programs")
    except Exception as error:  # noqa: BLE001  the process' edge: every failure becomes a sentence
        traceback.print_exc()
        return Reply(error=f"{request.name}.{request.attribute} failed with {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(int(sys.argv[1]))

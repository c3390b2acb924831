"""Reads in the background, after a start, what the first opening of a page would wait for.

Invariant: one thing at a time, so that a core stays free for pages; side by side, the
readers took every core for as long as they ran. Non-goal: what is read; the services know.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from blender_ui.errors import StorageError

PAUSE_SECONDS = 5.0
"""Before the first one: who opens a page right after a start is served before what may be asked later."""


def read_in_turn(*reads: Callable[[], object], pause_seconds: float = PAUSE_SECONDS) -> threading.Thread:
    """Call one after another in a thread of its own, after a pause, and return at once."""

    def read_all() -> None:
        time.sleep(pause_seconds)
        for read in reads:
            try:
                read()
            except (
                StorageError,
                SQLAlchemyError,
            ):  # the store was closed; the first visitor reads it
                logging.getLogger(__name__).info("the preferences could not be read ahead", exc_info=True)

    reader = threading.Thread(target=read_all, name="read-ahead", daemon=True)
    reader.start()
    return reader

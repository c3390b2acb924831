"""Reads a large SQLite store through after the pages have opened, and ends the app where it is damaged.

Invariant: what a start would have refused is told in the same sentence, seconds later. Non-goal: a small
store, which ``blender_ui.store`` reads through before anything is served.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from blender_ui.cli.ending import Ending
from blender_ui.errors import StorageError
from blender_ui.store import check_left


class LateCheck:
    """Reads in a thread of its own, from when it is made.

    Args:
        engine: The store.
        name: Of the store, for people.
        ending: Told where the store is damaged.
    """

    def __init__(self, engine: Engine, *, name: str, ending: Ending) -> None:
        self._engine, self._name, self._ending = engine, name, ending
        self._found: StorageError | None = None
        self._thread = threading.Thread(target=self._read, name="late-check", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return once the store was read."""
        self._thread.join()

    def raise_found(self) -> None:
        """Raise what was found; call it once ``ending`` was told.

        Raises:
            StorageError: If the store is damaged.
        """
        if self._found is not None:
            raise self._found

    def _read(self) -> None:
        try:
            check_left(self._engine, name=self._name)
        except StorageError as error:
            self._found = error
            self._ending.end()
        except SQLAlchemyError:  # the app ends, and closed the store
            logging.getLogger(__name__).info("the store was not read through", exc_info=True)

"""One worker a home folder.

Invariant: the system releases the lock when its process ends, however it ends, so there is no stale
lock to clear away. Non-goal: workers on other machines, which DBOS keeps apart by their names.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from blender_ui.errors import Refused

LOCK_NAME = "worker.lock"


class WorkerLock:
    """Says that this process is the worker of a home folder.

    Raises:
        Refused: If another process is.
    """

    def __init__(self, home_path: Path) -> None:
        home_path.mkdir(parents=True, exist_ok=True)
        path = home_path / LOCK_NAME
        self._file = open(path, "a+")  # noqa: SIM115  held open for as long as the lock
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise Refused(f"another worker runs already for {home_path}; one is enough") from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let another process be the worker."""
        self._file.close()

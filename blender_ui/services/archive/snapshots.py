"""Keep an installation in a data set of a hub, where its own disk is emptied at each start.

Each snapshot is a backup (``services.archive.backups``) under a name of its own, so that two processes that
overlap, as an old and a new Space do, never overwrite each other. A process deletes only its own older ones
and the one that it was restored from.

Invariant: a home is restored only while it has no store, and a start that cannot read the snapshots fails,
since an empty store would soon stand in for them. Non-goal: PostgreSQL, which outlives a restart by itself.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from blender_ui.errors import BlenderError, SettingsError
from blender_ui.hub.repository import Repository
from blender_ui.services.archive.archiving import is_untouched
from blender_ui.services.archive.backups import back_up, find_home, restore
from blender_ui.settings import Settings, list_set
from db.models import utc_now

FOLDER = "snapshots"
SUFFIX = ".backup"
CLOSING_SECONDS = 30.0
"""That the last snapshot may take when the process is told to end."""

_log = logging.getLogger(__name__)


def open_repository(settings: Settings) -> Repository | None:
    """The data set that the settings name; None where they name none.

    Raises:
        SettingsError: If the store is not SQLite's file in the home.
    """
    if not settings.snapshots:
        return None
    if settings.database_url:
        raise SettingsError(
            "BLENDER_UI_SNAPSHOTS keeps the SQLite store of a home whose disk is emptied; the store of "
            "BLENDER_UI_DATABASE_URL stays by itself, so unset one of them"
        )
    return Repository(name=settings.snapshots, kind="dataset")


def restore_newest(engine: Engine, settings: Settings, repository: Repository) -> str | None:
    """Bring the newest snapshot into a store and home that nobody has used; others are left as they are.

    Returns:
        Its name in the data set; None where nothing was restored.

    Raises:
        HubError: If the hub cannot be reached or refuses.
        BlenderError: As ``backups.restore``.
    """
    if not is_untouched(engine):
        return None
    repository.ensure(private=True)
    names = _list_snapshots(repository)
    if not names:
        return None
    if len(names) > 1:
        _log.warning(
            "%s is restored; other processes left %s in %s, which stay there",
            names[-1],
            ", ".join(names[:-1]),
            repository.name,
        )
    with tempfile.TemporaryDirectory(dir=settings.home_path, prefix=".snapshot-") as folder:
        restore(engine, find_home(settings), repository.take(names[-1], Path(folder)))
    return names[-1]


class Snapshots:
    """Takes a snapshot whenever the store has changed, in a thread of its own, until ``close``.

    Args:
        engine: The store.
        settings: Where everything lies, and how long a change may wait.
        repository: Where snapshots go.
        restored: Name of the snapshot that this installation was restored from; None where from none.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        repository: Repository,
        *,
        restored: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine, self._settings, self._repository, self._clock = engine, settings, repository, clock
        self._process = secrets.token_hex(4)
        self._latest = restored
        self._kept: object = None
        self._watched = sqlite3.connect(
            f"file:{settings.home_path / 'blender.sqlite'}?mode=ro", uri=True, check_same_thread=False
        )
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Begin. The hub's client draws no bars from here on, which nobody would see."""
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        self._thread.start()

    def take_if_changed(self) -> str | None:
        """Take a snapshot now, unless nothing has changed since the last.

        Returns:
            Its name; None where nothing has changed.

        Raises:
            BlenderError: If it could not be taken; what changed is in the next one.
        """
        state = self._find_state()  # before the rows are read: what comes meanwhile counts as a change
        if state == self._kept:
            return None
        now = self._clock()
        name = f"{FOLDER}/{now:%Y%m%dT%H%M%S%f}-{self._process}{SUFFIX}"
        with tempfile.TemporaryDirectory(dir=self._settings.home_path, prefix=".snapshot-") as folder:
            path = Path(folder) / "snapshot"
            back_up(self._engine, find_home(self._settings), path, settings=list_set(os.environ), now=now)
            older = [file for file in self._repository.list_files() if file == self._latest]
            message = f"Snapshot of {now.isoformat(timespec='seconds')}"
            self._repository.put({name: path}, message=message, without=older)
        self._latest, self._kept = name, state
        return name

    def close(self) -> None:
        """Take the last snapshot and end."""
        self._ends.set()
        self._thread.join(timeout=CLOSING_SECONDS)
        if self._thread.is_alive():
            _log.error("the last snapshot was not taken within %d s", CLOSING_SECONDS)
        self._watched.close()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._ends.wait(self._settings.snapshot_seconds)
            try:
                self.take_if_changed()
            except (BlenderError, OSError) as error:
                _log.error("no snapshot was taken, the next try has what it lacks: %s", error)

    def _find_state(self) -> tuple[object, ...]:
        """What differs once a row, or the file of members, has changed."""
        version = self._watched.execute("PRAGMA data_version").fetchone()[0]
        members = find_home(self._settings).members_path
        return version, members.stat().st_mtime_ns if members.is_file() else None


def _list_snapshots(repository: Repository) -> list[str]:
    """Oldest first."""
    return [
        name for name in repository.list_files() if name.startswith(f"{FOLDER}/") and name.endswith(SUFFIX)
    ]

"""Which worker is which, and which are gone: a lock that ends with its process, however that ends.

On SQLite there is one worker a home folder, by a lock on a file. On a server there may be many, on many
machines; each holds a lock in the database under a name of its own, so that another sees at once that it is
gone and takes over its jobs.

Invariant: a lock's name belongs to one living process, and there is no stale lock to clear away. Non-goal:
which worker takes which job, which DBOS decides.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from blender_ui.errors import Refused, StorageError
from db.queries import locks

LOCK_NAME = "worker.lock"
GENERATION = "generation"


class Lock(Protocol):
    """Says that this process is a worker."""

    @property
    def name(self) -> str:
        """Of this worker; after a crash the worker of the same name resumes its jobs."""
        ...

    def check(self) -> None:
        """Raise where this process is the worker of this name no more."""
        ...

    def is_gone(self, name: str) -> bool:
        """Whether no living worker has a name."""
        ...

    def may_generate(self) -> bool:
        """Whether this worker, of all, has the members answer prompts; once it does, until it is gone."""
        ...

    def release(self) -> None:
        """Let other workers know that this one is gone."""
        ...


def take_lock(engine: Engine, home_path: Path) -> Lock:
    """Become a worker.

    Raises:
        Refused: If the store is SQLite's and another process is the home folder's worker.
    """
    return WorkerLock(home_path) if engine.dialect.name == "sqlite" else ServerLock(engine)


class WorkerLock:
    """Says that this process is the worker of a home folder.

    Raises:
        Refused: If another process is.
    """

    name = "worker"

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

    def check(self) -> None:
        """See ``Lock``; a file's lock is not lost."""

    def is_gone(self, name: str) -> bool:
        """See ``Lock``; jobs of any other name are from before the store had one worker."""
        return name != self.name

    def may_generate(self) -> bool:
        """See ``Lock``."""
        return True

    def release(self) -> None:
        """Let another process be the worker."""
        self._file.close()


class ServerLock:
    """Says that this process is a worker of a database server, by the first name of its machine that is free.

    Args:
        engine: Of PostgreSQL. One connection is kept for as long as the lock.
    """

    def __init__(self, engine: Engine) -> None:
        self._asking = threading.Lock()  # two threads of the worker ask, and a connection is for one
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        locks.notice_silence(self._connection)
        names = (f"{socket.gethostname()}-{number}" for number in count(1))
        self.name = next(name for name in names if locks.try_lock(self._connection, _key(name)))
        self._generates = False

    def check(self) -> None:
        """See ``Lock``.

        Raises:
            StorageError: If the connection is gone, and the lock with it.
        """
        with self._asking:
            locks.ask(self._connection)

    def is_gone(self, name: str) -> bool:
        """See ``Lock``."""
        if name == self.name:
            return False
        with self._asking:
            if not locks.try_lock(self._connection, _key(name)):
                return False
            locks.unlock(self._connection, _key(name))
            return True

    def may_generate(self) -> bool:
        """See ``Lock``."""
        with self._asking:
            self._generates = self._generates or locks.try_lock(self._connection, GENERATION)
            return self._generates

    def release(self) -> None:
        """Let another process have the name."""
        with self._asking:
            with suppress(StorageError, SQLAlchemyError):  # with the connection the locks are gone, too
                locks.unlock_all(self._connection)
            self._connection.close()


def _key(name: str) -> str:
    return f"worker {name}"

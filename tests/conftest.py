"""How the tests share a machine: one thread of arithmetic a process, and what stays in one process."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

# Before numpy and torch load. With two processes of two threads each, the threads wait for each other:
# training the tiny T5 takes eight times as long.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import pytest  # noqa: E402
from sqlalchemy import Engine, event  # noqa: E402
from xdist.scheduler import LoadScopeScheduling  # noqa: E402

from blender_ui.cli.quick_start import without_collecting, without_stubs  # noqa: E402
from tests import properties  # noqa: E402
from tests.shared_certificates import share_certificates  # noqa: E402
from tests.shared_statements import share_statements  # noqa: E402

share_certificates()
share_statements()


_MEMORY = Path("/dev/shm")
"""A disk is waited for 7 ms whenever a store is closed or a file must outlive a power cut."""
_ROOM = 4 << 30


class FileScheduling(LoadScopeScheduling):
    """Gives a process one file at a time, and all of the browser's files to one process.

    A file's tests share stores and servers. One Chromium leaves the other core to the other process.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return "tests/browser" if path.startswith("tests/browser/") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FileScheduling:
    config.option.loadscopereorder = False  # which would begin the longest test of all last
    return FileScheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """`make quick` tries properties on fewer examples; what tests write goes to memory where it has room."""
    properties.set_quick("not slow" in config.option.markexpr)
    if _has_room(_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def _has_room(folder: Path) -> bool:
    """Whether a run of all tests fits in, with those that pytest keeps, and programs may be run there."""
    if not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import all modules without looking for garbage, of which there is none, or making stubs for Gradio.

    Both took a third of the time. What was imported is kept out of every later look for garbage, too, which
    would else walk half a million objects.
    """
    with without_collecting(), without_stubs():
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the work, the files that take long begin, so that none is left at the end."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: (item.get_closest_marker("browser") is None, item.path not in slow))


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Commands turn our log into lines on the error stream; the next test reads it by ``caplog`` again."""
    logger = logging.getLogger("blender_ui")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


_TESTS = f"{Path(__file__).parent}{os.sep}"
_APP = f"{Path(__file__).parents[1] / 'blender_ui'}{os.sep}"
_FOREIGN = ("alembic", "dbos")
"""Have transactions of their own: migrations run before anybody else comes, and the queue tries again."""
_late_writes: list[str] = []


@event.listens_for(Engine, "begin")
def _nothing_is_read_yet(connection: Any) -> None:
    mode = connection.get_execution_options().get("sqlite_begin")
    connection.connection.info["may_write"] = mode == "IMMEDIATE" or connection.dialect.name != "sqlite"
    connection.connection.info["has_read"] = False


@event.listens_for(Engine, "before_cursor_execute")
def _note_a_late_write(connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
    info, verb = connection.connection.info, statement.split(None, 1)[0].upper()
    if verb in ("SELECT", "WITH"):
        info["has_read"] = True
    elif verb in ("INSERT", "UPDATE", "DELETE") and info.get("has_read") and not info.get("may_write"):
        writer = _find_writer()
        if writer:  # a test that prepares its rows is alone with them
            _late_writes.append(f"{writer}: {statement}")


def _find_writer() -> str:
    """The line of the app that has the transaction open; empty where a test has."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_TESTS) or any(f"{os.sep}{foreign}{os.sep}" in name for foreign in _FOREIGN):
            return ""
        if name.startswith(_APP):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


@pytest.fixture(autouse=True)
def _no_write_follows_a_read_without_the_lock() -> Iterator[None]:
    """On SQLite such a write fails, "database is locked", whenever somebody else wrote since the read."""
    _late_writes.clear()
    yield
    assert not _late_writes, f"ask for transaction(..., immediate=True): {_late_writes[0]}"

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blender_ui.errors import Refused
from blender_ui.worker.lock import WorkerLock
from blender_ui.worker.supervisor import WorkerSupervisor

REPOSITORY = Path(__file__).parents[2]
OBEDIENT = (sys.executable, "-c", "import sys; sys.stdin.read()")


def wait_until(is_true: Callable[[], object]) -> None:
    """Wait for what is needed, however busy the machine; pytest's own limit ends a test that hangs."""
    while not is_true():
        time.sleep(0.02)


def test_a_killed_worker_is_started_again() -> None:
    supervisor = WorkerSupervisor(command=OBEDIENT, first_pause_seconds=0.05)
    supervisor.start()
    try:
        wait_until(lambda: supervisor.process_id)
        first = supervisor.process_id
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.process_id not in (None, first))
        assert supervisor.n_starts == 2
    finally:
        supervisor.close()


def test_closing_ends_the_worker_through_its_pipe_and_starts_no_other() -> None:
    supervisor = WorkerSupervisor(command=OBEDIENT, first_pause_seconds=0.05)
    supervisor.start()
    wait_until(lambda: supervisor.process_id)
    supervisor.close()
    time.sleep(0.2)
    assert (supervisor.process_id, supervisor.n_starts) == (None, 1)


def test_a_worker_that_does_not_listen_is_killed_on_closing() -> None:
    supervisor = WorkerSupervisor(command=(sys.executable, "-c", "import time; time.sleep(60)"))
    supervisor.start()
    wait_until(lambda: supervisor.process_id)
    supervisor.close(timeout_seconds=0.3)
    assert supervisor.process_id is None


def test_a_worker_that_fails_at_once_is_tried_again_ever_more_slowly() -> None:
    supervisor = WorkerSupervisor(
        command=(sys.executable, "-c", "raise SystemExit(1)"), first_pause_seconds=0.1
    )
    started = time.monotonic()
    supervisor.start()
    wait_until(lambda: supervisor.n_starts == 4)
    seconds = time.monotonic() - started
    supervisor.close()
    # However long a start takes, pauses of .1, .2 and .4 s lie between four; without back-off .3 s in all.
    assert seconds >= 0.7


def test_one_worker_a_home_folder(tmp_path: Path) -> None:
    lock = WorkerLock(tmp_path)
    with pytest.raises(Refused, match="another worker runs already"):
        WorkerLock(tmp_path)
    lock.release()
    WorkerLock(tmp_path).release()

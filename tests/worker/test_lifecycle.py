"""The worker leaves a core, and the better priority, to the pages, and takes nobody else's priority away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_ui.worker.lifecycle import NICENESS
from blender_ui.worker.supervisor import WorkerSupervisor
from tests.worker.test_supervisor import OBEDIENT, wait_until

GROUP = Path("/proc/self/autogroup")
groups_by_session = pytest.mark.skipif(
    not GROUP.exists(), reason="this kernel does not group processes by session"
)

SHARE = """
import os
from blender_ui.worker.lifecycle import share_machine
share_machine()
print(os.nice(0), os.environ["OMP_NUM_THREADS"])
"""
SHELL = f"""
import os, subprocess, sys
from pathlib import Path
subprocess.run([sys.executable, "-c", {SHARE!r}], check=True)
print(os.nice(0), Path("/proc/self/autogroup").read_text().split()[-1])
"""
"""Somebody's terminal: it starts a worker, and other programs run in its session."""


def run(script: str) -> list[str]:
    environ = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    return done.stdout.splitlines()


def test_the_worker_takes_the_lower_priority_and_leaves_a_core() -> None:
    niceness, n_threads = map(int, run(SHARE)[0].split())
    assert niceness == os.nice(0) + NICENESS
    assert n_threads == max((os.cpu_count() or 2) - 1, 1)


@groups_by_session
def test_a_worker_started_in_a_terminal_lowers_nothing_else_there() -> None:
    assert run(SHELL)[-1] == f"{os.nice(0)} 0"


@groups_by_session
def test_the_worker_that_the_app_starts_sinks_with_its_own_group_alone() -> None:
    own = GROUP.read_text()
    supervisor = WorkerSupervisor(command=OBEDIENT)
    supervisor.start()
    try:
        wait_until(lambda: supervisor.n_starts)
        group = Path(f"/proc/{supervisor.process_id}/autogroup").read_text()
    finally:
        supervisor.close()
    # Of a session that has no group of its own, as a service has none, the kernel says nothing.
    assert group.split()[:1] != own.split()[:1]
    assert group.split()[-1] == str(NICENESS)
    assert GROUP.read_text() == own

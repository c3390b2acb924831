"""The worker leaves a core, and the better priority, to the pages."""

import os
import subprocess
import sys

import pytest

from blender_ui.worker.lifecycle import AUTOGROUP_PATH, NICENESS

SCRIPT = """
import os
from blender_ui.worker.lifecycle import AUTOGROUP_PATH, share_machine
share_machine()
print(os.nice(0), os.environ["OMP_NUM_THREADS"])
print(AUTOGROUP_PATH.read_text() if AUTOGROUP_PATH.exists() else "")
"""


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What a process says of itself, in a session of its own: else the tests would be slowed, too."""
    environ = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=True, start_new_session=True
    )
    return done.stdout.splitlines()


def test_the_worker_takes_the_lower_priority_and_leaves_a_core(told: list[str]) -> None:
    niceness, n_threads = map(int, told[0].split())
    assert niceness >= NICENESS
    assert n_threads == max((os.cpu_count() or 2) - 1, 1)


@pytest.mark.skipif(not AUTOGROUP_PATH.exists(), reason="this kernel does not group processes by session")
def test_its_scheduling_group_is_nice_too(told: list[str]) -> None:
    assert told[1].split()[-1] == str(NICENESS)

"""Running code that a model wrote, to see whether it passes tests.

Invariant: the code runs in a process of its own that cannot use the network, start processes, signal
others, or change any file, and that ends within limits of time and memory; where this machine cannot
enforce that, nothing is run. Non-goal: secrecy: the code may read what this user may read, but there
is nobody it could tell.

The kernel enforces it (seccomp, x86-64 Linux, no privileges needed); see ``sandbox_child``.
"""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from blender_ui.errors import Refused

WALL_SECONDS = 15.0
"""More than the processor seconds that the child allows itself, for a busy machine."""
CHILD_PATH = Path(__file__).with_name("sandbox_child.py")


class Verdict(NamedTuple):
    """Whether the tests passed, and if not, why."""

    passed: bool
    reason: str
    """Last line of what went wrong; empty where it passed."""


def find_obstacle() -> str:
    """Why code cannot be run safely here; empty where it can."""
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        return ""
    return (
        f"code is only run on x86-64 Linux, where its limits can be enforced; this is {platform.platform()}"
    )


def run_tests(code: str, tests: str, *, wall_seconds: float = WALL_SECONDS) -> Verdict:
    """Run code and then its tests.

    Args:
        code: What the model wrote.
        tests: Lines of Python that raise where the code is wrong.
        wall_seconds: After which the process is killed.

    Raises:
        Refused: If the limits cannot be enforced here.
    """
    # Passing means to say a word that only the harness knows: leaving early with status 0 is no pass.
    word = secrets.token_hex(16)
    ran = _run((word, code, tests), wall_seconds)
    if ran is None:
        return Verdict(False, f"it took more than {wall_seconds:g} seconds")
    status, said = ran
    if said and said[-1] == word and status == 0:
        return Verdict(True, "")
    if status < 0:
        return Verdict(False, f"it was ended by signal {-status}, as for too much time or memory")
    return Verdict(False, said[-1][:300] if said and said[-1] != word else "it ended before the tests did")


def run_program(program: str, *, wall_seconds: float = WALL_SECONDS) -> tuple[str, ...]:
    """Run a program and give the lines that it wrote, those before a crash or a limit too.

    Args:
        program: Python.
        wall_seconds: After which the process is killed.

    Raises:
        Refused: If the limits cannot be enforced here.
    """
    ran = _run((secrets.token_hex(16), program, ""), wall_seconds)
    return () if ran is None else tuple(ran[1])


def _run(parts: tuple[str, str, str], wall_seconds: float) -> tuple[int, list[str]] | None:
    """The child's status and the lines it wrote; None where it had to be killed."""
    if obstacle := find_obstacle():
        raise Refused(obstacle)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder, tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(CHILD_PATH), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": "", "HOME": folder},
            start_new_session=True,
        )
        try:
            child.communicate("\0".join(parts).encode(), timeout=wall_seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            child.kill()  # where it has not ended: too late, or this process was interrupted
            child.wait()
        output.seek(0)
        return child.returncode, output.read().decode(errors="replace").strip().splitlines()

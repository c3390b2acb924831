"""Keeps a worker process running beside the app, without importing what the worker needs.

Invariant: at most one child; it ends with this process, because it watches the pipe that this process
holds. Non-goal: what the worker does, and workers on other machines.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from blender_ui.worker.lifecycle import lower_session

COMMAND = (sys.executable, "-m", "blender_ui.worker", "--with-parent")
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_AFTER_SECONDS = 60.0
"""A worker that lived this long is restarted without waiting longer than the first pause."""


class WorkerSupervisor:
    """Starts the worker, and starts it again after a crash, waiting longer each time.

    Args:
        command: The worker; it must exit when its standard input closes.
        environ: The child's environment; None for this process' own.
        first_pause_seconds: Before the first restart; doubled for each that follows soon.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = COMMAND,
        environ: Mapping[str, str] | None = None,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._command = tuple(command)
        self._environ = dict(environ) if environ is not None else None
        self._first_pause = first_pause_seconds
        self._closing = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="worker-supervisor", daemon=True)
        self.n_starts = 0

    @property
    def process_id(self) -> int | None:
        """Id of the running worker; None where there is none at the moment."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Start the worker and watch over it."""
        self._thread.start()

    def close(self, *, timeout_seconds: float = 10.0) -> None:
        """End the worker; a job in the middle is resumed by the next one."""
        self._closing.set()
        with self._lock:
            child = self._child
        if child is not None:
            _end(child, timeout_seconds)
        if self._thread.is_alive():
            self._thread.join(timeout=timeout_seconds)

    def _watch(self) -> None:
        pause = self._first_pause
        while not self._closing.is_set():
            child = self._spawn()
            if child is None:
                return
            try:
                child.wait(timeout=HEALTHY_AFTER_SECONDS)
            except subprocess.TimeoutExpired:
                pause = self._first_pause
                child.wait()
            _close_pipe(child)
            self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._closing.is_set():
                return None
            # A session of its own: Ctrl-C is for the app, and the worker follows by the pipe. With it comes
            # a scheduling group of its own, which may sink without the app's.
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, env=self._environ, start_new_session=True
            )
            lower_session(self._child.pid)
            self.n_starts += 1
            return self._child


def _close_pipe(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()


def _end(child: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    _close_pipe(child)
    try:
        child.wait(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()

"""Supervises the child processes that serve models on this machine.

Invariant: at most one child a server; it answers only with its key, which is random for each
start and passed by its standard input; it never outlives this process. After a crash the next
question starts it again, at once the first time and then after a growing pause. Non-goal: what the
child does, see ``llama_server`` and ``transformers_server``.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from blender_ui.errors import BlenderError, MemberError
from blender_ui.members.protocol import MemberHealth, MemberStatus

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
POLL_SECONDS = 0.05
CLOSE_SECONDS = 3.0
N_LAST_WORDS = 12


class Address(NamedTuple):
    """Where a running child answers, and the key to show it."""

    base_url: str
    key: str


class LocalServer:
    """One child process, started when first needed. Safe to use from any thread.

    Args:
        name: For messages.
        command: Gives the arguments after ``python``; called at each start, so that weights fetched
            meanwhile are found. May raise a ``BlenderError`` that says what is missing.
    """

    def __init__(self, name: str, command: Callable[[], Sequence[str]]) -> None:
        self._name, self._command = name, command
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._missing: BlenderError | None = None
        self._n_crashes = 0
        self._crashed_at = 0.0
        self._is_closed = False

    def start(self) -> None:
        """Start the child if it does not run and no pause is due; does not wait for it.

        Raises:
            BlenderError: If something that the child needs is missing.
            MemberError: If it has crashed and its pause is not over, or the server was closed.
        """
        with self._lock:
            if self._is_closed:
                raise MemberError(f"{self._name}: the app is closing", kind="unreachable")
            if self._child is not None and self._child.is_running():
                return
            last_words = self._note_crash()
            if (wait := self._pause_left()) > 0:
                reason = f"{self._name}: its server crashed {self._n_crashes} times in a row and is"
                raise MemberError(f"{reason} started again in {wait:.0f} s; {last_words}", kind="crashed")
            if self._child is not None:
                self._child.close()
            try:
                self._child = _Child(self._command())
                self._missing = None
            except BlenderError as error:
                self._missing = error
                raise

    def address(self, *, timeout_seconds: float, stop: threading.Event | None = None) -> Address:
        """Where the child answers; starts it and waits until it is ready.

        Raises:
            BlenderError: As ``start``.
            MemberError: Kind crashed, timeout or stopped.
        """
        self.start()
        child = self._child
        assert child is not None
        deadline = time.monotonic() + timeout_seconds
        while not child.settled.wait(POLL_SECONDS):
            if stop is not None and stop.is_set():
                raise MemberError(f"{self._name}: stopped on request", kind="stopped")
            if time.monotonic() > deadline:
                reason = f"{self._name}: its server was not ready within {timeout_seconds:g} s"
                raise MemberError(reason, kind="timeout")
        if child.address is None:
            raise MemberError(
                f"{self._name}: its server ended at its start: {child.last_words()}", kind="crashed"
            )
        return child.address

    def find_address(self) -> Address | None:
        """Where the child answers now; None while it does not run or is not ready. Starts nothing."""
        child = self._child
        return child.address if child is not None and child.is_running() else None

    def note_success(self) -> None:
        """Forget past crashes: the child has given a whole answer."""
        with self._lock:
            self._n_crashes = 0

    def crash_reason(self) -> str | None:
        """The child's end and last words if it has ended; None while it runs."""
        child = self._child
        if child is None or child.is_running():
            return None
        return child.last_words()

    def health(self) -> MemberHealth:
        """The child's state; answers at once and never starts it."""
        child = self._child
        if self._is_closed:
            return MemberHealth(self._name, MemberStatus.IDLE, "closed")
        if child is None and self._missing is not None:
            return MemberHealth(self._name, MemberStatus.UNAVAILABLE, str(self._missing))
        if child is None:
            return MemberHealth(self._name, MemberStatus.IDLE, "starts with the first question")
        if not child.is_running():
            return MemberHealth(self._name, MemberStatus.FAILED, f"its server ended: {child.last_words()}")
        ready = child.settled.is_set()
        return MemberHealth(self._name, MemberStatus.READY if ready else MemberStatus.STARTING)

    def close(self) -> None:
        """End the child and refuse to start another."""
        with self._lock:
            self._is_closed = True
            if self._child is not None:
                self._child.close()

    def process_id(self) -> int | None:
        """The running child's process id, for measuring."""
        child = self._child
        return child.process.pid if child is not None and child.is_running() else None

    def _note_crash(self) -> str:
        if self._child is None:
            return ""
        last_words = self._child.last_words()
        if not self._child.is_noted:
            self._child.is_noted = True
            self._n_crashes += 1
            self._crashed_at = time.monotonic()
        return last_words

    def _pause_left(self) -> float:
        if self._n_crashes <= 1:
            return 0.0
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._n_crashes - 2))
        return self._crashed_at + pause - time.monotonic()


class _Child:
    """A started process, with a thread that reads its address and one that reads its log.

    Each thread closes the pipe that it reads, at its end: a thread that waits in a pipe holds it.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.settled = threading.Event()
        """Set when the address is known or never will be."""
        self.address: Address | None = None
        self.is_noted = False
        self._key = secrets.token_urlsafe(32)
        self._log: deque[str] = deque(maxlen=N_LAST_WORDS)
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # An interrupt from the terminal is for the app alone, which then closes its children.
            start_new_session=True,
        )
        threading.Thread(target=self._read_address, daemon=True).start()
        self._log_reader = threading.Thread(target=self._read_log, daemon=True)
        self._log_reader.start()

    def is_running(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        self._log_reader.join(timeout=0.5)
        code = self.process.poll()
        end = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        if code == -9:
            end += ", often for want of memory"
        lines = [line for line in self._log if line]
        return f"{end}; it said: {' / '.join(lines[-3:])}" if lines else end

    def close(self) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(timeout=CLOSE_SECONDS)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def _read_address(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.process.stdout as said:
            try:
                self.process.stdin.write(self._key + "\n")
                self.process.stdin.flush()
                line = said.readline()
                if line:
                    self.address = Address(json.loads(line)["base_url"], self._key)
            except (OSError, ValueError, KeyError):
                self.process.kill()
            finally:
                if self.address is None:
                    self.process.wait()
                self.settled.set()
            for _ in said:  # nobody asks for more, and a pipe that is full would stop the child
                pass

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as log:
            for line in log:
                self._log.append(line.strip()[:300])

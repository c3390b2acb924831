"""A server in a process of its own on loopback, started and stopped by a benchmark."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path


class NotServing(Exception):
    """The server did not answer in time, or ended; holds the end of what it said."""


def find_free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str], *, port: int, path: str, env: Mapping[str, str], log: Path, seconds: float
) -> Iterator[None]:
    """Run a command until the block ends, which begins when the server answers.

    Args:
        command: Starts the server.
        port: On which it listens.
        path: What it answers with 200 when it is ready.
        env: Its environment.
        log: Where its output goes.
        seconds: How long it may take to start.

    Raises:
        NotServing: If it did not start.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + seconds
        while not _answers(port, path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotServing(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False

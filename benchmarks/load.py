"""Many annotators at a human pace on the app as it is served, while a training runs.

    python -m benchmarks.load [--annotators 100] [--minutes 10] [--idle 1000] [--pause 6] [--quick]
    python -m benchmarks.load --flood [--minutes 1]

The app is a process of its own with its worker, which trains one job after another. Each annotator signs
in, looks at a pair for ``--pause`` seconds (half to one and a half times that), votes and is given the next.
``--idle`` pages hold the stream that an open page holds and do nothing. ``p95_ms`` is from sending a vote, on
a connection of its own, to having the next pair. ``memory_mib`` are of the web process at the begin of the
last half and at the end; ``memory_growth`` is the second over the first. ``trainings`` are jobs that were
asked for. They need the reader's weights, see ``blender-ui weights``; ``--no-training`` leaves them out.

``--flood`` measures something else, for so many minutes each: how long visitors of a demo wait for a first
word, alone and while one visitor asks without end. ``ratio_p50_ms`` is the second over the first.

The last line is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks import flood
from benchmarks.fault_tally import kill, make_environment
from benchmarks.fault_votes import Web
from benchmarks.fault_work import make_trained_store
from benchmarks.label_loop import ask, count_votes, make_queue, make_vote, sign_everybody_in
from benchmarks.label_tally import Tally, percentile_ms
from blender_ui.services.training.requests import Training

SAMPLE_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotators", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--idle", type=int, default=1000, help="pages that are open and do nothing")
    parser.add_argument("--pause", type=float, default=6.0, help="seconds that a pair is looked at")
    parser.add_argument("--no-training", action="store_true")
    parser.add_argument("--quick", action="store_true", help="20 annotators, 100 idle pages, half a minute")
    parser.add_argument("--flood", action="store_true", help="one visitor who asks without end, instead")
    options = parser.parse_args(arguments)
    if options.flood:
        with tempfile.TemporaryDirectory() as folder:
            figures = flood.measure(Path(folder), seconds=60 * options.minutes)
            print(json.dumps({"benchmark": "flood"} | figures))
        return
    if options.quick:
        options.annotators, options.idle, options.minutes = 20, 100, 0.5
    _allow_files(2 * options.idle + 1000)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({"benchmark": "load"} | measure(Path(folder), options)))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run everything and give the figures."""
    home = folder / "home"
    worker = "none" if options.no_training else "spawn"
    web = Web(make_environment(home, WORKER=worker, ACCESS="accounts"), folder / "log")
    n_items = int(options.annotators * (60 * options.minutes / options.pause + 5) * 2)
    engine = make_queue(home, n_items)
    tokens = sign_everybody_in(engine, options.annotators)
    training = make_trained_store(home)
    n_before = count_votes(engine)[0]
    web.start()
    assert web.process is not None
    tallies, end = [Tally() for _ in tokens], time.monotonic() + 60 * options.minutes
    memory: list[float] = []
    jobs: list[int] = []
    with ExitStack() as stack:
        n_idle = stack.enter_context(open_pages(web.port, options.idle))
        threads = [
            threading.Thread(target=_annotate, args=(web.port, token, tally, end, options.pause, number))
            for number, (token, tally) in enumerate(zip(tokens, tallies, strict=True))
        ]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            memory.append(_read_memory(web.process.pid))
            if not options.no_training:
                _keep_training(training, jobs)
            time.sleep(SAMPLE_SECONDS)
        for thread in threads:
            thread.join(timeout=120)
    n_stored = count_votes(engine)[0] - n_before
    kill(web.process)
    engine.dispose()
    return _sum_up(tallies, memory, n_stored) | {
        "annotators": options.annotators,
        "minutes": options.minutes,
        "idle_pages": n_idle,
        "trainings": len(jobs),
    }


def _sum_up(tallies: list[Tally], memory: list[float], n_stored: int) -> dict[str, Any]:
    seconds = [value for tally in tallies for value in tally.seconds] or [float("nan")]
    errors = [error for tally in tallies for error in tally.errors]
    for error in sorted(set(errors))[:5]:
        print(f"error: {error}", flush=True)
    n_votes = sum(tally.acknowledged for tally in tallies)
    n_smooth = max(len(memory) // 20, 1)
    half = memory[len(memory) // 2 :]
    begin, finish = (sum(part) / len(part) for part in (half[:n_smooth], half[-n_smooth:]))
    return {
        "votes": n_votes,
        "p50_ms": percentile_ms(seconds, 50),
        "p95_ms": percentile_ms(seconds, 95),
        "p99_ms": percentile_ms(seconds, 99),
        "errors": len(errors),
        "lost": n_votes - n_stored,
        "memory_mib": [round(begin), round(finish)],
        "memory_growth": round(finish / begin - 1, 4),
    }


def _annotate(port: int, key: str, tally: Tally, end: float, pause: float, number: int) -> None:
    """Vote until the end, as the Label page does: the pair after the one that is shown is held, too."""
    draw = random.Random(number)
    try:
        time.sleep(draw.uniform(0, pause))
        welcome = _ask(port, "label_open", key, None)
        project_id, shown = welcome["project"]["project_id"], welcome["turn"]["pair"]
        ahead = _ask(port, "label_ahead", key, project_id, shown["lease_id"])["pair"]
        while shown is not None and time.monotonic() < end:
            time.sleep(draw.uniform(0.5, 1.5) * pause)
            lease_id, shown = shown["lease_id"], ahead
            vote = make_vote(project_id, lease_id, shown=shown, seconds=pause)
            began = time.perf_counter()
            turn = _ask(port, "label_vote", key, vote)
            tally.seconds.append(time.perf_counter() - began)
            ahead = turn["pair"]
            if turn["reveal"] is None:
                tally.errors.append(turn["notice"])
            else:
                tally.acknowledged += 1
    except Exception as error:  # noqa: BLE001 - whatever stops an annotator is one of the figures
        tally.errors.append(repr(error))


def _ask(port: int, endpoint: str, *data: Any) -> dict[str, Any]:
    """Ask on a new connection: the server closes one that waits for as long as a person reads."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        return ask(connection, endpoint, *data)


@contextmanager
def open_pages(port: int, n: int) -> Iterator[int]:
    """Hold the streams that so many open pages hold; gives how many there are."""
    held: list[socket.socket] = []
    try:
        for number in range(n):
            page = socket.create_connection(("127.0.0.1", port), timeout=60)
            held.append(page)
            page.sendall(
                f"GET /gradio_api/heartbeat/idle{number} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
            )
            if not page.recv(64).startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"page {number} of those that do nothing was not let in")
        yield len(held)
    finally:
        for page in held:
            with suppress(OSError):
                page.close()


def _keep_training(training: Training, jobs: list[int]) -> None:
    if not jobs or training.jobs.get(jobs[-1]).status.is_finished():
        jobs.append(training.request().id)


def _read_memory(process_id: int) -> float:
    """MiB that a process has in memory."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the web process has ended")


def _allow_files(n: int) -> None:
    """Let this process, and what it starts, have so many connections open, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n if hard == resource.RLIM_INFINITY else min(n, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


if __name__ == "__main__":
    main()

"""Kills of the web process, alone and with its worker, while people vote; for ``benchmarks.faults``.

Each annotator is a thread with a key of its own. A vote that was not answered is sent again with the key
that it had, to the process that was started anew, until it is acknowledged or refused.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks import loopback
from benchmarks.fault_tally import APP, Damage, kill, make_environment, start
from benchmarks.fault_work import count_jobs, make_trained_store, wait_for_job
from benchmarks.label_loop import ask, make_queue
from blender_ui.services.training.requests import Training
from blender_ui.worker.lock import LOCK_NAME
from db.models import Outcome

N_CLIENTS = 4
N_ITEMS = 20_000
PAUSE_SECONDS = 0.02
"""Between an annotator's votes, so that the queue outlasts the kills."""
LONGEST_START_SECONDS = 300
_OUTCOMES = tuple(Outcome)


@dataclass
class Web:
    """The web process, of which there is one after another."""

    env: dict[str, str]
    log: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    is_over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start one and wait until it answers."""
        self.port = loopback.find_free_port()
        self.process = start([APP], env=self.env | {"BLENDER_UI_PORT": str(self.port)}, log=self.log)
        until = time.monotonic() + LONGEST_START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the app did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", "/config")
                return connection.getresponse().status == 200
            except OSError:
                return False


@dataclass
class Said:
    """What the app told one annotator: outcomes that it acknowledged by lease, and how often it did not."""

    acknowledged: dict[int, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def kill_while_voting(folder: Path, n_kills: int, draw: random.Random) -> Damage:
    """Kill the web process alone."""
    home = folder / "home"
    web = Web(make_environment(home, WORKER="none"), folder / "log")
    engine = make_queue(home, N_ITEMS)
    said, threads = _begin_voting(web)
    done = 0
    for _ in range(n_kills):
        web.start()
        time.sleep(draw.uniform(0.2, 3.0))
        assert web.process is not None
        done += kill(web.process)
    return _end_voting(web, engine, said, threads).and_(Damage(kills=done))


def kill_both(folder: Path, n_kills: int, draw: random.Random) -> Damage:
    """Kill the web process and its worker, one right after the other, while a training runs."""
    home = folder / "home"
    web = Web(make_environment(home), folder / "log")
    engine = make_queue(home, N_ITEMS)
    training = make_trained_store(home)
    said, threads = _begin_voting(web)
    jobs, done = [training.request().id], 0
    while done < n_kills:
        if training.jobs.get(jobs[-1]).status.is_finished():
            jobs.append(training.request().id)
        web.start()
        _wait_for_worker(home)
        time.sleep(draw.uniform(0.2, 10.0))
        worker_first = draw.random() < 0.5
        done += _kill_worker(home) if worker_first else 0
        assert web.process is not None
        done += kill(web.process)
        done += 0 if worker_first else _kill_worker(home)
    damage = _end_voting(web, engine, said, threads, job=(training, jobs[-1]))
    return damage.and_(Damage(kills=done)).and_(count_jobs(training, jobs))


def _begin_voting(web: Web) -> tuple[list[Said], list[threading.Thread]]:
    said = [Said() for _ in range(N_CLIENTS)]
    threads = [
        threading.Thread(target=_vote, args=(web, f"benchmark-annotator-{number}", one), daemon=True)
        for number, one in enumerate(said)
    ]
    for thread in threads:
        thread.start()
    return said, threads


def _end_voting(
    web: Web,
    engine: Engine,
    said: list[Said],
    threads: list[threading.Thread],
    job: tuple[Training, int] | None = None,
) -> Damage:
    """Let the last votes come through on a process that lives, then hold what was said against the store."""
    web.start()
    time.sleep(2)
    web.is_over.set()
    for thread in threads:
        thread.join(timeout=120)
    assert web.process is not None
    if job is not None:
        wait_for_job(*job, web.process)
    kill(web.process)
    if stuck := sum(thread.is_alive() for thread in threads):
        raise SystemExit(f"{stuck} annotators never got an answer: {web.log.read_text()[-2000:]}")
    return _count(engine, said)


def _vote(web: Web, key: str, said: Said) -> None:
    """Vote until told to stop; one vote is repeated until the app says what became of it."""
    connection: http.client.HTTPConnection | None = None
    waiting: dict[str, Any] | None = None
    while not (web.is_over.is_set() and waiting is None):
        if connection is None or connection.port != web.port:
            connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
        try:
            if waiting is None:
                welcome = ask(connection, "label_open", key, None)
                shown = welcome["turn"]["pair"]
                if shown is None:
                    return
                waiting = _fill(welcome["project"]["project_id"], shown["lease_id"])
            turn = ask(connection, "label_vote", key, waiting)
        except (OSError, http.client.HTTPException):
            connection.close()
            connection = None
            time.sleep(0.05)
            continue
        if turn["reveal"] is None:
            said.refused.append(turn["notice"])
        else:
            said.acknowledged[waiting["lease_id"]] = waiting["outcome"]
        waiting = None
        time.sleep(PAUSE_SECONDS)


def _fill(project_id: int, lease_id: int) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "shown": None,
        "lease_id": lease_id,
        "outcome": _OUTCOMES[lease_id % len(_OUTCOMES)].value,
        "token": f"{lease_id}",
        "reason": None,
        "seconds": 1.0,
    }


def _count(engine: Engine, said: list[Said]) -> Damage:
    with engine.connect() as connection:
        votes = connection.execute(
            text("SELECT lease_id, comparison_id, outcome FROM preference WHERE lease_id IS NOT NULL")
        ).all()
    engine.dispose()
    stored = {lease_id: outcome for lease_id, _, outcome in votes}
    acknowledged = {lease: outcome for one in said for lease, outcome in one.acknowledged.items()}
    by_pair = Counter(comparison_id for _, comparison_id, _ in votes)
    refused = [notice for one in said for notice in one.refused]
    for notice in sorted(set(refused)):
        print(f"refused: {notice}", flush=True)
    return Damage(
        acknowledged=len(acknowledged),
        lost=sum(stored.get(lease) != outcome for lease, outcome in acknowledged.items()),
        doubled=sum(n - 1 for n in by_pair.values()),  # each pair is for one person
        refused=len(refused),
    )


def _worker_id(home: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int((home / LOCK_NAME).read_text())
    return None


def _wait_for_worker(home: Path) -> None:
    until = time.monotonic() + LONGEST_START_SECONDS
    while time.monotonic() < until:
        process = _worker_id(home)
        if process is not None and Path(f"/proc/{process}").exists():
            return
        time.sleep(0.1)
    raise SystemExit("the worker did not start")


def _kill_worker(home: Path) -> int:
    process = _worker_id(home)
    if process is None:
        return 0
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:  # it saw its parent's end
        return 0
    return 1

"""Kills of imports, migrations and trainings, for ``benchmarks.faults``.

Invariant: what is counted at the end is read from the store by statements of this module's own.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from alembic import command

from benchmarks.fault_tally import Damage, kill, make_environment, start
from benchmarks.import_export import make_records
from blender_ui.exchange import write_records
from blender_ui.services.data.importing import Importing
from blender_ui.services.training.requests import Training
from db.engine import create_store
from db.enums import JobStatus
from db.migrations import alembic_config, migrate
from db.models import utc_now

N_IMPORTED = 2_000
N_MIGRATED = 60_000
N_TRAINED = 60
JOB_SECONDS = 900
"""How long the last worker may take for a job that kills left behind, on a busy machine."""
WORKER = ["-m", "blender_ui.worker"]
CLI = ["-m", "blender_ui.cli"]


def kill_imports(folder: Path, n_kills: int, draw: random.Random) -> Damage:
    """Kill an import of a file into a store that has another file's votes."""
    home = folder / "home"
    env = make_environment(home)
    store, before, path = home / "blender.sqlite", folder / "before.jsonl", folder / "in.jsonl"
    records = list(make_records(N_IMPORTED * 2))
    write_records(before, records[: len(records) // 2])
    write_records(path, records[len(records) // 2 :])
    _run([*CLI, "import", str(before)], env=env, log=folder / "log")
    pristine = shutil.copytree(home, folder / "pristine")
    seconds = _run([*CLI, "import", str(path)], env=env, log=folder / "log")
    n_kept, n_whole, lost, doubled, done = _count_votes(pristine / store.name), _count_votes(store), 0, 0, 0
    shutil.rmtree(home)
    shutil.copytree(pristine, home)
    while done < n_kills:
        process = start([*CLI, "import", str(path)], env=env, log=folder / "log")
        _wait_at_most(process, draw.uniform(0.3 * seconds, 1.2 * seconds))
        done += kill(process)
        n_votes = _count_votes(store)
        lost += max(n_kept - n_votes, 0) + (n_kept < n_votes < n_whole) * (n_whole - n_votes)
        doubled += max(n_votes - n_whole, 0)
        if n_votes == n_whole:  # the next kill finds the store of before
            shutil.rmtree(home)
            shutil.copytree(pristine, home)
    _run([*CLI, "import", str(path)], env=env, log=folder / "log")
    n_votes = _count_votes(store)
    return Damage(
        kills=done,
        acknowledged=n_kept,
        lost=lost + max(n_whole - n_votes, 0),
        doubled=doubled + max(n_votes - n_whole, 0),
    )


def kill_migrations(folder: Path, n_kills: int, draw: random.Random) -> Damage:
    """Kill the first command on a store of the first schema, which migrates it."""
    home = folder / "home"
    env = make_environment(home)
    store = home / "blender.sqlite"
    pristine = _make_first_store(folder / "first.sqlite")
    expected = _read_outcomes(pristine)
    shutil.copy(pristine, store)
    seconds = _run([*CLI, "account", "list"], env=env, log=folder / "log")
    newest = _read_revision(store)
    _put_back(pristine, store)
    lost = doubled = done = 0
    while done < n_kills:
        process = start([*CLI, "account", "list"], env=env, log=folder / "log")
        _wait_at_most(process, draw.uniform(0.3 * seconds, 1.1 * seconds))
        done += kill(process)
        found = _read_outcomes(store)
        lost += sum((expected - found).values())
        doubled += sum((found - expected).values())
        if _read_revision(store) == newest:
            _put_back(pristine, store)
    _run([*CLI, "account", "list"], env=env, log=folder / "log")
    found = _read_outcomes(store)
    lost += sum((expected - found).values())
    return Damage(kills=done, acknowledged=sum(expected.values()), lost=lost, doubled=doubled)


def _put_back(pristine: Path, store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):  # with what SQLite keeps beside it
        file.unlink()
    shutil.copy(pristine, store)


def kill_trainings(folder: Path, n_kills: int, draw: random.Random) -> Damage:
    """Kill the worker in the middle of trainings; the one after the last kill may finish."""
    home = folder / "home"
    env = make_environment(home)
    training = make_trained_store(home)
    jobs, done = [training.request().id], 0
    began = time.monotonic()
    process = start(WORKER, env=env, log=folder / "log")
    wait_for_job(training, jobs[0], process)
    seconds = time.monotonic() - began
    kill(process)
    while done < n_kills:
        if training.jobs.get(jobs[-1]).status.is_finished():
            jobs.append(training.request().id)
        process = start(WORKER, env=env, log=folder / "log")
        _wait_at_most(process, draw.uniform(0.2 * seconds, 1.1 * seconds))
        done += kill(process)
    process = start(WORKER, env=env, log=folder / "log")
    wait_for_job(training, jobs[-1], process)
    kill(process)
    return Damage(kills=done).and_(count_jobs(training, jobs))


def make_trained_store(home: Path) -> Training:
    """A store with preferences to train on, in a home; gives what asks for trainings."""
    home.mkdir(exist_ok=True)
    engine = create_store(f"sqlite:///{home / 'blender.sqlite'}")
    migrate(engine)
    path = home / "trained.jsonl"
    write_records(path, make_records(N_TRAINED))
    Importing(engine, clock=utc_now, seed=1, overlap=1).import_file(path)
    return Training(engine, train_every=0, clock=utc_now)


def wait_for_job(training: Training, job_id: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a job is over, ``JOB_SECONDS`` have passed or the process that should do it ended."""
    until = time.monotonic() + JOB_SECONDS
    while not training.jobs.get(job_id).status.is_finished() and time.monotonic() < until:
        if process.poll() is not None:
            return
        time.sleep(0.2)


def count_jobs(training: Training, jobs: list[int]) -> Damage:
    """How the jobs ended; one that failed without a reason counts as unfinished."""
    ends = [training.jobs.get(job_id) for job_id in jobs]
    unfinished = [
        job
        for job in ends
        if not job.status.is_finished() or (job.status is JobStatus.FAILED and not job.error)
    ]
    failed = [job for job in ends if job.status is JobStatus.FAILED]
    for job in failed:
        print(f"a training failed with: {job.error}", flush=True)
    return Damage(jobs=len(ends), jobs_failed=len(failed), jobs_unfinished=len(unfinished))


def _run(arguments: list[str], *, env: dict[str, str], log: Path) -> float:
    """Run Python with arguments to its end; seconds."""
    began = time.monotonic()
    process = start(arguments, env=env, log=log)
    if process.wait():
        raise SystemExit(f"{arguments} failed: {log.read_text(errors='replace')[-2000:]}")
    return time.monotonic() - began


def _wait_at_most(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def _count_votes(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (n,) = connection.execute("SELECT count(*) FROM preference").fetchone()
    return int(n)


def _read_outcomes(path: Path) -> Counter[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return Counter(connection.execute("SELECT idempotency_key, outcome FROM preference").fetchall())


def _read_revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)


def _make_first_store(path: Path) -> Path:
    """A store as the first schema left it, with votes on pairs of their own."""
    engine = create_store(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    engine.dispose()
    now, numbers = "2026-01-01 00:00:00", range(1, N_MIGRATED + 1)
    outcomes = ("left", "right", "tie", "both_bad")
    pair = "id, prompt_id, left_id, right_id, origin, priority, overlap, n_taken, is_open"
    tables = {
        "annotator (id, key, name, kind, role, created_at)": [(1, "k", "Ada", "human", "admin", now)],
        "member (id, name, backend, model, options, fingerprint, created_at)": [
            (n, name, "import", name, "{}", name, now) for n, name in enumerate("ab", start=1)
        ],
        "prompt (id, instruction, input, fingerprint, created_at)": [
            (n, f"Question {n}?", "", f"{n}", now) for n in numbers
        ],
        "candidate (id, prompt_id, member_id, text, created_at)": [
            (2 * n - 2 + member, n, member, f"Answer {member} to {n}.", now)
            for n in numbers
            for member in (1, 2)
        ],
        f"comparison ({pair}, created_at)": [
            (n, n, 2 * n - 1, 2 * n, "queue", 0, 1, 1, 0, now) for n in numbers
        ],
        "preference (id, comparison_id, annotator_id, outcome, idempotency_key, created_at)": [
            (n, n, 1, outcomes[n % 4], f"{n}", now) for n in numbers
        ],
    }  # fmt: skip
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in tables.items():
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return path

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from blender_ui.errors import RankerError
from blender_ui.services.training.requests import Training
from blender_ui.worker.lock import WorkerLock
from blender_ui.worker.reasons import describe_failure
from blender_ui.worker.train_now import train_now
from blender_ui.worker.worker import Worker
from blender_ui.worker.workflow import _engine_options
from db.engine import create_store
from db.models import JobStatus, utc_now
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import make_store
from tests.ranking.scripted_reader import ScriptedReader
from tests.worker.scripted_worker import jobs_url, make_run

pytestmark = pytest.mark.slow


class OutOfMemoryError(RuntimeError):
    """Named as torch names it, which this process does not import."""


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (MemoryError(), "memory ran out: MemoryError."),
        (OutOfMemoryError("CUDA out of memory"), "memory ran out: CUDA out of memory."),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory ran out: DefaultCPUAllocator"),
        (RuntimeError("CUDA error: out of memory"), "memory ran out: CUDA error: out of memory."),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling"), "memory ran out: CUBLAS_STATUS"),
        (RankerError("expected a folder"), "expected a folder"),
        (ValueError("bad"), "ValueError: bad"),
    ],
)
def test_a_failure_becomes_a_sentence(error: Exception, start: str) -> None:
    assert describe_failure(error).startswith(start)


def test_where_sqlite_knows_no_parts_of_seconds_dbos_gets_its_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))  # Debian 12's
    engine = create_engine("sqlite://", **_engine_options("sqlite://"))
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE t (id, at INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
        )
        connection.execute(text("INSERT INTO t (id) VALUES (1)"))
        at = connection.execute(text("SELECT at FROM t")).scalar_one()
        now = connection.execute(text("SELECT unixepoch('subsec') * 1000")).scalar_one()
    engine.dispose()
    assert abs(time.time() * 1000 - at) < 60_000
    assert now >= at
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 42, 0))
    assert _engine_options("sqlite://") == {}
    assert _engine_options("postgresql+psycopg://host/name") == {}


class ShortOfMemory(ScriptedReader):
    def read(self, prompt, answers):  # type: ignore[no-untyped-def]
        raise MemoryError("could not allocate 3 GiB")


def test_training_from_a_terminal_does_the_work_itself_and_shows_it(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    lines: list[str] = []
    job = train_now(
        Training(engine, train_every=0, clock=utc_now),
        build_run=lambda: make_run(engine, tmp_path),
        take_lock=partial(WorkerLock, tmp_path),
        jobs_url=jobs_url(tmp_path),
        write=lines.append,
    )
    assert job.status is JobStatus.COMPLETE
    assert lines[-1] == f"job {job.id}: 100 %, complete"
    WorkerLock(tmp_path).release()


def test_memory_that_runs_out_fails_the_job_with_the_reason_and_the_worker_goes_on(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    lines: list[str] = []
    job = train_now(
        training,
        build_run=lambda: make_run(engine, tmp_path, open_reader=ShortOfMemory),
        take_lock=partial(WorkerLock, tmp_path),
        jobs_url=jobs_url(tmp_path),
        write=lines.append,
    )
    assert job.status is JobStatus.FAILED
    assert (
        job.error == "memory ran out: could not allocate 3 GiB. Close other programs or take a smaller model."
    )
    assert job.error in lines[-1]


def test_training_from_a_terminal_follows_the_worker_that_runs(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    lock = WorkerLock(tmp_path)
    worker = Worker(make_run(create_store(str(engine.url)), tmp_path), jobs_url=jobs_url(tmp_path), lock=lock)
    stopping = threading.Event()
    thread = threading.Thread(target=worker.serve, args=(stopping,))
    thread.start()
    try:
        job = train_now(
            Training(engine, train_every=0, clock=utc_now),
            build_run=lambda: pytest.fail("a worker runs already"),
            take_lock=partial(WorkerLock, tmp_path),
            jobs_url=jobs_url(tmp_path),
            write=lambda line: None,
        )
    finally:
        stopping.set()
        thread.join()
        worker.close()
        lock.release()
    assert job.status is JobStatus.COMPLETE


def test_training_from_a_terminal_takes_over_from_a_worker_that_is_gone(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    lock = WorkerLock(tmp_path)
    lines: list[str] = []

    def now() -> datetime:
        # An hour after the request there is no sign of life from the worker that holds the lock.
        return utc_now() + timedelta(hours=1 if lines else 0)

    def write(line: str) -> None:
        lines.append(line)
        if "worker not running" in line:
            lock.release()

    job = train_now(
        Training(engine, train_every=0, clock=now),
        build_run=lambda: make_run(engine, tmp_path),
        take_lock=partial(WorkerLock, tmp_path),
        jobs_url=jobs_url(tmp_path),
        write=write,
    )
    assert any("worker not running" in line for line in lines)
    assert job.status is JobStatus.COMPLETE


def test_a_job_whose_workflow_was_given_up_is_failed_with_a_reason(tmp_path: Path) -> None:
    from dbos import DBOS

    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    run = make_run(engine, tmp_path, open_reader=lambda: ScriptedReader(seconds=0.05))
    worker = Worker(run, jobs_url=jobs_url(tmp_path), lock=WorkerLock(tmp_path))
    try:
        job = training.request()
        worker.poll()
        (unfinished,) = run.list_unfinished()
        while training.jobs.get(job.id).status is not JobStatus.RUNNING:
            time.sleep(0.05)
        DBOS.cancel_workflow(unfinished.workflow_id)
        while not training.jobs.get(job.id).status.is_finished():
            worker.poll()
            time.sleep(0.05)
    finally:
        worker.close()
    view = training.jobs.get(job.id)
    assert view.status is JobStatus.FAILED
    assert view.error is not None
    assert "CANCELLED" in view.error

"""Several workers on one PostgreSQL server: each has a name, and what one leaves another takes over."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.errors import StorageError
from blender_ui.services.training.requests import Training
from blender_ui.store import connect_store
from blender_ui.worker.lock import ServerLock
from db.migrations import migrate
from db.models import JobStatus, utc_now
from tests.builders.postgresql import PROGRAMS, an_empty_database, running_server
from tests.builders.preferences import add_labeled_prompts
from tests.builders.trained import versions_of

REPOSITORY = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PROGRAMS, reason="needs PostgreSQL's server programs"),
]
Process = subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with running_server() as folder:
        yield folder


@pytest.fixture
def engine(server: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    with an_empty_database(server, request.node.name) as engine:
        migrate(engine)
        yield engine


def test_every_worker_has_a_name_that_is_free_once_it_is_gone(engine: Engine) -> None:
    first, second = ServerLock(engine), ServerLock(engine)
    assert first.name != second.name
    assert not first.is_gone(second.name)
    assert not first.is_gone(first.name)
    assert first.is_gone("a machine that was taken away")
    second.release()
    assert first.is_gone(second.name)
    third = ServerLock(engine)
    assert third.name == second.name
    for lock in (first, third):
        lock.release()


def test_one_of_all_workers_has_members_answer(engine: Engine) -> None:
    first, second = ServerLock(engine), ServerLock(engine)
    assert first.may_generate()
    assert first.may_generate()
    assert not second.may_generate()
    first.release()
    assert second.may_generate()
    second.release()


def test_a_worker_whose_connection_is_gone_hears_of_it(engine: Engine) -> None:
    watched = connect_store(engine.url.render_as_string(hide_password=False), name="the store")
    lock = ServerLock(watched)
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
    with pytest.raises(StorageError):
        lock.check()
    lock.release()
    watched.dispose()


def test_a_job_whose_worker_is_killed_is_finished_by_the_other(engine: Engine, tmp_path: Path) -> None:
    add_labeled_prompts(engine, n_prompts=40)
    training = Training(engine, train_every=0, clock=utc_now)
    url = engine.url.render_as_string(hide_password=False)
    with running_worker(tmp_path, url) as first:
        job = training.request()
        wait_until_reading(training, job.id, first)
        with running_worker(tmp_path, url) as second:
            first.kill()
            first.wait()
            while not (found := training.jobs.get(job.id)).status.is_finished():
                assert second.poll() is None
                time.sleep(0.1)
    assert (found.status, found.error) == (JobStatus.COMPLETE, None)
    assert len(versions_of(engine).list_versions()) == 1


@contextmanager
def running_worker(home: Path, url: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "tests.worker.scripted_worker", str(home), "0.05", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        try:
            yield worker
        finally:
            worker.kill()


def wait_until_reading(training: Training, job_id: int, worker: Process) -> None:
    while training.jobs.get(job_id).progress < 0.2:
        assert worker.poll() is None
        time.sleep(0.05)

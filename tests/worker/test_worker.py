from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.services.jobs.views import JobView
from blender_ui.services.training.readings import CHUNK
from blender_ui.services.training.requests import Training
from db.engine import transaction
from db.models import Job, JobStatus, utc_now
from tests.builders.preferences import add_labeled_prompts
from tests.builders.stores import make_store
from tests.builders.trained import versions_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
"""For a test that hangs: worker processes yield to everybody else, and load torch or DBOS first."""
REPOSITORY = Path(__file__).parents[2]
N_PROMPTS = 40
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_store(tmp_path)
    add_labeled_prompts(engine, n_prompts=N_PROMPTS)
    return engine


@pytest.fixture
def training(engine: Engine) -> Training:
    return Training(engine, train_every=0, clock=utc_now)


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Start]:
    workers: list[subprocess.Popen[bytes]] = []

    def start(*, seconds: float = 0.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.worker.scripted_worker", str(tmp_path), str(seconds)]
        worker = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        workers.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                pipe.close()


def wait_for(
    training: Training,
    job_id: int,
    is_true: Callable[[JobView], bool],
    worker: subprocess.Popen[bytes],
) -> JobView:
    """Wait for a state of the job, however busy the machine; not longer than it or its worker lives.

    pytest's own limit ends a test that hangs.
    """
    while not is_true(job := training.jobs.get(job_id)):
        assert not job.status.is_finished(), f"the job ended before that: {job}"
        assert worker.poll() is None, f"the worker ended with {worker.returncode}, the job is {job}"
        time.sleep(0.05)
    return job


def test_a_job_requested_before_any_worker_is_trained_when_one_comes(
    engine: Engine, training: Training, start_worker: Start, tmp_path: Path
) -> None:
    job = training.request()
    worker = start_worker()
    end = wait_for(training, job.id, lambda view: view.status.is_finished(), worker)
    assert (end.status, end.error, end.progress) == (JobStatus.COMPLETE, None, 1.0)
    (version,) = versions_of(engine).list_versions()
    assert end.version_id == version.id
    assert version.is_active
    assert version.metrics["held_out"]["accuracy"] > 0.7
    assert (tmp_path / "rankers" / version.path).is_dir()
    assert "of chance" in versions_of(engine).decisions(version.id)[0].reason
    assert training.jobs.curve(job.id)


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_finishes_once(
    engine: Engine, training: Training, start_worker: Start, tmp_path: Path
) -> None:
    job = training.request()
    first = start_worker(seconds=0.05)
    wait_for(training, job.id, lambda view: view.progress > 0.3, first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert training.jobs.get(job.id).status is JobStatus.RUNNING
    second = start_worker()
    end = wait_for(training, job.id, lambda view: view.status.is_finished(), second)
    assert end.status is JobStatus.COMPLETE
    assert len(versions_of(engine).list_versions()) == 1
    n_times = Counter((tmp_path / "read.log").read_text().splitlines())
    assert len(n_times) == 2 * N_PROMPTS
    assert sum(n_times.values()) - 2 * N_PROMPTS <= CHUNK
    assert not list((tmp_path / "rankers").glob(".unfinished*"))


def test_a_worker_told_to_end_does_so_at_once_and_the_next_one_goes_on(
    training: Training, start_worker: Start
) -> None:
    job = training.request()
    first = start_worker(seconds=0.05)
    wait_for(training, job.id, lambda view: view.progress > 0.1, first)
    first.terminate()
    assert first.wait() == 0
    assert training.jobs.get(job.id).status is JobStatus.RUNNING, "it waited for the job's end"
    second = start_worker()
    end = wait_for(training, job.id, lambda view: view.status.is_finished(), second)
    assert end.status is JobStatus.COMPLETE


def test_a_worker_ends_when_its_parents_pipe_closes(start_worker: Start) -> None:
    worker = start_worker()
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait() == 0


def test_a_running_job_is_cancelled_and_the_next_one_is_taken(
    engine: Engine, training: Training, start_worker: Start
) -> None:
    job = training.request()
    worker = start_worker(seconds=0.05)
    wait_for(training, job.id, lambda view: view.status is JobStatus.RUNNING and view.progress > 0, worker)
    training.jobs.cancel(job_id=job.id)
    end = wait_for(training, job.id, lambda view: view.status.is_finished(), worker)
    assert end.status is JobStatus.CANCELLED
    assert versions_of(engine).list_versions() == ()
    after = training.request()
    end = wait_for(training, after.id, lambda view: view.status.is_finished(), worker)
    assert end.status is JobStatus.COMPLETE


def test_a_job_cancelled_while_it_waits_is_never_run(
    engine: Engine, training: Training, start_worker: Start
) -> None:
    job = training.request()
    training.jobs.cancel(job_id=job.id)
    after = training.request()
    wait_for(training, after.id, lambda view: view.status.is_finished(), start_worker())
    cancelled = training.jobs.get(job.id)
    assert (cancelled.status, cancelled.started_at) == (JobStatus.CANCELLED, None)
    versions = versions_of(engine).list_versions()
    assert [version.id for version in versions] == [training.jobs.get(after.id).version_id]


def test_a_waiting_job_gets_signs_of_life_from_the_worker_that_is_busy(
    training: Training, start_worker: Start, engine: Engine
) -> None:
    first = training.request()
    worker = start_worker(seconds=0.2)
    wait_for(training, first.id, lambda view: view.status is JobStatus.RUNNING, worker)
    second = training.request()
    assert second.id != first.id
    wait_for(training, second.id, lambda view: has_sign_of_life(engine, view), worker)
    assert training.jobs.get(second.id).status is JobStatus.WAITING
    training.jobs.cancel(job_id=second.id)
    training.jobs.cancel(job_id=first.id)
    wait_for(training, first.id, lambda view: view.status.is_finished(), worker)


def has_sign_of_life(engine: Engine, job: JobView) -> bool:
    with transaction(engine) as session:
        return session.get_one(Job, job.id).heartbeat_at is not None

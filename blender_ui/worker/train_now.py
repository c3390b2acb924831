"""Training from a terminal: ask for a job and follow it, doing the work here where no worker does.

Invariant: the job is the same as one that a page asks for; ending this program leaves it resumable.
Non-goal: options and output formats, which belong to the command.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from blender_ui.errors import Refused
from blender_ui.services.jobs.views import JobView
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.worker.lock import Lock
from blender_ui.worker.worker import Worker

FOLLOW_SECONDS = 0.5


def train_now(
    training: Training,
    *,
    build_run: Callable[[], TrainingRun],
    take_lock: Callable[[], Lock],
    jobs_url: str,
    write: Callable[[str], None],
    request: Mapping[str, Any] | None = None,
) -> JobView:
    """Train and wait for the end.

    Args:
        training: Takes the request.
        build_run: Makes what does the work, if it has to be done here.
        take_lock: Becomes a worker, or refuses where another one does the work.
        jobs_url: URL of the job queue's database.
        write: Is given a line whenever the job moved on.
        request: Arguments of ``Training.request``.

    Returns:
        The finished job; its status says how it ended.

    Raises:
        Refused: If there is not enough to train on.
    """
    job = training.request(**(request or {}))
    with ExitStack() as stack:

        def find_worker() -> Worker | None:
            found = _worker_unless_one_runs(build_run, take_lock=take_lock, jobs_url=jobs_url)
            return stack.enter_context(found)

        worker, written = find_worker(), ""
        while True:
            if worker is None and job.is_stalled:
                worker = find_worker()  # the one that was followed is gone
            if worker is not None:
                worker.poll()
            job = training.jobs.get(job.id)
            line = describe_job(job)
            if line != written:
                write(line)
                written = line
            if job.status.is_finished():
                return job
            time.sleep(FOLLOW_SECONDS)


def describe_job(job: JobView) -> str:
    """One line that says where a job stands."""
    line = f"job {job.id}: {100 * job.progress:.0f} %, {job.phase}"
    if job.remaining_seconds is not None:
        line += f", about {job.remaining_seconds:.0f} s left"
    return line if job.error is None else f"{line}: {job.error}"


@contextmanager
def _worker_unless_one_runs(
    build_run: Callable[[], TrainingRun], *, take_lock: Callable[[], Lock], jobs_url: str
) -> Iterator[Worker | None]:
    try:
        lock = take_lock()
    except Refused:
        yield None
        return
    try:
        worker = Worker(build_run(), jobs_url=jobs_url, lock=lock)
        try:
            yield worker
        finally:
            worker.close()
    finally:
        lock.release()

"""The background worker: takes waiting jobs from the store and sees each to its end.

Invariant: stopping is the same as crashing: the next worker goes on from the last chunk, and a job
that no worker can carry out ends with a reason. Non-goal: the training itself; ``worker.lock`` says which
worker this is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from blender_ui.services.training.run import TrainingRun
from blender_ui.worker.lock import Lock
from blender_ui.worker.workflow import MAX_RESTARTS, Workflows

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0


class Worker:
    """Hands waiting jobs to the workflow, gives signs of life, and closes jobs that were given up.

    Args:
        run: Carries out the steps.
        jobs_url: URL of the job queue's database.
        lock: Names this worker, and knows which others are gone.
        signs_of_life: Given beside this worker's own, for jobs that other threads of the process carry out.
        monotonic: Seconds from any start.
    """

    def __init__(
        self,
        run: TrainingRun,
        *,
        jobs_url: str,
        lock: Lock,
        signs_of_life: Sequence[Callable[[], None]] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._signs_of_life = signs_of_life
        self._monotonic = monotonic
        self._lock = lock
        self._workflows = Workflows(run, jobs_url=jobs_url, executor_id=lock.name)
        self._known: set[int] = set()
        self._beat_at: float | None = None

    def serve(self, stopping: threading.Event) -> None:
        """Work until told to stop."""
        while not stopping.is_set():
            self.poll()
            stopping.wait(POLL_SECONDS)

    def poll(self) -> None:
        """Look at the store once."""
        unfinished = self._run.list_unfinished()
        for job in unfinished:
            if job.job_id not in self._known:
                self._workflows.enqueue(job.job_id, job.workflow_id)
                self._known.add(job.job_id)
            end = self._workflows.find_end(job.workflow_id)
            if end is not None:
                self._run.end_failed(job.job_id, _describe_end(end))
        now = self._monotonic()
        if self._beat_at is None or now - self._beat_at >= HEARTBEAT_SECONDS:
            self._beat_at = now
            self._run.touch()
            for give_sign in self._signs_of_life:
                give_sign()
            self._take_over()

    def _take_over(self) -> None:
        """Put the jobs of workers that are gone back into the queue, which waits for them otherwise."""
        self._lock.check()
        for name in self._workflows.find_executors():
            if self._lock.is_gone(name):
                self._workflows.take_over(name)

    def close(self) -> None:
        """Stop the workflow engine."""
        self._workflows.close()


def _describe_end(end: str) -> str:
    if end == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return (
            f"the worker died {MAX_RESTARTS + 1} times in the middle of this job, as it does when memory "
            "runs out; close other programs or take a smaller reader, then train again"
        )
    return f"the job's workflow ended with {end} and left no result; train again"

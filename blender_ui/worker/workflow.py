"""The training workflow: which step comes next, kept by DBOS so that a crash repeats one step at most.

Invariant: every way a workflow can end leaves the job's row finished; a process that is killed leaves
it resumable. Non-goal: what a step does; ``services.training.run`` does it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, SetWorkflowID

from blender_ui.errors import BlenderError
from blender_ui.services.jobs.progress import JobCancelled
from blender_ui.services.training.run import TrainingRun
from blender_ui.store import check_jobs
from blender_ui.worker.reasons import describe_failure

QUEUE = "training"
MAX_RESTARTS = 10
"""How often a job is taken up again after a crash before it is given up."""
CLOSE_SECONDS = 5
# Recovery looks for workflows of its own version, and a new release must still find the old ones.
_APPLICATION_VERSION = "1"
_KNOWS_PARTS_OF_SECONDS = (3, 42)

Result = TypeVar("Result")


class StepFailed(BlenderError):
    """A step failed for good; the text is the reason that the job's row keeps."""


class Workflows:
    """Launches DBOS in this process and hands jobs to it; one at a time may exist in a process.

    Args:
        run: Carries out the steps.
        jobs_url: URL of DBOS' system database.
        executor_id: Names this worker. After a crash, the worker of the same name resumes its jobs.

    Raises:
        StorageError: If the system database cannot be used.
    """

    def __init__(self, run: TrainingRun, *, jobs_url: str, executor_id: str) -> None:
        check_jobs(jobs_url)  # DBOS would print a traceback of its own
        config = DBOSConfig(
            name="blender-ui",
            system_database_url=jobs_url,
            application_version=_APPLICATION_VERSION,
            executor_id=executor_id,
            log_level="ERROR",
            db_engine_kwargs=_engine_options(jobs_url),
        )
        DBOS(config=config)

        # A function of this run's own, because DBOS marks what it decorates and a method cannot be.
        @DBOS.workflow(name="train_ranker", max_recovery_attempts=MAX_RESTARTS)
        def train_ranker(job_id: int) -> None:
            _train(run, job_id)

        self._workflow = train_ranker
        DBOS.launch()
        DBOS.register_queue(
            QUEUE, global_concurrency=1, polling_interval_sec=0.5, on_conflict="always_update"
        )

    def enqueue(self, job_id: int, workflow_id: str) -> None:
        """Put a job in the queue; one that is there already, or was, is left as it is."""
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(QUEUE, self._workflow, job_id)

    def find_end(self, workflow_id: str) -> str | None:
        """DBOS' word for how a workflow ended; None where it may still go on."""
        status = DBOS.get_workflow_status(workflow_id)
        if status is None or status.status in ("PENDING", "ENQUEUED", "DELAYED"):
            return None
        return str(status.status)

    def find_executors(self) -> set[str]:
        """Names of the workers that have a job, whether they live or not."""
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        return {status.executor_id for status in pending if status.executor_id}

    def take_over(self, executor_id: str) -> None:
        """Resume the jobs of a worker that is gone.

        ``DBOS.resume_workflow`` would do it in public, and forget how often the job was taken up already.
        """
        DBOS._recover_pending_workflows([executor_id])

    def close(self) -> None:
        """Stop taking jobs and let the last step be recorded; what takes longer stays resumable."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=CLOSE_SECONDS)


class _TimedConnection(sqlite3.Connection):
    """One to a SQLite that lacks ``unixepoch('subsec')``, which DBOS takes for granted from Python 3.12 on.

    Debian 12 and Ubuntu 22.04 have such a one, and a Python that is built there uses it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.create_function("unixepoch", -1, lambda *_modifiers: time.time())


def _engine_options(jobs_url: str) -> dict[str, Any]:
    if jobs_url.startswith("sqlite") and sqlite3.sqlite_version_info < _KNOWS_PARTS_OF_SECONDS:
        return {"connect_args": {"factory": _TimedConnection}}
    return {}


def _train(run: TrainingRun, job_id: int) -> None:
    """The workflow's steps. Their order must not change while jobs of an older release wait."""
    try:
        if not _run_step("start", run.start, job_id):
            return
        while _run_step("read_chunk", run.read_chunk, job_id):
            pass
        fitted = _run_step("fit", run.fit, job_id)
        _run_step("register", partial(run.register, fitted=fitted), job_id)
    except JobCancelled:
        run.end_cancelled(job_id)
    except StepFailed as error:
        run.end_failed(job_id, str(error))


def _run_step(name: str, step: Callable[[int], Result], job_id: int) -> Result:
    return DBOS.run_step({"name": name}, _translated(step), job_id)


def _translated(step: Callable[[int], Result]) -> Callable[[int], Result]:
    """A step whose failures are sentences: DBOS keeps them, and a page shows them."""

    def call(job_id: int) -> Result:
        try:
            return step(job_id)
        except JobCancelled:
            raise
        except Exception as error:
            raise StepFailed(describe_failure(error)) from error

    return call

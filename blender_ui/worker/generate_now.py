"""A generation from a terminal: ask for it and follow it, doing the work here where no worker does.

Invariant: the job is the same as one that a page asks for; ending this program leaves it resumable.
Non-goal: options and output formats, which belong to the command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from blender_ui.errors import Refused
from blender_ui.services.asking.generating import GenerationRun
from blender_ui.services.jobs.views import Jobs, JobView
from blender_ui.worker.generation import serve_generations
from blender_ui.worker.lock import Lock

FOLLOW_SECONDS = 0.5
TOUCH_SECONDS = 5.0


def follow_generation(
    jobs: Jobs,
    job_id: int,
    *,
    build_run: Callable[[], GenerationRun],
    take_lock: Callable[[], Lock],
    write: Callable[[JobView], None],
) -> JobView:
    """Wait for a generation's end; its work is done here unless a worker of this home runs.

    Args:
        jobs: Reads the job.
        job_id: The generation.
        build_run: Makes what does the work, if it has to be done here.
        take_lock: Becomes a worker, or refuses where another one does the work.
        write: Is given the job whenever it moved on.
    """
    with ExitStack() as stack:
        run, shown, touched_at = _work_unless_one_runs(stack, build_run, take_lock), None, 0.0
        while True:
            job = jobs.get(job_id)
            if run is None and job.is_stalled:
                run = _work_unless_one_runs(stack, build_run, take_lock)  # the other is gone
            if run is not None and time.monotonic() - touched_at > TOUCH_SECONDS:
                touched_at = time.monotonic()
                run.touch()
            if job != shown:
                write(job)
                shown = job
            if job.status.is_finished():
                return job
            time.sleep(FOLLOW_SECONDS)


def _work_unless_one_runs(
    stack: ExitStack, build_run: Callable[[], GenerationRun], take_lock: Callable[[], Lock]
) -> GenerationRun | None:
    try:
        lock = take_lock()
    except Refused:
        return None
    stack.callback(lock.release)
    if not lock.may_generate():
        return None
    run = build_run()
    stopping = threading.Event()
    thread = serve_generations(run, stopping, lock)
    stack.callback(thread.join, 5.0)
    stack.callback(stopping.set)
    return run

"""The worker's second thread: has the members answer projects' prompts.

Invariant: one generation at a time, of all workers, in a thread of its own, so that a training does not
wait for members nor they for it; what goes wrong ends the job with its reason. Non-goal: which answers
are missing, which ``services.asking.generating`` reads from the rows.
"""

from __future__ import annotations

import logging
import threading

from blender_ui.errors import StorageError
from blender_ui.services.asking.generating import GenerationRun
from blender_ui.worker.lock import Lock
from blender_ui.worker.reasons import describe_failure

POLL_SECONDS = 1.0
_log = logging.getLogger(__name__)


def serve_generations(run: GenerationRun, stopping: threading.Event, lock: Lock) -> threading.Thread:
    """Start the thread; it ends when told to stop, or with the process."""

    def serve() -> None:
        while not stopping.wait(POLL_SECONDS):
            try:
                if not lock.may_generate():
                    continue
            except StorageError:  # the lock may be lost: its own check ends the worker
                continue
            try:
                while not stopping.is_set() and run.work(stopping):
                    pass
            except Exception as error:  # noqa: BLE001 - the edge of a thread: nobody else would hear of it
                _log.exception("a generation failed")
                try:
                    run.end_failed(describe_failure(error))
                except Exception:  # noqa: BLE001 - the store may be what failed; the thread tries again
                    _log.exception("a failed generation could not be recorded")

    thread = threading.Thread(target=serve, name="generations", daemon=True)
    thread.start()
    return thread

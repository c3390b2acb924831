"""What trains one kind of model for a job; a new kind is one more implementation.

Invariant: each step may be repeated after a crash and gives the same. Non-goal: which step comes next
(``worker.workflow``), and the job's row (``run``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.jobs.states import PROJECT
from blender_ui.services.jobs.views import JobView
from blender_ui.services.versions.registration import FittedVersion


class Trainer(Protocol):
    """Trains, in steps. ``progress`` is told of each, and raises where the job was cancelled."""

    def read_chunk(self, job: JobView, progress: JobProgress) -> int:
        """Read and commit a part of what the fit needs; gives how much is left, 0 ends the phase."""
        ...

    def fit(self, job: JobView, progress: JobProgress) -> FittedVersion:
        """Fit on training prompts, judge on held-out ones, and write the checkpoint.

        Raises:
            RankerError: If nothing decided is held out, or the fit failed.
            FusionError: The same of a fuser.
        """
        ...

    def forget(self, job_id: int) -> None:
        """Let go of a finished job: of memory, and of what only a repeated step would need."""
        ...


def keep_project(job: JobView, hyper_parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A version's hyper-parameters with the project that its job learnt from, where it is only one."""
    project_id = job.options.get(PROJECT)
    return dict(hyper_parameters) | ({} if project_id is None else {PROJECT: project_id})

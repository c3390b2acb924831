"""The reason that a failed job shows.

Invariant: a sentence for every error. Non-goal: what is done about it. Needs neither DBOS nor torch.
"""

from __future__ import annotations

from blender_ui.errors import BlenderError
from blender_ui.faults import is_out_of_memory


def describe_failure(error: BaseException) -> str:
    """The reason for a job's row; memory that ran out is told as such, whoever reported it."""
    text = str(error)
    if isinstance(error, BlenderError):
        return text
    if is_out_of_memory(error):
        return (
            f"memory ran out: {text or type(error).__name__}. Close other programs or take a smaller model."
        )
    return f"{type(error).__name__}: {text}"

"""The state of a training run on disk, so that a killed run goes on where it was.

Invariant: the newest whole state is found again, and only by the run that wrote it. Beside
``output`` there is ``output.progress`` while the run lasts. Non-goals: the finished ranker, and the
state of random generators, which a run seeds anew at each step.
"""

from __future__ import annotations

import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from blender_ui.engine.folders import write_folder
from blender_ui.errors import RankerError
from blender_ui.ranking.joint.model import PairModel

_STATE = "state.pt"
SAVE_SECONDS = 60.0
"""After so long the state is saved, however few steps a busy machine took."""


class SaveClock:
    """Says after which steps the state is to be saved.

    Args:
        every: At the latest after so many steps.
        timer: Seconds from a fixed point; by it, at the latest after ``SAVE_SECONDS``.
    """

    def __init__(self, every: int, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._timer = timer
        self._since = timer()

    def is_due(self, step: int) -> bool:
        """Whether the caller has to save after this step, counted from 1."""
        now = self._timer()
        if step % self._every and now - self._since < SAVE_SECONDS:
            return False
        self._since = now
        return True


def save_progress(output: Path, *, digest: str, step: int, model: PairModel, optimizer: Any) -> None:
    """Replace the saved state by this one, whole or not at all.

    Args:
        output: Where the finished ranker will lie.
        digest: Names the run.
        step: Steps done.
        model: Its trained weights are saved.
        optimizer: Its moments are saved.
    """
    state = {
        "digest": digest,
        "step": step,
        "weights": {name: weight for name, weight in model.named_parameters() if weight.requires_grad},
        "optimizer": optimizer.state_dict(),
    }
    write_folder(_find_folder(output), lambda part: torch.save(state, part / _STATE))


def load_progress(output: Path, *, digest: str, model: PairModel, optimizer: Any) -> int:
    """Take up the saved state of this run where there is one.

    Returns:
        The steps done; 0 where nothing was saved, or by a run with another digest.

    Raises:
        RankerError: If the state is there and cannot be read.
    """
    path = _find_folder(output) / _STATE
    if not path.exists():
        return 0
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise RankerError(
            f"expected a training state in {path}; remove its folder to start again: {error}"
        ) from error
    if state["digest"] != digest:
        return 0
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in state["weights"].items():
            parameters[name].copy_(weight)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def clear_progress(output: Path) -> None:
    """Remove the saved state of a run that has ended."""
    shutil.rmtree(_find_folder(output), ignore_errors=True)


def _find_folder(output: Path) -> Path:
    return output.with_name(f"{output.name}.progress")

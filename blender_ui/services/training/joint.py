"""Fine-tuning a joint or pointwise ranker for a job, and predicting with one.

Invariant: a run that died resumes from the state that the fine-tuning saves beside its output, so a
repeated step repeats only the work after it. Non-goal: the fine-tuning itself; it comes in
as a function, because it needs torch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from blender_ui.ranking.protocol import Ranker
from blender_ui.services.jobs.progress import CurvePoint, JobProgress
from blender_ui.services.training.trained import Trained
from blender_ui.values import BoolArray, FloatArray, PreferenceDataset
from db.models import ModelKind

BASE_OPTION = "base"
"""Name of the job's option for the encoder to start from: a catalogue's name or a folder."""
POINTS = 200
"""Most points on a curve."""


class FineTune(Protocol):
    """``ranking.joint.training.train`` behind plain options."""

    def __call__(
        self,
        dataset: PreferenceDataset,
        *,
        base: Path,
        output: Path,
        options: Mapping[str, Any],
        on_progress: Callable[[int, int, float, float], None],
    ) -> object:
        """Fine-tune, resume where a state is there, and write ``output`` whole."""
        ...


@dataclass(frozen=True, kw_only=True)
class JointTools:
    """What needs torch, as bootstrap brings it.

    Attributes:
        fine_tune: Trains; see ``FineTune``.
        open_ranker: Loads a checkpoint's folder.
        find_base: Gives the folder of an encoder by its name or path.
        default_base: The encoder where a job names none.
    """

    fine_tune: FineTune
    open_ranker: Callable[[Path], Ranker]
    find_base: Callable[[str], Path]
    default_base: str


def fit_joint(
    dataset: PreferenceDataset,
    *,
    held_out: BoolArray,
    kind: ModelKind,
    options: Mapping[str, Any],
    tools: JointTools,
    output: Path,
    progress: JobProgress,
    share: tuple[float, float],
) -> Trained:
    """Fine-tune on the preferences that are not held out, drawing the curve as it goes.

    Args:
        dataset: All preferences of the job.
        held_out: Shape (n_preferences,), true where nothing may be learnt.
        kind: JOINT or POINTWISE.
        options: The job's; ``base`` names the encoder, the rest goes to the fine-tuning.
        tools: What needs torch.
        output: The checkpoint's folder.
        progress: Told of each step; raises where the job was cancelled.
        share: Of the whole job that is done before and after.
    """
    base_name = str(options.get(BASE_OPTION, tools.default_base))
    form = "joint" if kind is ModelKind.JOINT else "pointwise"
    chosen = {"form": form, **{key: value for key, value in options.items() if key != BASE_OPTION}}
    base = tools.find_base(base_name)
    curve = _Curve(progress, share)
    tools.fine_tune(
        dataset.select(~held_out),
        base=base,
        output=output,
        options=chosen,
        on_progress=curve.follow,
    )
    progress.flush()
    ranker = tools.open_ranker(output)
    return Trained(
        path=output.name,
        fingerprint=ranker.fingerprint,
        base_model=base_name,
        base_fingerprint=_digest_weights(base),
        hyper_parameters=chosen,
        held_out_logits=predict_joint(ranker, dataset.select(held_out)),
    )


def predict_joint(ranker: Ranker, dataset: PreferenceDataset) -> FloatArray:
    """Log-odds for each preference's left side, shape (n_preferences,): the mean of both orders."""
    logits = np.zeros(len(dataset))
    for index in range(len(dataset)):
        left, right = int(dataset.left[index]), int(dataset.right[index])
        pair = ranker.pairwise_logits(
            dataset.prompts[int(dataset.prompt_of[left])],
            [dataset.texts[left], dataset.texts[right]],
            members=[dataset.members[left], dataset.members[right]],
        )
        logits[index] = (pair[0, 1] - pair[1, 0]) / 2
    return logits


def _digest_weights(folder: Path) -> str:
    """SHA-256 over the weight files of a folder."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class _Curve:
    """Turns steps into progress, time left and at most ``POINTS`` points, each a mean since the last."""

    def __init__(self, progress: JobProgress, share: tuple[float, float]) -> None:
        self._progress = progress
        self._from, self._to = share
        self._losses: list[float] = []
        self._accuracies: list[float] = []
        self._first: tuple[int, float] | None = None

    def follow(self, step: int, n_steps: int, loss: float, accuracy: float) -> None:
        """Take the figures of one step of the fine-tuning."""
        now = self._progress.now()
        if self._first is None:
            self._progress.start_curve(from_step=step)
            self._first = (step, now)
        self._losses.append(loss)
        if not math.isnan(accuracy):
            self._accuracies.append(accuracy)
        if step % max(n_steps // POINTS, 1) == 0 and self._accuracies:
            self._progress.add_point(
                CurvePoint(
                    step=step,
                    loss=float(np.mean(self._losses)),
                    accuracy=float(np.mean(self._accuracies)),
                    held_out_loss=None,
                    held_out_accuracy=None,
                )
            )
            self._losses, self._accuracies = [], []
        first_step, started = self._first
        per_step = (now - started) / (step - first_step) if step > first_step else None
        self._progress.report(
            f"fine-tuning, step {step} of {n_steps}",
            self._from + (self._to - self._from) * step / n_steps,
            remaining_seconds=None if per_step is None else per_step * (n_steps - step),
        )

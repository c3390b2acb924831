"""Fine-tuning a joint or pointwise ranker for a job.

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
from typing import Any, Literal, Protocol

import numpy as np

from blender_ui.ranking.predicting import predict_joint
from blender_ui.services.jobs.progress import CurvePoint, JobProgress
from blender_ui.services.training.rankers import (
    FITTING_ENDS_AT,
    RankerTools,
    RankerTrainer,
    Trained,
    Work,
)
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import BoolArray, PreferenceDataset

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
        find_base: Gives the folder of an encoder by its name or path.
        default_base: The encoder where a job names none.
    """

    fine_tune: FineTune
    find_base: Callable[[str], Path]
    default_base: str


class JointTrainer(RankerTrainer):
    """Fine-tunes an encoder, drawing the curve as it goes.

    Args:
        tools: What every ranker's trainer needs.
        form: What the encoder reads: "joint" for both answers at once, or "pointwise".
        joint: What needs torch.
    """

    reading_ends_at = 0.1

    def __init__(self, tools: RankerTools, *, form: Literal["joint", "pointwise"], joint: JointTools) -> None:
        super().__init__(tools)
        self._form = form
        self._joint = joint

    def find_needed(self, dataset: PreferenceDataset, active: VersionView | None) -> BoolArray:
        """None: it reads for itself. The active version that it is compared with may not."""
        if active is not None and active.reader_fingerprint is not None:
            return dataset.held_out(share=HELD_OUT_SHARE)
        return np.zeros(len(dataset), dtype=bool)

    def train(self, work: Work, held_out: BoolArray, progress: JobProgress) -> Trained:
        dataset = work.stored.dataset
        base_name = str(work.options.get(BASE_OPTION, self._joint.default_base))
        chosen = {
            "form": self._form,
            **{key: value for key, value in work.options.items() if key != BASE_OPTION},
        }
        base, output = self._joint.find_base(base_name), self.tools.rankers_path / f"job-{work.job_id}"
        self._joint.fine_tune(
            dataset.select(~held_out),
            base=base,
            output=output,
            options=chosen,
            on_progress=_Curve(progress, (self.reading_ends_at, FITTING_ENDS_AT)).follow,
        )
        progress.flush()
        ranker = self.tools.open_ranker(output)
        return Trained(
            path=output.name,
            fingerprint=ranker.fingerprint,
            base_model=base_name,
            base_fingerprint=_digest_weights(base),
            hyper_parameters=chosen,
            held_out_logits=predict_joint(ranker, dataset.select(held_out)),
        )


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

"""Training a fuser for a job, and deciding whether it may fuse.

Invariant: a run that died resumes from the state saved beside its output. A version is promoted only if
its answers to held-out prompts are closer to the target than the answers shown without it. Non-goal:
the fine-tuning itself; it comes in as functions, because it needs torch.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import FusionError
from blender_ui.fusion.examples import FusionExample, Target
from blender_ui.fusion.quality import FusionQuality, mean_quality, measure_fusion
from blender_ui.services.jobs.progress import CurvePoint, JobProgress
from blender_ui.services.jobs.states import PROJECT
from blender_ui.services.jobs.views import JobView
from blender_ui.services.training.fuser_examples import Examples, load_examples
from blender_ui.services.training.requests import CUT_OFF_CANDIDATE
from blender_ui.services.versions.model_versions import find_active_version
from blender_ui.services.versions.registration import FittedVersion
from blender_ui.statistics.bootstrap import Estimate, bootstrap_mean
from db.engine import transaction
from db.models import ModelRole

TARGETS_OPTION, BASE_OPTION, TOP_K_OPTION = "targets", "base", "top_k"
OWN_OPTIONS = (TARGETS_OPTION, BASE_OPTION, TOP_K_OPTION, CUT_OFF_CANDIDATE, PROJECT)
"""Options of a job that are not the fine-tuning's."""
FITTING_ENDS_AT = 0.85
N_JUDGED = 100
"""Most held-out examples that a version writes answers to before it is decided on."""


class FuserTools(Protocol):
    """What needs torch, as bootstrap brings it; ``fusion.training`` behind plain options."""

    @property
    def default_base(self) -> str:
        """The checkpoint where a job names none."""

    def find_base(self, name: str) -> Path:
        """Folder of a checkpoint by its name or path."""

    def digest(self, folder: Path) -> str:
        """Names a checkpoint's weights."""

    def train(
        self,
        examples: Sequence[FusionExample],
        *,
        held_out: Sequence[FusionExample],
        base: Path,
        output: Path,
        options: Mapping[str, Any],
        on_progress: Callable[[int, int, Any, Any], None],
    ) -> str:
        """Fine-tune, resume where a state is there, write ``output`` whole, and give its fingerprint."""

    def write(
        self, folder: Path, examples: Sequence[FusionExample], *, options: Mapping[str, Any]
    ) -> list[str]:
        """What a checkpoint writes for each example; empty where it writes nothing.

        Raises:
            FusionError: If the folder holds no checkpoint that can be read.
        """


@dataclass(frozen=True, kw_only=True)
class FuserTrainer:
    """Fine-tunes a sequence-to-sequence checkpoint; see ``Trainer``.

    Args:
        engine: The store.
        fusers_path: Folder of the checkpoints.
        tools: What needs torch.
    """

    engine: Engine
    fusers_path: Path
    tools: FuserTools

    def read_chunk(self, job: JobView, progress: JobProgress) -> int:
        """See ``Trainer``; a fuser needs nothing read before."""
        return 0

    def forget(self, job_id: int) -> None:
        """See ``Trainer``."""
        shutil.rmtree(self.fusers_path / f"job-{job_id}.progress", ignore_errors=True)

    def fit(self, job: JobView, progress: JobProgress) -> FittedVersion:
        """Fine-tune, write answers to held-out prompts, and decide.

        Raises:
            JobCancelled: If someone asked for the job's end.
            FusionError: If there is nothing to learn from or to judge on, or the fit failed.
        """
        progress.report("loading", 0.0)
        options = dict(job.options)
        examples = self._examples(job, options)
        base_name = str(options.get(BASE_OPTION) or self.tools.default_base)
        chosen = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
        base, output = self.tools.find_base(base_name), self.fusers_path / f"job-{job.id}"
        fingerprint = self.tools.train(
            examples.learnt,
            held_out=examples.held_out,
            base=base,
            output=output,
            options=chosen,
            on_progress=_Curve(progress).follow,
        )
        progress.flush()
        progress.report("fusing held-out answers", FITTING_ENDS_AT)
        decision = self._decide(output, examples.held_out[:N_JUDGED], chosen, progress)
        return FittedVersion(
            path=output.name,
            fingerprint=fingerprint,
            base_model=base_name,
            base_fingerprint=self.tools.digest(base),
            n_train=len(examples.learnt),
            n_held_out=len(examples.held_out),
            hyper_parameters=options,
            metrics=decision.metrics | {"examples": _count_by_source(examples)},
            compared_with_id=decision.compared_with_id,
            promoted=decision.promoted,
            reason=decision.reason,
        )

    def _examples(self, job: JobView, options: Mapping[str, Any]) -> Examples:
        examples = load_examples(
            self.engine,
            cut_off_preference_id=job.cut_off_preference_id,
            cut_off_candidate_id=int(options[CUT_OFF_CANDIDATE]),
            targets=[Target(name) for name in options.get(TARGETS_OPTION, list(Target))],
            top_k=int(options.get(TOP_K_OPTION, 3)),
            project_id=options.get(PROJECT),
        )
        if missing := examples.find_missing():
            raise FusionError(missing)
        return examples

    def _decide(
        self,
        output: Path,
        held_out: Sequence[FusionExample],
        chosen: Mapping[str, Any],
        progress: JobProgress,
    ) -> _Decision:
        with transaction(self.engine) as session:
            active = find_active_version(session, role=ModelRole.FUSER)
        new = _judge(self.tools.write(output, held_out, options=chosen), held_out)
        progress.report("fusing them with what fuses now", FITTING_ENDS_AT + 0.05)
        best = _judge([example.candidates[0] for example in held_out], held_out)
        rivals, note = {"the best-ranked answer as it is": best}, ""
        if active is not None:
            try:
                texts = self.tools.write(self.fusers_path / active.path, held_out, options=chosen)
                rivals = {f"version {active.id}": _judge(texts, held_out), **rivals}
            except FusionError as error:
                # One that nothing can be fused with any more must not keep its successor from being made.
                note = f" Version {active.id} could not be compared: {error}."
        decision = decide(new, rivals, active_id=active.id if active is not None else None)
        return replace(decision, reason=decision.reason + note)


@dataclass(frozen=True, kw_only=True)
class _Decision:
    promoted: bool
    reason: str
    metrics: dict[str, Any]
    compared_with_id: int | None


def decide(
    new: Sequence[FusionQuality], rivals: Mapping[str, Sequence[FusionQuality]], *, active_id: int | None
) -> _Decision:
    """Promote a version whose ROUGE-L is above each rival's on the same held-out prompts.

    Above means that the whole 95 % interval of the difference, bootstrapped over prompts, is above 0:
    a few held-out prompts that went well by chance are not enough.

    Args:
        new: Of the new version, one per prompt.
        rivals: Of what is there without it, by name, in the same order.
        active_id: The version that fuses now.
    """
    gains = {name: _gain(new, others) for name, others in rivals.items()}
    promoted = all(gain.low > 0 for gain in gains.values())
    mine = mean_quality(new)
    said = [
        f"{mean_quality(rivals[name]).rouge_l:.3f} of {name} (difference {gain.value:+.3f}, 95 % interval "
        f"{gain.low:+.3f} to {gain.high:+.3f})"
        for name, gain in gains.items()
    ]
    reason = (
        f"{'Promoted' if promoted else 'Refused'}: on {len(new)} held-out prompts ROUGE-L {mine.rouge_l:.3f} "
        f"against {' and '.join(said)}; it covers {mine.covered:.0%} of what its sources know and takes "
        f"{mine.copied:.0%} from one of them."
    )
    metrics: dict[str, Any] = {
        "held_out": {"n": len(new), **mine._asdict()},
        "rivals": {name: mean_quality(others)._asdict() for name, others in rivals.items()},
    }
    return _Decision(promoted=promoted, reason=reason, metrics=metrics, compared_with_id=active_id)


def _gain(new: Sequence[FusionQuality], others: Sequence[FusionQuality]) -> Estimate:
    values = np.array([mine.rouge_l - other.rouge_l for mine, other in zip(new, others, strict=True)])
    return bootstrap_mean(values, np.arange(len(values)), seed=0)


def _judge(texts: Sequence[str], examples: Sequence[FusionExample]) -> list[FusionQuality]:
    return [measure_fusion(text, example) for text, example in zip(texts, examples, strict=True)]


def _count_by_source(examples: Examples) -> dict[str, int]:
    everything = [*examples.learnt, *examples.held_out]
    return {target.value: sum(one.source is target for one in everything) for target in Target}


class _Curve:
    """Turns steps into progress, time left and points of the curve."""

    def __init__(self, progress: JobProgress) -> None:
        self._progress = progress
        self._first: tuple[int, float] | None = None

    def follow(self, step: int, n_steps: int, figures: Any, held_out: Any) -> None:
        """Take the figures of one step; held-out ones are None where they were not measured."""
        now = self._progress.now()
        if self._first is None:
            self._progress.start_curve(from_step=step)
            self._first = (step, now)
        is_measured = held_out is not None and not math.isnan(held_out.loss)
        self._progress.add_point(
            CurvePoint(
                step=step,
                loss=figures.loss,
                accuracy=figures.accuracy,
                held_out_loss=held_out.loss if is_measured else None,
                held_out_accuracy=held_out.accuracy if is_measured else None,
            )
        )
        first_step, started = self._first
        per_step = (now - started) / (step - first_step) if step > first_step else None
        self._progress.report(
            f"fine-tuning, step {step} of {n_steps}",
            FITTING_ENDS_AT * step / n_steps,
            remaining_seconds=None if per_step is None else per_step * (n_steps - step),
        )

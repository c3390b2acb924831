"""The worker's side of training: one job, in steps that may each be repeated after a crash.

Invariant: running a step again with the same job gives the same rows once. What was read, written or
registered before a crash is found and kept. Non-goal: which step comes next and when to restart; the
worker's workflow knows. Nothing here imports torch; models come in as openers.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine

from blender_ui.errors import FusionError, RankerError
from blender_ui.ranking.fast import FastRanker
from blender_ui.ranking.negatives import ReadNegatives
from blender_ui.ranking.promotion import Decision, Judgement, decide_promotion, judge_logits, judge_longer
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.jobs.states import UnfinishedJob, end_job, list_unfinished, start_job, touch_jobs
from blender_ui.services.jobs.views import Jobs, JobView
from blender_ui.services.ranking.datasets import StoredDataset, load_dataset
from blender_ui.services.training.fast import cross_validate, fit_fast, predict_fast
from blender_ui.services.training.fuser import FuserRun
from blender_ui.services.training.joint import JointTools, fit_joint, predict_joint
from blender_ui.services.training.readings import AnswerReader, TrainingReadings
from blender_ui.services.training.trained import Trained
from blender_ui.services.versions import model_versions as versions
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.services.versions.registration import FittedVersion, register_version
from blender_ui.values import BoolArray, PreferenceDataset
from db.engine import transaction
from db.models import TRAININGS, JobKind, JobStatus, ModelKind, utc_now

READING_ENDS_AT = 0.85
READING_ENDS_AT_FOR_JOINT = 0.1
FITTING_ENDS_AT = 0.95
SECONDS_AFTER_READING = 5.0
N_HELD_OUT_ENOUGH = 30
"""Decided held-out preferences from which on they judge a first version; below, folds do."""


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What this process holds of the job it works on; all of it can be made again from rows."""

    job_id: int
    kind: ModelKind
    options: dict[str, Any]
    stored: StoredDataset
    progress: JobProgress
    readings: TrainingReadings


class _Rival(NamedTuple):
    """The active version and its figures, None where there is none or it could not be judged."""

    version: VersionView | None
    judgement: Judgement | None
    absence: str


class TrainingRun:
    """Carries out training jobs, one at a time.

    Args:
        engine: The store.
        rankers_path: Folder of the checkpoints.
        reader_name: What versions give as their base model.
        open_reader: Loads the frozen reader; called once a job, when first needed.
        joint: Trains and loads joint rankers.
        fusers: Trains fusers; None where a worker does not.
        clock: The present time, aware.
        monotonic: Seconds from any start.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        rankers_path: Path,
        reader_name: str,
        open_reader: Callable[[], AnswerReader],
        joint: JointTools,
        fusers: FuserRun | None = None,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._rankers_path = rankers_path
        self._reader_name = reader_name
        self._open_reader = open_reader
        self._joint = joint
        self._fusers = fusers
        self._clock = clock
        self._monotonic = monotonic
        self._reader: AnswerReader | None = None
        self._work: _Work | None = None

    def list_unfinished(self) -> list[UnfinishedJob]:
        """Jobs that wait or run, oldest first."""
        return list_unfinished(self._engine, TRAININGS)

    def touch(self) -> None:
        """Give a sign of life for unfinished jobs, so that a page knows that a worker is there."""
        touch_jobs(self._engine, TRAININGS, now=self._clock())

    def start(self, job_id: int) -> bool:
        """Begin, or go on after a crash; False where the job is finished or cancelled."""
        return start_job(self._engine, job_id, now=self._clock())

    def read_chunk(self, job_id: int) -> int:
        """Read and commit the next answers that the reader has not read.

        Returns:
            How many are left; 0 ends the phase.

        Raises:
            JobCancelled: If someone asked for the job's end.
        """
        if self._get_job(job_id).kind is JobKind.FUSER:
            return 0
        return self._work_on(job_id).readings.read_chunk()

    def fit(self, job_id: int) -> FittedVersion:
        """Fit on the training prompts, judge on the held-out ones, and write the checkpoint.

        Raises:
            JobCancelled: If someone asked for the job's end.
            RankerError: If nothing decided is held out, or the fit failed.
            FusionError: The same of a fuser.
        """
        job = self._get_job(job_id)
        if job.kind is JobKind.FUSER:
            if self._fusers is None:
                raise FusionError("this worker trains no fusers")
            return self._fusers.fit(job, JobProgress(self._engine, job_id, clock=self._clock))
        work = self._work_on(job_id)
        dataset = work.stored.dataset
        held_out = dataset.held_out(share=HELD_OUT_SHARE)
        judged = dataset.select(held_out)
        longer = judge_longer(judged)  # first, because it says at once where nothing can be judged
        negatives = None
        if work.kind is ModelKind.FAST:
            negatives = work.readings.read_negatives(dataset.select(~held_out))
        trained = self._train(work, held_out, negatives)
        work.progress.report("comparing with the active version", FITTING_ENDS_AT)
        rival = self._judge_active(work, judged)
        new = judge_logits(trained.held_out_logits, judged)
        metrics = _collect_metrics(new, rival, longer)
        if negatives is not None:
            # Rows that a researcher can follow: each answer, and the other question's that it beat.
            ids = work.stored.candidate_ids
            metrics["negatives"] = np.stack([ids[negatives.winner], ids[negatives.donor]], axis=1).tolist()
        if rival.version is None and negatives is not None and new.n < N_HELD_OUT_ENOUGH:
            decision = _decide_by_folds(work, negatives, metrics)
        else:
            decision = decide_promotion(
                new,
                active=rival.judgement,
                longer=longer,
                active_name=f"version {rival.version.id}" if rival.version is not None else "",
            )
        return FittedVersion(
            path=trained.path,
            fingerprint=trained.fingerprint,
            base_model=trained.base_model,
            base_fingerprint=trained.base_fingerprint,
            n_train=int((~held_out).sum()),
            n_held_out=int(held_out.sum()),
            hyper_parameters=trained.hyper_parameters,
            metrics=metrics,
            compared_with_id=rival.version.id if rival.version is not None else None,
            promoted=decision.promoted,
            reason=decision.reason + rival.absence,
        )

    def register(self, job_id: int, fitted: FittedVersion) -> int:
        """Write version, decision and completion, once; gives the version's id."""
        version_id = register_version(self._engine, job_id, fitted, now=self._clock())
        self._drop(job_id)
        return version_id

    def end_cancelled(self, job_id: int) -> None:
        """Finish a job that someone asked to end."""
        self._drop(job_id)
        end_job(self._engine, job_id, JobStatus.CANCELLED, now=self._clock())

    def end_failed(self, job_id: int, reason: str) -> None:
        """Finish a job that cannot be carried out, with the reason that the page shows."""
        self._drop(job_id)
        end_job(self._engine, job_id, JobStatus.FAILED, now=self._clock(), error=reason)

    def _drop(self, job_id: int) -> None:
        """Let go of a finished job, of the reader's memory, and of the state of its fine-tuning."""
        self._work = self._reader = None
        folders = [self._rankers_path] + ([self._fusers.fusers_path] if self._fusers is not None else [])
        for folder in folders:
            shutil.rmtree(folder / f"job-{job_id}.progress", ignore_errors=True)

    def _train(self, work: _Work, held_out: BoolArray, negatives: ReadNegatives | None) -> Trained:
        if negatives is not None:
            return fit_fast(
                work.stored.dataset,
                work.readings.stack(),
                held_out=held_out,
                negatives=negatives,
                output=self._rankers_path / f"job-{work.job_id}",
                base=(self._reader_name, self._get_reader().fingerprint),
                progress=work.progress,
                share=READING_ENDS_AT,
            )
        return fit_joint(
            work.stored.dataset,
            held_out=held_out,
            kind=work.kind,
            options=work.options,
            tools=self._joint,
            output=self._rankers_path / f"job-{work.job_id}",
            progress=work.progress,
            share=(READING_ENDS_AT_FOR_JOINT, FITTING_ENDS_AT),
        )

    def _judge_active(self, work: _Work, judged: PreferenceDataset) -> _Rival:
        with transaction(self._engine) as session:
            active = versions.find_active_version(session)
        if active is None:
            return _Rival(None, None, "")
        folder = self._rankers_path / active.path
        is_fast = active.kind is ModelKind.FAST
        if is_fast and active.base_fingerprint != self._get_reader().fingerprint:
            return _Rival(active, None, f" Version {active.id} has another reader and could not be compared.")
        try:
            if is_fast:
                logits = predict_fast(FastRanker.load(folder), judged, work.readings.stack())
            else:
                logits = predict_joint(self._joint.open_ranker(folder), judged)
        except RankerError as error:
            # One that nothing can be ranked with any more must not keep its successor from being made.
            return _Rival(active, None, f" Version {active.id} could not be compared: {error}.")
        return _Rival(active, judge_logits(logits, judged), "")

    def _get_job(self, job_id: int) -> JobView:
        return Jobs(self._engine, clock=self._clock).get(job_id)

    def _get_reader(self) -> AnswerReader:
        if self._reader is None:
            self._reader = self._open_reader()
        return self._reader

    def _work_on(self, job_id: int) -> _Work:
        if self._work is not None and self._work.job_id == job_id:
            return self._work
        job = self._get_job(job_id)
        kind = job.kind.model
        progress = JobProgress(self._engine, job_id, clock=self._clock, monotonic=self._monotonic)
        progress.report("loading", 0.0)
        stored = load_dataset(self._engine, cut_off_preference_id=job.cut_off_preference_id)
        is_fast = kind is ModelKind.FAST
        readings = TrainingReadings(
            self._engine,
            stored=stored,
            needed=self._find_needed(stored.dataset, is_fast),
            open_reader=self._get_reader,
            progress=progress,
            kept_path=self._rankers_path / f"job-{job_id}.progress",
            ends_at=READING_ENDS_AT if is_fast else READING_ENDS_AT_FOR_JOINT,
            seconds_after=SECONDS_AFTER_READING,
        )
        self._work = _Work(
            job_id=job_id,
            kind=kind,
            options=dict(job.options),
            stored=stored,
            progress=progress,
            readings=readings,
        )
        return self._work

    def _find_needed(self, dataset: PreferenceDataset, is_fast: bool) -> BoolArray:
        """Preferences whose answers must be read: all of them for the fast ranker.

        A joint ranker reads for itself, but the active fast version that it is compared with does not.
        """
        with transaction(self._engine) as session:
            active = versions.find_active_version(session)
        if is_fast:
            return np.ones(len(dataset), dtype=bool)
        if active is not None and active.kind is ModelKind.FAST:
            return dataset.held_out(share=HELD_OUT_SHARE)
        return np.zeros(len(dataset), dtype=bool)


def _decide_by_folds(work: _Work, negatives: ReadNegatives, metrics: dict[str, Any]) -> Decision:
    """Judge a first version by cross-validation, because so few held-out preferences say nothing.

    Every preference is predicted by a fit on other prompts. With no other version to be compared
    with, nothing is lost by looking at training prompts, too.
    """
    dataset = work.stored.dataset
    judgement = judge_logits(cross_validate(dataset, work.readings.stack(), negatives), dataset)
    metrics["cross_validated"] = judgement._asdict()
    return decide_promotion(
        judgement,
        active=None,
        longer=judge_longer(dataset),
        judged_on="preferences, each predicted by a fit on other prompts,",
    )


def _collect_metrics(new: Judgement, rival: _Rival, longer: float) -> dict[str, Any]:
    metrics: dict[str, Any] = {"held_out": new._asdict(), "longer": longer}
    if rival.version is not None and rival.judgement is not None:
        metrics["active"] = {"version_id": rival.version.id, **rival.judgement._asdict()}
    return metrics

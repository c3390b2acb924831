"""What the trainers of every kind of ranker share: reading, judging against the active version, deciding.

Invariant: the new and the active version judge the same held-out preferences, and nothing is learnt from
them. Non-goal: the fit itself, which each kind makes; nothing here imports torch.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Engine

from blender_ui.errors import RankerError
from blender_ui.evidence.answers import AnswerEvidence
from blender_ui.language import mark
from blender_ui.ranking.baselines import baselines_by_fold, held_out_baselines
from blender_ui.ranking.predicting import predict_fast, predict_joint
from blender_ui.ranking.promotion import Decision, Rival, Trial, decide_promotion, judge_logits, judge_longer
from blender_ui.ranking.protocol import Ranker
from blender_ui.ranking.start import read_card
from blender_ui.services.jobs.progress import JobProgress
from blender_ui.services.jobs.states import PROJECT
from blender_ui.services.jobs.views import JobView
from blender_ui.services.ranking.datasets import StoredDataset, gather_stored, load_dataset
from blender_ui.services.ranking.opening import load_fast
from blender_ui.services.training.readings import AnswerReader, TrainingReadings
from blender_ui.services.training.trainer import keep_project
from blender_ui.services.versions.model_versions import VersionView, find_active_version
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.services.versions.registration import FittedVersion
from blender_ui.services.versions.standing import STANDING
from blender_ui.values import BoolArray, FloatArray, PreferenceDataset
from db.engine import transaction

FITTING_ENDS_AT = 0.95
SECONDS_AFTER_READING = 5.0
N_HELD_OUT_ENOUGH = 30
"""Decided held-out preferences from which on they judge a first version; below, folds do."""
N_STANDING_ENOUGH = 200
"""Decided held-out preferences from which on they alone say how a version stands against the baselines.
Below, folds do: they have five times as many to say it with, and baselines have no earlier version."""
FOLDS_SEED = 0
FOLDS = "preferences, each predicted by a fit on other prompts"
HELD_OUT = mark("held-out preferences")


@dataclass(frozen=True, kw_only=True)
class RankerTools:
    """What every ranker's trainer needs.

    Attributes:
        engine: The store.
        rankers_path: Folder of the checkpoints.
        open_reader: Loads the frozen reader; called once a job, when first needed.
        open_ranker: Loads the checkpoint of a ranker that reads texts itself.
    """

    engine: Engine
    rankers_path: Path
    open_reader: Callable[[], AnswerReader]
    open_ranker: Callable[[Path], Ranker]


@dataclass(frozen=True, kw_only=True)
class Work:
    """What this process holds of the job it works on; all of it can be made again from rows."""

    engine: Engine

    job_id: int
    options: Mapping[str, Any]
    stored: StoredDataset
    readings: TrainingReadings

    @cached_property
    def evidence(self) -> AnswerEvidence:
        """About the dataset's candidates."""
        return gather_stored(self.engine, self.stored)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A ranker that was fitted and lies on the disk, whole.

    Attributes:
        path: The checkpoint's folder, relative to the rankers' folder.
        fingerprint: Of its weights.
        base_model: What it was trained from.
        base_fingerprint: Of that.
        hyper_parameters: What it was trained with, as JSON values.
        held_out_logits: For each held-out preference, log-odds for its left side.
        metrics: What the kind has to say beside them, as JSON values.
        cross_validate: Gives the log-odds of every preference by a fit on other prompts; None where a fit
            takes too long.
    """

    path: str
    fingerprint: str
    base_model: str
    base_fingerprint: str
    hyper_parameters: dict[str, Any]
    held_out_logits: FloatArray
    metrics: Mapping[str, Any] = field(default_factory=dict)
    cross_validate: Callable[[], FloatArray] | None = None


class _Active(NamedTuple):
    """The active version and its log-odds; None where there is none, or where it could not be asked."""

    version: VersionView | None
    logits: FloatArray | None
    absence: str


class _Judged(NamedTuple):
    """What came of judging a version beside the active one and the baselines."""

    decision: Decision
    active: _Active
    rival: Rival | None
    metrics: dict[str, Any]


class RankerTrainer(ABC):
    """A ``Trainer`` of rankers; each kind says what it needs read and how it is fitted."""

    reading_ends_at: ClassVar[float]
    """Share of the whole job that is done when everything is read."""

    def __init__(self, tools: RankerTools) -> None:
        self.tools = tools
        self._reader: AnswerReader | None = None
        self._work: Work | None = None

    @abstractmethod
    def find_needed(self, dataset: PreferenceDataset, active: VersionView | None) -> BoolArray:
        """Preferences whose answers the frozen reader must read, shape (n_preferences,)."""

    @abstractmethod
    def train(self, work: Work, held_out: BoolArray, progress: JobProgress) -> Trained:
        """Fit on the preferences that are not held out, and write the checkpoint."""

    def read_chunk(self, job: JobView, progress: JobProgress) -> int:
        """See ``Trainer``; a chunk is some answers."""
        return self._work_on(job, progress).readings.read_chunk()

    def fit(self, job: JobView, progress: JobProgress) -> FittedVersion:
        """See ``Trainer``."""
        work = self._work_on(job, progress)
        dataset = work.stored.dataset
        held_out = dataset.held_out(share=HELD_OUT_SHARE)
        judged = dataset.select(held_out)
        longer = judge_longer(judged)  # first, because it says at once where nothing can be judged
        trained = self.train(work, held_out, progress)
        progress.report("comparing with the active version", FITTING_ENDS_AT)
        judged_by = self._judge(work, held_out, trained)
        active = judged_by.active.version
        return FittedVersion(
            path=trained.path,
            fingerprint=trained.fingerprint,
            base_model=trained.base_model,
            base_fingerprint=trained.base_fingerprint,
            n_train=int((~held_out).sum()),
            n_held_out=int(held_out.sum()),
            hyper_parameters=keep_project(job, trained.hyper_parameters),
            metrics={"longer": longer, **trained.metrics, **judged_by.metrics},
            compared_with_id=active.id if active is not None else None,
            promoted=judged_by.decision.promoted,
            reason=judged_by.decision.reason + judged_by.active.absence,
            active_standing=None if judged_by.rival is None else judged_by.rival.standing.as_json(),
        )

    def forget(self, job_id: int) -> None:
        """See ``Trainer``; the reader's memory goes, too."""
        self._work = self._reader = None
        shutil.rmtree(self._find_kept(job_id), ignore_errors=True)

    def get_reader(self) -> AnswerReader:
        """The frozen reader, loaded when first needed."""
        if self._reader is None:
            self._reader = self.tools.open_reader()
        return self._reader

    def _judge(self, work: Work, held_out: BoolArray, trained: Trained) -> _Judged:
        """Judge by held-out preferences, or by folds where a first version has too few of them.

        Nothing is lost by looking at training prompts, too: there is no other version to be compared with,
        or only the start ranker, which learnt from none of them.
        """
        dataset = work.stored.dataset
        on_held_out = Trial(
            dataset.select(held_out),
            trained.held_out_logits,
            held_out_baselines(dataset, held_out),
            HELD_OUT,
        )
        new = on_held_out.judge()
        by_folds = _try_by_folds(dataset, trained) if new.n < N_STANDING_ENOUGH else None
        active_now = self._find_active()
        is_first = active_now is None or active_now.is_start
        is_by_folds = by_folds is not None and is_first and new.n < N_HELD_OUT_ENOUGH
        trial = by_folds if by_folds is not None and is_by_folds else on_held_out
        active = self._predict_active(work, active_now, trial.dataset)
        standing = (by_folds or on_held_out).stand()
        metrics = {"held_out": new._asdict(), STANDING: standing.as_json()}
        rival = None
        if active.version is not None and active.logits is not None:
            rival = trial.face(active.logits, name=active.version.name)
            logits = active.logits[held_out] if is_by_folds else active.logits
            figures = judge_logits(logits, on_held_out.dataset)
            metrics["active"] = {"version_id": active.version.id, **figures._asdict()}
        decided_by = trial.judge()
        if is_by_folds:
            metrics["cross_validated"] = decided_by._asdict()
        decision = decide_promotion(decided_by, rival=rival, standing=standing, judged_on=trial.judged_on)
        return _Judged(decision, active, rival, metrics)

    def _predict_active(self, work: Work, active: VersionView | None, judged: PreferenceDataset) -> _Active:
        if active is None:
            return _Active(None, None, "")
        if active.is_start and read_card().find_known(judged).any():
            return _Active(
                active, None, " The start ranker learnt from some of these prompts, so it was not compared."
            )
        folder, reader = self.tools.rankers_path / active.path, active.reader_fingerprint
        if reader is not None and reader != self.get_reader().fingerprint:
            return _Active(
                active, None, f" Version {active.id} has another reader and could not be compared."
            )
        try:
            if reader is not None:
                logits = predict_fast(load_fast(active, folder), judged, work.readings.stack(), work.evidence)
            else:
                logits = predict_joint(self.tools.open_ranker(folder), judged)
        except RankerError as error:
            # One that nothing can be ranked with any more must not keep its successor from being made.
            return _Active(active, None, f" Version {active.id} could not be compared: {error}.")
        return _Active(active, logits, "")

    def _find_active(self) -> VersionView | None:
        with transaction(self.tools.engine) as session:
            return find_active_version(session)

    def _find_kept(self, job_id: int) -> Path:
        return self.tools.rankers_path / f"job-{job_id}.progress"

    def _work_on(self, job: JobView, progress: JobProgress) -> Work:
        if self._work is not None and self._work.job_id == job.id:
            return self._work
        progress.report("loading", 0.0)
        options = dict(job.options)
        project_id = options.pop(PROJECT, None)
        stored = load_dataset(
            self.tools.engine, cut_off_preference_id=job.cut_off_preference_id, project_id=project_id
        )
        readings = TrainingReadings(
            self.tools.engine,
            stored=stored,
            needed=self.find_needed(stored.dataset, self._find_active()),
            open_reader=self.get_reader,
            progress=progress,
            kept_path=self._find_kept(job.id),
            ends_at=self.reading_ends_at,
            seconds_after=SECONDS_AFTER_READING,
        )
        self._work = Work(
            engine=self.tools.engine, job_id=job.id, options=options, stored=stored, readings=readings
        )
        return self._work


def _try_by_folds(dataset: PreferenceDataset, trained: Trained) -> Trial | None:
    """Every preference, predicted by a fit on other prompts; None where a kind takes too long for it.

    That a fold's fit is not quite the version is the price of five times as many preferences.
    """
    logits = trained.cross_validate() if trained.cross_validate is not None else None
    if logits is None:
        return None
    return Trial(dataset, logits, baselines_by_fold(dataset, seed=FOLDS_SEED), FOLDS)

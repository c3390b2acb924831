"""Fitting the fast ranker for a job.

Invariant: nothing is learnt from held-out preferences; their figures are only drawn on the curve.
Non-goal: whether the version may rank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np

from blender_ui.engine.folders import write_folder
from blender_ui.evidence.answers import AnswerEvidence
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast.negatives import ReadNegatives
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.ranking.predicting import predict_fast
from blender_ui.ranking.promotion import measure_fit
from blender_ui.ranking.start import open_start, read_card
from blender_ui.services.jobs.progress import CurvePoint, JobProgress
from blender_ui.services.training.rankers import FOLDS_SEED, RankerTools, RankerTrainer, Trained, Work
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.tasks.sorting import ALL_ALIKE, TaskSorter
from blender_ui.values import BoolArray, FloatArray, PreferenceDataset

N_POINTS = 12
FIRST_POINT = 8
"""Preferences behind the first point of the curve."""


class FastTrainer(RankerTrainer):
    """Fits a head over what the frozen reader read.

    Args:
        tools: What every ranker's trainer needs.
        reader_name: What versions give as their base model.
        find_kinds: Gives the kinds of task, in which members may deviate from their strength.
    """

    reading_ends_at = 0.85

    def __init__(
        self,
        tools: RankerTools,
        *,
        reader_name: str,
        find_kinds: Callable[[], TaskSorter] = lambda: ALL_ALIKE,
    ) -> None:
        super().__init__(tools)
        self._reader_name = reader_name
        self._find_kinds = find_kinds

    def find_needed(self, dataset: PreferenceDataset, active: VersionView | None) -> BoolArray:
        return np.ones(len(dataset), dtype=bool)

    def train(self, work: Work, held_out: BoolArray, progress: JobProgress) -> Trained:
        dataset = work.stored.dataset
        learnt, judged = dataset.select(~held_out), dataset.select(held_out)
        negatives = work.readings.read_negatives(learnt)
        readings = work.readings.stack()

        def follow(step: int, loss: float, accuracy: float) -> None:
            progress.report(
                f"choosing the prior, setting {step}, accuracy {accuracy:.2f}", self.reading_ends_at
            )

        options, kinds = FastOptions(), self._find_kinds()
        start = self._open_start(judged)
        ranker = FastRanker.fit(
            learnt,
            readings,
            options=options,
            start=start,
            negatives=negatives,
            evidence=work.evidence,
            kinds=kinds,
            on_progress=follow,
        )
        _draw_curve(ranker, learnt, judged, readings, work.evidence, progress, self.reading_ends_at)
        path = self.tools.rankers_path / f"job-{work.job_id}-{ranker.fingerprint[:12]}"
        write_folder(path, ranker.save)
        # Rows that a researcher can follow: each answer, and the other question's that it beat.
        ids = work.stored.candidate_ids
        pairs = np.stack([ids[negatives.winner], ids[negatives.donor]], axis=1)
        return Trained(
            path=path.name,
            fingerprint=ranker.fingerprint,
            base_model=self._reader_name,
            base_fingerprint=self.get_reader().fingerprint,
            hyper_parameters={
                **asdict(options),
                "n_negatives": len(negatives.winner),
                "start": start.fingerprint if start else None,
            },
            held_out_logits=predict_fast(ranker, judged, readings, work.evidence),
            metrics={"negatives": pairs.tolist(), "kinds": list(kinds.names)},
            cross_validate=partial(
                cross_validate, dataset, readings, negatives, work.evidence, kinds, self._open_start(dataset)
            ),
        )

    def _open_start(self, judged: PreferenceDataset) -> FastRanker | None:
        """The start ranker; None where it would know what it is to be judged on."""
        if read_card().find_known(judged).any():
            return None
        return open_start(self.get_reader().fingerprint)


def cross_validate(
    dataset: PreferenceDataset,
    readings: FloatArray,
    negatives: ReadNegatives,
    evidence: AnswerEvidence,
    kinds: TaskSorter,
    start: FastRanker | None = None,
) -> FloatArray:
    """Log-odds for each preference's left side by a fit on other prompts, shape (n_preferences,)."""
    fold_of = assign_folds(dataset, seed=FOLDS_SEED)
    folds, learnt_in = fold_of[dataset.prompt_of[dataset.left]], fold_of[dataset.prompt_of[negatives.winner]]
    logits = np.zeros(len(dataset))
    for fold in np.unique(folds):
        judged = folds == fold
        ranker = FastRanker.fit(
            dataset.select(~judged),
            readings,
            start=start,
            negatives=negatives.select(learnt_in != fold),
            evidence=evidence,
            kinds=kinds,
        )
        logits[judged] = predict_fast(ranker, dataset.select(judged), readings, evidence)
    return logits


def _draw_curve(
    ranker: FastRanker,
    learnt: PreferenceDataset,
    judged: PreferenceDataset,
    readings: FloatArray,
    evidence: AnswerEvidence,
    progress: JobProgress,
    share: float,
) -> None:
    """Refit on ever more preferences; a point's step is how many. The last is the ranker's own.

    A head that is fitted in milliseconds has no steps worth a curve. How much the last labels still
    helped is what tells whether more of them would.
    """
    progress.start_curve()
    sizes = np.unique(np.geomspace(min(FIRST_POINT, len(learnt)), len(learnt), N_POINTS).round().astype(int))
    for size in sizes:
        part = learnt.select(np.arange(len(learnt)) < size)
        fitted = ranker.refit(part, readings, evidence=evidence)
        loss, accuracy = measure_fit(predict_fast(fitted, part, readings, evidence), part)
        held_out = predict_fast(fitted, judged, readings, evidence)
        held_out_loss, held_out_accuracy = measure_fit(held_out, judged)
        progress.add_point(
            CurvePoint(
                step=int(size),
                loss=loss,
                accuracy=accuracy,
                held_out_loss=held_out_loss,
                held_out_accuracy=held_out_accuracy,
            )
        )
        progress.report(f"fitting on {size} of {len(learnt)} preferences", share)
    progress.flush()

"""Fitting the fast ranker for a job, and predicting with one.

Invariant: nothing is learnt from held-out preferences; their figures are only drawn on the curve.
Non-goal: reading answers; vectors come in.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from blender_ui.engine.folders import write_folder
from blender_ui.ranking.evaluation import assign_folds
from blender_ui.ranking.fast import FastOptions, FastRanker
from blender_ui.ranking.negatives import ReadNegatives
from blender_ui.ranking.promotion import measure_fit
from blender_ui.services.jobs.progress import CurvePoint, JobProgress
from blender_ui.services.training.trained import Trained
from blender_ui.values import BoolArray, FloatArray, PreferenceDataset

N_POINTS = 12
FIRST_POINT = 8
"""Preferences behind the first point of the curve."""


def fit_fast(
    dataset: PreferenceDataset,
    readings: FloatArray,
    *,
    held_out: BoolArray,
    negatives: ReadNegatives,
    output: Path,
    base: tuple[str, str],
    progress: JobProgress,
    share: float,
) -> Trained:
    """Fit on the preferences that are not held out, and write the checkpoint.

    Args:
        dataset: All preferences of the job.
        readings: Shape (n_candidates, width).
        held_out: Shape (n_preferences,), true where nothing may be learnt.
        negatives: Answers to other prompts, to learn from as losers; of no held-out prompt.
        output: The checkpoint's folder, less what the fingerprint adds to its name.
        base: Name and fingerprint of the reader.
        progress: Takes the curve; raises where the job was cancelled.
        share: Of the whole job that is done when the fit begins.
    """
    learnt, judged = dataset.select(~held_out), dataset.select(held_out)

    def follow(step: int, loss: float, accuracy: float) -> None:
        progress.report(f"choosing the prior, setting {step}, accuracy {accuracy:.2f}", share)

    options = FastOptions()
    ranker = FastRanker.fit(learnt, readings, options=options, negatives=negatives, on_progress=follow)
    _draw_curve(ranker, learnt, judged, readings, progress, share)
    name = f"{output.name}-{ranker.fingerprint[:12]}"
    write_folder(output.parent / name, ranker.save)
    return Trained(
        path=name,
        fingerprint=ranker.fingerprint,
        base_model=base[0],
        base_fingerprint=base[1],
        hyper_parameters={**asdict(options), "n_negatives": len(negatives.winner)},
        held_out_logits=predict_fast(ranker, judged, readings),
    )


def cross_validate(dataset: PreferenceDataset, readings: FloatArray, negatives: ReadNegatives) -> FloatArray:
    """Log-odds for each preference's left side by a fit on other prompts, shape (n_preferences,)."""
    fold_of = assign_folds(dataset, seed=0)
    folds, learnt_in = fold_of[dataset.prompt_of[dataset.left]], fold_of[dataset.prompt_of[negatives.winner]]
    logits = np.zeros(len(dataset))
    for fold in np.unique(folds):
        judged = folds == fold
        ranker = FastRanker.fit(
            dataset.select(~judged), readings, negatives=negatives.select(learnt_in != fold)
        )
        logits[judged] = predict_fast(ranker, dataset.select(judged), readings)
    return logits


def _draw_curve(
    ranker: FastRanker,
    learnt: PreferenceDataset,
    judged: PreferenceDataset,
    readings: FloatArray,
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
        fitted = ranker.refit(part, readings)
        loss, accuracy = measure_fit(predict_fast(fitted, part, readings), part)
        held_out_loss, held_out_accuracy = measure_fit(predict_fast(fitted, judged, readings), judged)
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


def predict_fast(ranker: FastRanker, dataset: PreferenceDataset, readings: FloatArray) -> FloatArray:
    """Log-odds for each preference's left side, shape (n_preferences,), from readings of all candidates.

    Consensus counts every candidate of a prompt that was read, compared or not.
    """
    logits = np.zeros(len(dataset))
    prompts = dataset.prompt_of[dataset.left]
    is_read = np.any(readings, axis=1)
    is_read[dataset.left] = is_read[dataset.right] = True
    for prompt in np.unique(prompts):
        chosen = np.flatnonzero(prompts == prompt)
        used = np.flatnonzero(is_read & (dataset.prompt_of == prompt))
        matrix = ranker.pairwise_logits(
            readings[used], [dataset.members[index] for index in used], dataset.prompts[int(prompt)]
        )
        left, right = (np.searchsorted(used, side[chosen]) for side in (dataset.left, dataset.right))
        logits[chosen] = (matrix[left, right] - matrix[right, left]) / 2
    return logits

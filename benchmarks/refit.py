"""Seconds that a refit of the fast head takes at 5,040 preferences, beside SciPy's L-BFGS on the same cost.

    python -m benchmarks.refit [--quick]

Readings are random numbers of the shape that the default reader gives, because time does not depend on
what they say. The peer gets the features and preferences that the head gets, and minimises the same
penalised cross-entropy from the same start; it ends with weights, ours with weights and their covariance,
so ours does more. Both take turns, and medians count. ``max_abs_difference`` is between the utilities
that the two give to the candidates.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from blender_ui.ranking.calibration import cross_entropy
from blender_ui.ranking.fast.head import Comparisons, fit_head, summarise
from blender_ui.ranking.fast.ranker import FastRanker
from blender_ui.ranking.surface import SURFACE_NAMES
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt

N_MEMBERS = 4
N_PROMPTS = 840
HIDDEN_SIZE = 576
FIRST_LABELS = 60
"""Of the fit before the refit, which chooses basis and precisions."""
N_FEATURES = 100
PRECISION = 3.0


def main() -> None:
    """Measure, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    n_turns = 5 if parser.parse_args().quick else 30
    dataset, readings = make_preferences(np.random.default_rng(0))
    known = FastRanker.fit(dataset.select(np.arange(len(dataset)) < FIRST_LABELS), readings)
    features = np.random.default_rng(1).normal(size=(len(readings), N_FEATURES)) / np.sqrt(N_FEATURES)
    comparisons, precision = summarise(dataset), np.full(N_FEATURES, PRECISION)
    seconds: dict[str, list[float]] = {"refit": [], "head": [], "peer": []}
    for _ in range(n_turns):
        for name, work in {
            "refit": lambda: known.refit(dataset, readings),
            "head": lambda: fit_head(features, comparisons, precision),
            "peer": lambda: fit_peer(features, comparisons, precision),
        }.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    ours = fit_head(features, comparisons, precision).mean
    theirs = fit_peer(features, comparisons, precision)
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    result = {
        "benchmark": "refit",
        "n_preferences": len(dataset),
        "n_candidates": len(readings),
        "n_columns": readings.shape[1],
        "n_turns": n_turns,
        "seconds": round(median["refit"], 4),
        "head_seconds": round(median["head"], 4),
        "peer_seconds": round(median["peer"], 4),
        "ratio": round(median["peer"] / median["head"], 2),
        "max_abs_difference": float(np.abs(features @ (ours - theirs)).max()),
    }
    print(json.dumps(result))


def make_preferences(rng: np.random.Generator) -> tuple[PreferenceDataset, FloatArray]:
    """Every pair of every prompt once, decided by one column and chance, and all readings."""
    n_candidates = N_PROMPTS * N_MEMBERS
    width = len(SURFACE_NAMES) + HIDDEN_SIZE
    readings = rng.normal(size=(n_candidates, width)).astype(np.float32)
    first, second = np.triu_indices(N_MEMBERS, 1)
    base = N_MEMBERS * np.arange(N_PROMPTS)[:, None]
    left, right = (base + first).ravel(), (base + second).ravel()
    odds = readings[left, 0] - readings[right, 0]
    return PreferenceDataset(
        prompts=tuple(RankingPrompt(instruction=f"Question {number}?") for number in range(N_PROMPTS)),
        texts=("",) * n_candidates,
        members=tuple(f"member {number % N_MEMBERS}" for number in range(n_candidates)),
        prompt_of=np.repeat(np.arange(N_PROMPTS), N_MEMBERS),
        left=left,
        right=right,
        target=(rng.random(len(left)) < expit(odds)).astype(float),
        both_bad=np.zeros(len(left), dtype=bool),
        strength=np.full(len(left), np.nan),
        annotators=("a",) * len(left),
    ), readings


def fit_peer(features: FloatArray, comparisons: Comparisons, precision: FloatArray) -> FloatArray:
    """The weights that minimise the head's cost, by SciPy's L-BFGS."""
    difference = features[comparisons.first] - features[comparisons.second]

    def cost(weights: FloatArray) -> tuple[float, FloatArray]:
        logits = difference @ weights
        surprise = cross_entropy(logits, comparisons.share, comparisons.weight)
        gradient = difference.T @ (comparisons.weight * (expit(logits) - comparisons.share))
        return surprise + 0.5 * float(precision @ np.square(weights)), gradient + precision * weights

    found: FloatArray = minimize(
        cost, np.zeros(len(precision)), jac=True, method="L-BFGS-B", options={"ftol": 1e-12, "gtol": 1e-6}
    ).x
    return found


if __name__ == "__main__":
    main()

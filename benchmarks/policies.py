"""How many labels each policy of choosing the next pair needs, by simulation on people's real labels.

    python -m benchmarks.policies [--data FOLDER] [--files pandalm tulu1 vicuna80] [--seeds 10] [--quick]

A question is an unordered pair of a prompt's answers that people compared. Asking it gives one of its labels,
drawn by the seed, so every policy hears the same answer to the same question. Two fifths of the prompts are
held out. After each ``BATCH`` answers, as many as come between two looks of the live head, the fast ranker's
head is fitted anew and the policy chooses the next ones; ``random_share`` of its turns stay random, as in the
app.

Told for each policy: the held-out accuracy and how many labels it takes to get where random gets with N (on
the mean curve over seeds); the difference of its mean accuracy along the curve to random's, paired by seed,
with its standard error; the width of the members' rating intervals and how many labels it takes to get
random's width; and how far its ratings are from those of all labels: narrow and wrong is no gain.

Readings come from ``benchmarks.ranker_accuracy``'s cache, or are made (a third of a second an answer);
``--surface`` does without a language model, with the texts' surface and the members alone.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from benchmarks.curves import Curve, draw_curves
from benchmarks.readings import CachedReading, Labelled, find_kinds
from blender_ui.exchange.jsonl import read_records
from blender_ui.exchange.records import to_dataset
from blender_ui.ranking.calibration import moderate
from blender_ui.ranking.evaluation import decided_majorities, prompt_clusters
from blender_ui.ranking.fast.fitting import start_state
from blender_ui.ranking.fast.head import Comparisons, Head, fit_head, spread_precisions
from blender_ui.ranking.fast.prior import known_members
from blender_ui.ranking.fast.state import FastOptions, state_features
from blender_ui.ranking.surface import SURFACE_NAMES, surface_features
from blender_ui.services.ranking.information import measure_information
from blender_ui.settings import load_settings
from blender_ui.statistics.bradley_terry import NORMAL_95, fit_bradley_terry
from blender_ui.values import FloatArray, IntArray
from blender_ui.weights.resolver import reader_path

BATCH = 8
RANDOM_SHARE = 0.2
HELD_OUT = 0.4
BUDGET, BUDGET_QUICK = 400, 96
TARGETS, TARGETS_QUICK = (100, 200, 300), (48,)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)


class World(NamedTuple):
    """What people would say, and what the ranker sees.

    Attributes:
        features: Of each candidate, (n_candidates, n_features).
        precision: Of each feature's weight.
        member: Number of each candidate's member.
        n_members: How many.
        first, second: Candidates of each question, (n_questions,).
        prompt: Of each question; equal texts have equal numbers.
        answers: Every label of each question, as shares for first.
        winner, loser, asked: The decided pairs that accuracy is measured on, and their prompts.
    """

    features: FloatArray
    precision: FloatArray
    member: IntArray
    n_members: int
    first: IntArray
    second: IntArray
    prompt: IntArray
    answers: tuple[FloatArray, ...]
    winner: IntArray
    loser: IntArray
    asked: IntArray


class State(NamedTuple):
    """What a policy knows: the open questions, and the head's posterior of them.

    Attributes:
        world: Everything but people's answers.
        open: Positions of the questions that were not asked.
        logits, deviations: Of those, moderated as the app shows them.
        difference: Their features, first less second.
        head: The posterior.
        asked: Positions of the questions that were.
        n_asked_of_prompt: By prompt.
        rng: For the random turns.
    """

    world: World
    open: IntArray
    logits: FloatArray
    deviations: FloatArray
    difference: FloatArray
    head: Head
    asked: IntArray
    n_asked_of_prompt: IntArray
    rng: np.random.Generator


Score = Callable[[State], FloatArray]
"""Of each open question, the highest is asked first."""


def by_deviation(state: State) -> FloatArray:
    """The posterior standard deviation of the logit."""
    return state.deviations


def by_information(state: State) -> FloatArray:
    """Expected gain in nats of a linear-Gaussian observation; MacKay, Neural Computation 4 (1992)."""
    return measure_information(state.logits, state.deviations)


def by_entropy(state: State) -> FloatArray:
    """Entropy of the predicted outcome: uncertainty sampling; Lewis and Gale, SIGIR 1994."""
    return _entropy(expit(state.logits))


def by_bald(state: State) -> FloatArray:
    """Mutual information of outcome and weights; Houlsby et al., arXiv:1112.5745."""
    samples = expit(state.logits[:, None] + state.deviations[:, None] * _NODES)
    weights = _WEIGHTS / _WEIGHTS.sum()
    return _entropy(samples @ weights) - _entropy(samples) @ weights


def by_variance(state: State) -> FloatArray:
    """Expected fall of the variance of all open logits (A-optimal for predictions)."""
    chance = expit(state.logits)
    curvature = chance * (1 - chance)
    spread = state.difference @ state.head.covariance @ state.difference.T
    return curvature * np.square(spread).sum(axis=1) / (1 + curvature * np.diag(spread))


def by_new_prompt(state: State) -> FloatArray:
    """Information, on the prompts that were asked least: no two near-same questions in a row."""
    return by_information(state) - 10.0 * state.n_asked_of_prompt[state.world.prompt[state.open]]


def by_rating(state: State) -> FloatArray:
    """Expected fall of the summed variance of the members' Bradley-Terry ratings (A-optimal)."""
    world, asked = state.world, state.asked
    left, right = world.member[world.first], world.member[world.second]
    fitted = fit_bradley_terry(
        left[asked], right[asked], _targets(world, asked, state.rng, mean=True), n_players=world.n_members
    )
    a, b = left[state.open], right[state.open]
    chance = expit(fitted.strengths[a] - fitted.strengths[b])
    curvature = chance * (1 - chance)
    shift = fitted.covariance[a] - fitted.covariance[b]
    variance = shift[np.arange(len(a)), a] - shift[np.arange(len(b)), b]
    gain = curvature * np.square(shift).sum(axis=1) / (1 + curvature * variance)
    return gain + 1e-9 * state.rng.random(len(gain))


def by_thompson(state: State) -> FloatArray:
    """Double Thompson sampling: the best by one draw against the best by another, by prompt."""
    root = np.linalg.cholesky(state.head.covariance + 1e-9 * np.eye(len(state.head.mean)))
    draws = state.head.mean + (root @ state.rng.standard_normal((len(state.head.mean), 2))).T
    world = state.world
    value = world.features @ draws.T
    first, second = world.first[state.open], world.second[state.open]
    forward, backward = value[first, 0] + value[second, 1], value[second, 0] + value[first, 1]
    best = np.maximum(forward, backward)
    score = state.rng.random(len(best))
    for prompt in np.unique(world.prompt[state.open]):
        mine = np.flatnonzero(world.prompt[state.open] == prompt)
        score[mine[np.argmax(best[mine])]] += 1
    return score


POLICIES: dict[str, tuple[Score | None, float]] = {
    "balanced_random": (None, 1.0),
    "deviation": (by_deviation, RANDOM_SHARE),
    "information": (by_information, RANDOM_SHARE),
    "information_half_random": (by_information, 0.5),
    "entropy": (by_entropy, RANDOM_SHARE),
    "entropy_half_random": (by_entropy, 0.5),
    "bald": (by_bald, RANDOM_SHARE),
    "variance": (by_variance, RANDOM_SHARE),
    "variance_half_random": (by_variance, 0.5),
    "new_prompt": (by_new_prompt, RANDOM_SHARE),
    "thompson": (by_thompson, RANDOM_SHARE),
    "rating": (by_rating, RANDOM_SHARE),
}


class Run(NamedTuple):
    """One simulation, measured after each batch.

    Attributes:
        n_labels: How many had been given, (n_steps,).
        accuracy: On held-out prompts, same shape.
        width: Mean width of the ratings' 95 % intervals in log-odds, same shape.
        error: Root mean square distance of the ratings to those of all labels, same shape.
    """

    n_labels: IntArray
    accuracy: FloatArray
    width: FloatArray
    error: FloatArray


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print a table a file, draw the curves, print one JSON object."""
    options = _parse(arguments)
    reading = None if options.surface else CachedReading(options.reader, options.cache)
    files = options.files[:1] if options.quick else options.files
    told: dict[str, dict[str, dict[str, float | None]]] = {}
    for name in files:
        path = options.data / f"{name}.jsonl.gz"
        seconds = 25.0 if options.quick else None
        file = read_surface(path) if reading is None else reading.read(path, seconds=seconds, seed=0)
        world = make_world(file)
        budget = BUDGET_QUICK if options.quick else BUDGET
        n_seeds = 2 if options.quick else options.seeds
        runs = {
            policy: [simulate(world, policy, seed=seed, budget=budget) for seed in range(n_seeds)]
            for policy in (
                "balanced_random",
                *(name for name in options.policies if name != "balanced_random"),
            )
        }
        targets = TARGETS_QUICK if options.quick else TARGETS
        told[name] = {
            policy: summarise_runs(runs[policy], runs["balanced_random"], targets=targets) for policy in runs
        }
        _print(name, world, told[name])
        if options.images is not None:
            _draw(options.images / f"policies-{name}.svg", name, runs)
    print(json.dumps(told))


def read_surface(path: Path) -> Labelled:
    """A file's preferences with readings of the texts' surface alone."""
    dataset = to_dataset(read_records(path))
    readings = np.zeros((len(dataset.texts), len(SURFACE_NAMES) + 1), dtype=np.float32)
    for number, prompt in enumerate(dataset.prompts):
        mine = np.flatnonzero(dataset.prompt_of == number)
        if len(mine):
            surface = surface_features(prompt, [dataset.texts[index] for index in mine])
            readings[mine, :-1] = surface
    return Labelled(dataset, readings)


def make_world(file: Labelled) -> World:
    """Features, questions and answers of a file."""
    dataset = file.dataset
    sorter = find_kinds(dataset)
    kinds = sorter.sort(dataset.prompts)[dataset.prompt_of]
    known = known_members(dataset.members)
    empty = start_state(FastOptions(), file.readings, dataset)._replace(members=known, kinds=sorter)
    features, sizes = state_features(empty, file.readings, dataset.members, kinds, dataset.prompt_of)
    first, second = np.minimum(dataset.left, dataset.right), np.maximum(dataset.left, dataset.right)
    key, question = np.unique(first * len(dataset.texts) + second, return_inverse=True)
    share = np.where(dataset.left == first, dataset.target, 1 - dataset.target)
    order = np.argsort(question, kind="stable")
    answers = np.split(share[order], np.cumsum(np.bincount(question))[:-1])
    clusters = prompt_clusters(dataset)
    pairs = decided_majorities(dataset)
    place = {name: number for number, name in enumerate(known)}
    return World(
        features=features,
        precision=spread_precisions(empty.precisions, sizes),
        member=np.array([place.get(name, 0) for name in dataset.members]),
        n_members=max(len(known), 1),
        first=key // len(dataset.texts),
        second=key % len(dataset.texts),
        prompt=clusters[dataset.prompt_of[key // len(dataset.texts)]],
        answers=tuple(answers),
        winner=pairs.winner,
        loser=pairs.loser,
        asked=clusters[dataset.prompt_of[pairs.winner]],
    )


def simulate(world: World, policy: str, *, seed: int, budget: int) -> Run:
    """Ask questions by a policy until the budget or the questions are spent."""
    score, random_share = POLICIES[policy]
    rng, turn_rng = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    held_out = rng.random(int(world.prompt.max()) + 1) < HELD_OUT
    target = _targets(world, np.arange(len(world.first)), rng)
    queue = rng.permutation(np.flatnonzero(~held_out[world.prompt]))
    all_ratings = _rate(world, queue, _targets(world, queue, rng, mean=True)).strengths
    test = held_out[world.asked]
    asked, steps, head = np.zeros(0, dtype=np.intp), [], None
    while len(asked) < budget and len(queue):
        chosen = queue[:BATCH]
        if score is not None and head is not None:
            chosen = _choose(world, score, random_share, head, asked, queue, turn_rng)
        queue = queue[~np.isin(queue, chosen)]
        asked = np.concatenate([asked, chosen])
        head = _fit(world, asked, target[asked], None if head is None else head.mean)
        margin = (world.features[world.winner[test]] - world.features[world.loser[test]]) @ head.mean
        rated = _rate(world, asked, target[asked])
        deviation = np.sqrt(np.maximum(np.diag(rated.covariance), 0))
        error = np.sqrt(np.mean(np.square(rated.strengths - all_ratings)))
        steps.append(
            (len(asked), ((np.sign(margin) + 1) / 2).mean(), 2 * NORMAL_95 * deviation.mean(), error)
        )
    n_labels, *curves = (np.array(values) for values in zip(*steps, strict=True))
    return Run(n_labels, *curves)


def _choose(
    world: World,
    score: Score,
    random_share: float,
    head: Head,
    asked: IntArray,
    queue: IntArray,
    turn_rng: np.random.Generator,
) -> IntArray:
    """A batch: each turn the first of the random order at random, else the best that is left."""
    difference = world.features[world.first[queue]] - world.features[world.second[queue]]
    deviations = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", difference, head.covariance, difference), 0))
    n_prompts = int(world.prompt.max()) + 1
    n_asked = np.bincount(world.prompt[asked], minlength=n_prompts)
    logits = moderate(difference @ head.mean, deviations)
    state = State(world, queue, logits, deviations, difference, head, asked, n_asked, turn_rng)
    best = list(queue[np.argsort(-score(state), kind="stable")])
    chosen: list[int] = []
    for _ in range(min(BATCH, len(queue))):
        pick = next(iter(q for q in queue if q not in chosen)) if turn_rng.random() < random_share else None
        chosen.append(int(pick if pick is not None else next(q for q in best if q not in chosen)))
    return np.array(chosen)


def _fit(world: World, asked: IntArray, target: FloatArray, start: FloatArray | None) -> Head:
    comparisons = Comparisons(world.first[asked], world.second[asked], target, np.ones(len(asked)))
    return fit_head(world.features, comparisons, world.precision, start=start)


def _rate(world: World, asked: IntArray, target: FloatArray):  # type: ignore[no-untyped-def]
    return fit_bradley_terry(
        world.member[world.first[asked]],
        world.member[world.second[asked]],
        target,
        n_players=world.n_members,
        clusters=world.prompt[asked],
    )


def _targets(
    world: World, questions: IntArray, rng: np.random.Generator, *, mean: bool = False
) -> FloatArray:
    """One label of each question, or their mean."""
    if mean:
        return np.array([world.answers[question].mean() for question in questions])
    return np.array([rng.choice(world.answers[question]) for question in questions])


def summarise_runs(
    runs: Sequence[Run], random_runs: Sequence[Run], *, targets: Sequence[int]
) -> dict[str, float | None]:
    """The figures of a policy beside random's; differences are paired by seed."""
    gain = np.array(
        [run.accuracy.mean() - other.accuracy.mean() for run, other in zip(runs, random_runs, strict=True)]
    )
    figures: dict[str, float | None] = {
        "accuracy": round(float(np.mean([run.accuracy.mean() for run in runs])), 4),
        "gain": round(float(gain.mean()), 4),
        "gain_se": round(float(gain.std(ddof=1) / np.sqrt(len(gain))), 4),
        "rating_width": round(float(np.mean([run.width[-1] for run in runs])), 3),
        "rating_error": round(float(np.mean([run.error.mean() for run in runs])), 3),
    }
    for n in targets:
        figures[f"labels_like_random_{n}"] = _labels_needed(runs, random_runs, "accuracy", n)
        figures[f"labels_width_like_random_{n}"] = _labels_needed(runs, random_runs, "width", n)
    return figures


def _labels_needed(runs: Sequence[Run], random_runs: Sequence[Run], what: str, n: int) -> float | None:
    """Labels until the mean curve is, for good, where random's is at n; None where it never is."""
    n_steps = min(len(run.n_labels) for run in (*runs, *random_runs))
    labels = runs[0].n_labels[:n_steps]
    sign = 1 if what == "accuracy" else -1
    mine, others = (
        sign * _smooth(np.mean([getattr(run, what)[:n_steps] for run in some], axis=0))
        for some in (runs, random_runs)
    )
    if n > labels[-1]:
        return None
    wanted = np.interp(n, labels, others)
    below = np.flatnonzero(mine < wanted)
    if not len(below):
        return float(labels[0])
    last = below[-1]
    if last + 1 >= n_steps:
        return None
    return round(float(np.interp(wanted, mine[last : last + 2], labels[last : last + 2])), 1)


def _smooth(values: FloatArray) -> FloatArray:
    """A running mean of five steps: the curve's own noise is not a label saved."""
    return np.convolve(np.pad(values, 2, mode="edge"), np.full(5, 0.2), mode="valid")


def _entropy(chance: FloatArray) -> FloatArray:
    inside = np.clip(chance, 1e-12, 1 - 1e-12)
    return -(inside * np.log(inside) + (1 - inside) * np.log1p(-inside))


def _print(name: str, world: World, told: dict[str, dict[str, float | None]]) -> None:
    print(f"\n{name}: {len(world.first)} questions of {len(np.unique(world.prompt))} prompts")
    columns = list(told["balanced_random"])
    print(
        " " * 24
        + " ".join(f"{column.replace('labels_', '').replace('like_random_', '@'):>12}" for column in columns)
    )
    for policy, figures in told.items():
        cells = " ".join(f"{'never' if figures[c] is None else figures[c]:>12}" for c in columns)
        print(f"{policy:24}{cells}", flush=True)


def _draw(path: Path, name: str, runs: dict[str, list[Run]]) -> None:
    curves = []
    drawn = ("balanced_random", "information", "deviation", "variance", "entropy", "new_prompt", "rating")
    for policy in (name for name in drawn if name in runs):
        n_steps = min(len(run.n_labels) for run in runs[policy])
        stacked = np.array([run.accuracy[:n_steps] for run in runs[policy]])
        curves.append(
            Curve(policy.replace("_", " "), runs[policy][0].n_labels[:n_steps], _smooth(stacked.mean(axis=0)))
        )
    draw_curves(path, curves, title=f"{name}: held-out accuracy", x="labels", y="accuracy")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    settings = load_settings(os.environ)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the files")
    parser.add_argument("--files", nargs="+", default=["pandalm", "tulu1", "vicuna80"], help="without ending")
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="one file, two seeds, within a minute")
    parser.add_argument("--surface", action="store_true", help="no language model: surface and members")
    parser.add_argument("--images", type=Path, help="folder to draw the curves in")
    parser.add_argument("--reader", type=Path, help="folder of a causal LM")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/blender-ui/readings").expanduser())
    options = parser.parse_args(arguments)
    if options.reader is None:
        options.reader = reader_path(settings.reader, cache_path=settings.weights_path.expanduser())
    return options


if __name__ == "__main__":
    main()

"""How often the fast ranker agrees with people on prompts it has not seen, beside simple means.

    python -m benchmarks.ranker_accuracy --test FILE [--train FILE ...] [--quick] [--curve] [--images FOLDER]

Files are JSON lines as ``blender_ui.exchange.jsonl`` has them, plain or gzipped; only people's labels
count. Without ``--train`` every figure is of 5 folds by prompt within the test file. With it, ``text``
is fitted on the training files alone, less every prompt that is also in the test file; ``prior``, who
wrote an answer, is fitted on the other prompts of the test file (5 folds), because members differ from
file to file; ``both`` goes on learning from those same prompts where ``text`` stopped, and
``text_length_controlled`` is ``text`` with length taken out of the readings. ``longer``,
``rating``, ``style`` and ``ceiling`` are those of ``blender_ui.ranking.evaluation``. ``--quick`` reads
prompts in random order until half a minute is over. Readings are kept in a cache, so that a run that
was ended goes on where it was. ``--images`` draws the reliability curve of every form, and with ``--curve``
the learning curve.

As in the app, each fit has answers to other prompts among its losers (``ranking.fast.negatives``;
``--no-negatives`` for fits without). What that is for is measured either way: in place of each candidate of a
prompt in turn comes a fluent answer to another prompt, and ``negative_first`` is how often the ranker puts it
first, ``negative_chance`` how often chance would.

The last line is one JSON object; ``accuracy``, ``low`` and ``high`` are those of ``both``. Pairs of two
equal texts count one half by text; ``distinct`` has all figures without them, where there are any.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from benchmarks.curves import Curve, draw_curves
from benchmarks.readings import CachedReading, Labelled, find_kinds
from blender_ui.errors import BlenderError
from blender_ui.ranking.aggregation import score_candidates
from blender_ui.ranking.evaluation import assign_folds, decided_majorities, evaluate
from blender_ui.ranking.fast.negatives import ReadNegatives
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.settings import load_settings
from blender_ui.statistics.reliability import measure_reliability
from blender_ui.values import BoolArray, FloatArray, IntArray, PreferenceDataset
from blender_ui.weights.resolver import reader_path

QUICK_SECONDS = 30.0
N_RELIABILITY_BINS = 5
FEWEST_DRAWN = 10
"""Pairs of a bin of the reliability curve; a share of fewer says nothing."""
CURVE_LABELS = (0, 25, 50, 100, 200, 400, 800, 1600, 3200)
FORMS = {
    "text": FastOptions(uses_members=False),
    "prior": FastOptions(uses_text=False),
    "both": FastOptions(),
}


class Predictions(NamedTuple):
    """Of one form, from rankers that have not seen the prompts.

    Attributes:
        logits: For each decided pair's winner, (n_pairs,).
        negative_first: Of each negative sample, in [0, 1], (n_negatives,).
    """

    logits: FloatArray
    negative_first: FloatArray

    @classmethod
    def none_of(cls, file: Labelled) -> Predictions:
        """Zeros, to be filled in."""
        n_pairs = len(decided_majorities(file.dataset).winner)
        return cls(np.zeros(n_pairs), np.zeros(0 if file.negatives is None else len(file.negatives.winner)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit, predict, print."""
    options = _parse(arguments)
    files = [options.test, *options.train]
    seconds = QUICK_SECONDS / len(files) if options.quick else None
    reading = CachedReading(options.reader, options.cache, with_negatives=True)
    test, *train = [
        replace(
            reading.read(path, seconds=seconds, seed=options.seed), has_negatives=not options.no_negatives
        )
        for path in files
    ]
    test = replace(test, kinds=find_kinds(test.dataset))
    print(f"kinds of task: {'; '.join(test.kinds.names)}")
    if options.curve:
        start = None
        if train:
            known = _leave_out_prompts(_join(train), test)
            start = known.fit(np.ones(len(known.dataset), dtype=bool), FORMS["text"])
        lines = []
        for line in learning_curve(test, seed=options.seed, start=start):
            print(json.dumps(line), flush=True)
            lines.append(line)
        if options.images is not None:
            _draw_learning(options.images, options.test.name.split(".")[0], lines)
    told = (
        _across_files(test, _join(train), seed=options.seed)
        if train
        else _within_file(test, tuple(FORMS), seed=options.seed)
    )
    logits = {form: one.logits for form, one in told.items()}
    if options.images is not None:
        _draw_reliability(options.images, options.test.name.split(".")[0], logits)
    summary = summarise(test.dataset, logits, seed=options.seed)
    print(json.dumps({**summary, **_summarise_negatives(test, told)}))


def _summarise_negatives(test: Labelled, told: dict[str, Predictions]) -> dict[str, object]:
    """How often negative samples come first, by form, and how often they would by chance."""
    if test.negatives is None:
        return {}
    sizes = np.bincount(test.dataset.prompt_of)[test.dataset.prompt_of[test.negatives.winner]]
    first = {form: float(one.negative_first.mean()) for form, one in told.items() if len(one.negative_first)}
    return {"negative_first": first, "negative_chance": float((1 / sizes).mean()), "n_negatives": len(sizes)}


def summarise(dataset: PreferenceDataset, logits: dict[str, FloatArray], *, seed: int) -> dict[str, object]:
    """The figures of ``both`` and the baselines, those of each form, and all over distinct texts."""
    result: dict[str, object] = _summarise(dataset, logits, seed=seed)
    pairs, texts = decided_majorities(dataset), dataset.texts
    differ = np.array([texts[i] != texts[j] for i, j in zip(pairs.winner, pairs.loser, strict=True)])
    shown = np.array([texts[i] != texts[j] for i, j in zip(dataset.left, dataset.right, strict=True)])
    if not differ.all():
        print(f"without {np.sum(~differ)} pairs of equal texts:")
        kept = {form: values[differ] for form, values in logits.items()}
        result["distinct"] = _summarise(dataset.select(shown), kept, seed=seed)
    return result


def _summarise(dataset: PreferenceDataset, logits: dict[str, FloatArray], *, seed: int) -> dict[str, object]:
    measured = {form: evaluate(dataset, values, seed=seed) for form, values in logits.items()}
    result: dict[str, object] = measured["both"]._asdict()
    for form, figures in measured.items():
        result[form] = {key: getattr(figures, key) for key in ("accuracy", "low", "high", "ece", "brier")}
        print(
            f"{form:6} {figures.accuracy:.3f} [{figures.low:.3f}, {figures.high:.3f}] ECE {figures.ece:.3f}"
        )
    return result


def learning_curve(
    file: Labelled, *, seed: int, start: FastRanker | None = None
) -> Iterator[dict[str, float]]:
    """Held-out accuracy against the number of labels, for text, prior, both, and both from ``start`` on.

    Labels arrive prompt by prompt in random order; the figures are means over 5 folds by prompt.
    """
    forms: dict[str, tuple[FastOptions, FastRanker | None]] = {
        form: (options, None) for form, options in FORMS.items()
    }
    if start is not None:
        forms["started"] = FORMS["both"], start
    pairs, rng = decided_majorities(file.dataset), np.random.default_rng(seed)
    folds = assign_folds(file.dataset, seed=seed)
    prompt_of_label = file.dataset.prompt_of[file.dataset.left]
    arrival = rng.permutation(len(file.dataset.prompts))[prompt_of_label]
    for n_labels in CURVE_LABELS:
        logits = {form: np.zeros(len(pairs.winner)) for form in forms}
        for fold in np.unique(folds):
            train = np.flatnonzero(folds[prompt_of_label] != fold)
            if n_labels > len(train):
                return
            kept = np.zeros(len(file.dataset), dtype=bool)
            kept[train[np.argsort(arrival[train], kind="stable")[:n_labels]]] = True
            for form, (options, given) in forms.items():
                ranker = file.fit(kept, options, given)
                test = folds[file.dataset.prompt_of[pairs.winner]] == fold
                logits[form][test] = _predict(ranker, file, pairs.winner[test], pairs.loser[test])
        yield {
            "n_labels": n_labels,
            **{form: float((np.sign(values) + 1).mean() / 2) for form, values in logits.items()},
        }


def _draw_reliability(folder: Path, name: str, logits: dict[str, FloatArray]) -> None:
    ideal = np.array([0.5, 1.0])
    curves = [Curve("as often as said", ideal, ideal)]
    for form, values in logits.items():
        found = measure_reliability(expit(values), np.ones(len(values)), n_bins=N_RELIABILITY_BINS)
        enough = found.n >= FEWEST_DRAWN
        curves.append(Curve(form, found.confidence[enough], found.accuracy[enough]))
    path = folder / f"reliability-{name}.svg"
    draw_curves(path, curves, title=f"{name}: share right", x="confidence", y="share")


def _draw_learning(folder: Path, name: str, lines: Sequence[dict[str, float]]) -> None:
    n_labels = np.array([line["n_labels"] for line in lines], dtype=int)
    curves = [
        Curve(form, n_labels, np.array([line[form] for line in lines]))
        for form in lines[0]
        if form != "n_labels"
    ]
    path = folder / f"learning-curve-{name}.svg"
    draw_curves(path, curves, title=f"{name}: held-out accuracy", x="labels", y="accuracy")


def _within_file(
    file: Labelled, forms: Sequence[str], *, seed: int, start: FastRanker | None = None
) -> dict[str, Predictions]:
    pairs, folds = decided_majorities(file.dataset), assign_folds(file.dataset, seed=seed)
    asked_in, labelled_in = (
        folds[file.dataset.prompt_of[pairs.winner]],
        folds[file.dataset.prompt_of[file.dataset.left]],
    )
    negatives = file.negatives
    negative_in = folds[:0] if negatives is None else folds[file.dataset.prompt_of[negatives.winner]]
    told = {form: Predictions.none_of(file) for form in forms}
    for fold in np.unique(asked_in):
        test, negative = asked_in == fold, np.flatnonzero(negative_in == fold)
        for form in forms:
            ranker = file.fit(labelled_in != fold, FORMS[form], start)
            told[form].logits[test] = _predict(ranker, file, pairs.winner[test], pairs.loser[test])
            if negatives is not None:
                told[form].negative_first[negative] = _negative_first(
                    ranker, file, negatives.select(negative)
                )
    return told


def _across_files(test: Labelled, train: Labelled, *, seed: int) -> dict[str, Predictions]:
    known = _leave_out_prompts(train, test)
    everything = np.ones(len(known.dataset), dtype=bool)
    start = known.fit(everything, FORMS["text"])
    without_length = known.fit(everything, FastOptions(uses_members=False, controls_length=True))
    return {
        "text": _predict_all(start, test),
        "text_length_controlled": _predict_all(without_length, test),
        **_within_file(test, ["prior"], seed=seed),
        **_within_file(test, ["both"], seed=seed, start=start),
    }


def _leave_out_prompts(train: Labelled, test: Labelled) -> Labelled:
    """The training file less the preferences of every prompt that the test file has too."""
    asked = {prompt.fingerprint for prompt in test.dataset.prompts}
    unseen = np.array([prompt.fingerprint not in asked for prompt in train.dataset.prompts])
    usable: BoolArray = unseen[train.dataset.prompt_of[train.dataset.left]]
    print(f"training on {usable.sum()} labels; {np.sum(~usable)} are of prompts in the test file")
    return replace(train, dataset=train.dataset.select(usable))


def _predict_all(ranker: FastRanker, file: Labelled) -> Predictions:
    pairs = decided_majorities(file.dataset)
    first = np.zeros(0) if file.negatives is None else _negative_first(ranker, file, file.negatives)
    return Predictions(_predict(ranker, file, pairs.winner, pairs.loser), first)


def _negative_first(ranker: FastRanker, file: Labelled, negatives: ReadNegatives) -> FloatArray:
    """How often each negative sample is ranked first, in place of each of its prompt's candidates in turn."""
    share = np.zeros(len(negatives.winner))
    for number, prompt in enumerate(file.dataset.prompt_of[negatives.winner]):
        used = np.flatnonzero(file.dataset.prompt_of == prompt)
        members = [file.dataset.members[index] for index in used]
        for place in range(len(used)):
            readings = file.readings[used].copy()
            readings[place] = negatives.readings[number]
            logits = ranker.pairwise_logits(readings, members, file.dataset.prompts[prompt])
            share[number] += (int(np.argmax(score_candidates(logits))) == place) / len(used)
    return share


def _predict(ranker: FastRanker, file: Labelled, winner: IntArray, loser: IntArray) -> FloatArray:
    """Calibrated log-odds that each winner beats its loser, (n_pairs,)."""
    logits = np.zeros(len(winner))
    prompt_of_pair = file.dataset.prompt_of[winner]
    for prompt in np.unique(prompt_of_pair):
        asked = prompt_of_pair == prompt
        used = np.flatnonzero(file.dataset.prompt_of == prompt)
        members = [file.dataset.members[index] for index in used]
        matrix = ranker.pairwise_logits(file.readings[used], members, file.dataset.prompts[prompt])
        logits[asked] = matrix[np.searchsorted(used, winner[asked]), np.searchsorted(used, loser[asked])]
    return logits


def _join(files: Sequence[Labelled]) -> Labelled:
    datasets, readings = [file.dataset for file in files], [file.readings for file in files]
    shifts = np.cumsum([0, *(len(dataset.texts) for dataset in datasets)])
    negatives = [
        ReadNegatives(file.negatives.winner + shift, file.negatives.donor + shift, file.negatives.readings)
        for file, shift in zip(files, shifts, strict=False)
        if file.negatives is not None
    ]
    joined = ReadNegatives(*map(np.concatenate, zip(*negatives, strict=True))) if negatives else None
    has_negatives = all(file.has_negatives for file in files)
    return Labelled(join_datasets(datasets), np.concatenate(readings), joined, has_negatives)


def join_datasets(datasets: Sequence[PreferenceDataset]) -> PreferenceDataset:
    """All as one; prompts stay apart."""
    n_prompts = np.cumsum([0, *(len(dataset.prompts) for dataset in datasets)])
    n_texts = np.cumsum([0, *(len(dataset.texts) for dataset in datasets)])
    return PreferenceDataset(
        prompts=sum((dataset.prompts for dataset in datasets), ()),
        texts=sum((dataset.texts for dataset in datasets), ()),
        members=sum((dataset.members for dataset in datasets), ()),
        prompt_of=np.concatenate([d.prompt_of + n for d, n in zip(datasets, n_prompts, strict=False)]),
        left=np.concatenate([d.left + n for d, n in zip(datasets, n_texts, strict=False)]),
        right=np.concatenate([d.right + n for d, n in zip(datasets, n_texts, strict=False)]),
        target=np.concatenate([dataset.target for dataset in datasets]),
        both_bad=np.concatenate([dataset.both_bad for dataset in datasets]),
        strength=np.concatenate([dataset.strength for dataset in datasets]),
        annotators=sum((dataset.annotators for dataset in datasets), ()),
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    settings = load_settings(os.environ)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, nargs="+", default=[], help="files to fit the text on")
    parser.add_argument("--test", type=Path, required=True, help="file to predict")
    parser.add_argument("--quick", action="store_true", help="a sample, within a minute")
    parser.add_argument("--curve", action="store_true", help="print accuracy against number of labels first")
    parser.add_argument("--images", type=Path, help="folder to draw curves in")
    parser.add_argument("--no-negatives", action="store_true", help="fit without answers to other prompts")
    parser.add_argument("--reader", type=Path, default=None, help="folder of a causal LM")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/blender-ui/readings").expanduser())
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.reader is None:
        options.reader = reader_path(settings.reader, cache_path=settings.weights_path.expanduser())
    return options


if __name__ == "__main__":
    try:
        main()
    except BlenderError as error:
        raise SystemExit(str(error)) from error

"""How often the fast ranker agrees with people on prompts it has not seen, beside simple means.

    python -m benchmarks.ranker_accuracy --test FILE [--train FILE ...] [--quick] [--curve]

Files are JSON lines as ``blender_ui.exchange.jsonl`` has them, plain or gzipped; only people's labels
count. Without ``--train`` every figure is of 5 folds by prompt within the test file. With it, ``text``
is fitted on the training files alone, less every prompt that is also in the test file; ``prior``, who
wrote an answer, is fitted on the other prompts of the test file (5 folds), because members differ from
file to file; ``both`` goes on learning from those same prompts where ``text`` stopped, and
``text_length_controlled`` is ``text`` with length taken out of the readings. ``longer``,
``rating``, ``style`` and ``ceiling`` are those of ``blender_ui.ranking.evaluation``. ``--quick`` reads
prompts in random order until half a minute is over. Readings are kept in a cache, so that a run that
was ended goes on where it was.

The last line is one JSON object; ``accuracy``, ``low`` and ``high`` are those of ``both``. Pairs of two
equal texts count one half by text; ``distinct`` has all figures without them, where there are any.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np

from blender_ui.errors import BlenderError
from blender_ui.exchange.jsonl import read_records
from blender_ui.exchange.records import to_dataset
from blender_ui.ranking.evaluation import assign_folds, decided_majorities, evaluate
from blender_ui.ranking.fast import FastOptions, FastRanker
from blender_ui.ranking.types import BoolArray, FloatArray, IntArray, PreferenceDataset
from blender_ui.settings import load_settings
from blender_ui.weights.resolver import reader_path

QUICK_SECONDS = 30.0
SECONDS_BETWEEN_SAVES = 60.0
CURVE_LABELS = (0, 25, 50, 100, 200, 400, 800, 1600, 3200)
FORMS = {
    "text": FastOptions(uses_members=False),
    "prior": FastOptions(uses_text=False),
    "both": FastOptions(),
}


@dataclass(frozen=True)
class Labelled:
    """A file's preferences and the readings of its candidates, (n_candidates, width)."""

    dataset: PreferenceDataset
    readings: FloatArray


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit, predict, print."""
    options = _parse(arguments)
    files = [options.test, *options.train]
    seconds = QUICK_SECONDS / len(files) if options.quick else None
    reading = _CachedReading(options.reader, options.cache)
    test, *train = [reading.read(path, seconds=seconds, seed=options.seed) for path in files]
    if options.curve:
        start = None
        if train:
            known = _leave_out_prompts(_join(train), test)
            start = FastRanker.fit(known.dataset, known.readings, options=FORMS["text"])
        for line in learning_curve(test, seed=options.seed, start=start):
            print(json.dumps(line), flush=True)
    logits = (
        _across_files(test, _join(train), seed=options.seed)
        if train
        else _within_file(test, tuple(FORMS), seed=options.seed)
    )
    print(json.dumps(summarise(test.dataset, logits, seed=options.seed)))


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
                ranker = FastRanker.fit(
                    file.dataset.select(kept), file.readings, options=options, start=given
                )
                test = folds[file.dataset.prompt_of[pairs.winner]] == fold
                logits[form][test] = _predict(ranker, file, pairs.winner[test], pairs.loser[test])
        yield {
            "n_labels": n_labels,
            **{form: float((np.sign(values) + 1).mean() / 2) for form, values in logits.items()},
        }


def _within_file(
    file: Labelled, forms: Sequence[str], *, seed: int, start: FastRanker | None = None
) -> dict[str, FloatArray]:
    pairs, folds = decided_majorities(file.dataset), assign_folds(file.dataset, seed=seed)
    asked_in, labelled_in = (
        folds[file.dataset.prompt_of[pairs.winner]],
        folds[file.dataset.prompt_of[file.dataset.left]],
    )
    logits = {form: np.zeros(len(pairs.winner)) for form in forms}
    for fold in np.unique(asked_in):
        test = asked_in == fold
        for form in forms:
            known = file.dataset.select(labelled_in != fold)
            ranker = FastRanker.fit(known, file.readings, options=FORMS[form], start=start)
            logits[form][test] = _predict(ranker, file, pairs.winner[test], pairs.loser[test])
    return logits


def _across_files(test: Labelled, train: Labelled, *, seed: int) -> dict[str, FloatArray]:
    known = _leave_out_prompts(train, test)
    start = FastRanker.fit(known.dataset, known.readings, options=FORMS["text"])
    pairs = decided_majorities(test.dataset)
    controlled = FastOptions(uses_members=False, controls_length=True)
    without_length = FastRanker.fit(known.dataset, known.readings, options=controlled)
    return {
        "text": _predict(start, test, pairs.winner, pairs.loser),
        "text_length_controlled": _predict(without_length, test, pairs.winner, pairs.loser),
        **_within_file(test, ["prior"], seed=seed),
        **_within_file(test, ["both"], seed=seed, start=start),
    }


def _leave_out_prompts(train: Labelled, test: Labelled) -> Labelled:
    """The training file less the preferences of every prompt that the test file has too."""
    asked = {prompt.fingerprint for prompt in test.dataset.prompts}
    unseen = np.array([prompt.fingerprint not in asked for prompt in train.dataset.prompts])
    usable: BoolArray = unseen[train.dataset.prompt_of[train.dataset.left]]
    print(f"training on {usable.sum()} labels; {np.sum(~usable)} are of prompts in the test file")
    return Labelled(train.dataset.select(usable), train.readings)


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
    return Labelled(
        join_datasets([file.dataset for file in files]), np.concatenate([file.readings for file in files])
    )


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


class _CachedReading:
    """Reads files with the frozen reader, which is loaded when a reading is not in the cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        from blender_ui.ranking.reading import Reader

        self._reader = Reader(folder)
        self._cache = cache / self._reader.fingerprint[:16]

    def read(self, path: Path, *, seconds: float | None, seed: int) -> Labelled:
        """Read the labelled prompts of a file: all of them, or as many as ``seconds`` allow.

        What was read is kept every minute, because a file takes half an hour on two cores.
        """
        dataset = to_dataset(read_records(path))
        cached = self._cache / f"{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}.npz"
        readings = np.zeros((len(dataset.texts), self._reader.width), dtype=np.float32)
        is_read = np.zeros(len(dataset.prompts), dtype=bool)
        if cached.is_file():
            arrays = np.load(cached)
            readings, is_read = arrays["readings"], arrays["is_read"]
        labelled = np.unique(dataset.prompt_of[dataset.left])
        started = saved = monotonic()
        for number in np.random.default_rng(seed).permutation(labelled):
            if is_read[number]:
                continue
            if seconds is not None and monotonic() - started > seconds:
                break
            used = np.flatnonzero(dataset.prompt_of == number)
            readings[used] = self._reader.read(
                dataset.prompts[number], [dataset.texts[index] for index in used]
            )
            is_read[number] = True
            if monotonic() - saved > SECONDS_BETWEEN_SAVES:
                _save(cached, readings, is_read)
                saved = monotonic()
        print(
            f"{path.name}: {is_read.sum()} of {len(labelled)} prompts read, "
            f"the last of them in {monotonic() - started:.0f} s"
        )
        if saved != started or seconds is None:
            _save(cached, readings, is_read)
        return _keep(dataset, readings, is_read)


def _save(path: Path, readings: FloatArray, is_read: BoolArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".partial.npz")
    np.savez(unfinished, readings=readings, is_read=is_read)
    unfinished.replace(path)


def _keep(dataset: PreferenceDataset, readings: FloatArray, is_read: BoolArray) -> Labelled:
    """Drop the prompts that were not read, with their candidates and preferences."""
    prompt, candidate = np.cumsum(is_read) - 1, is_read[dataset.prompt_of]
    place, label = np.cumsum(candidate) - 1, is_read[dataset.prompt_of[dataset.left]]
    kept = dataset.select(label)
    return Labelled(
        PreferenceDataset(
            prompts=tuple(np.array(dataset.prompts, dtype=object)[is_read]),
            texts=tuple(np.array(dataset.texts, dtype=object)[candidate]),
            members=tuple(np.array(dataset.members, dtype=object)[candidate]),
            prompt_of=prompt[dataset.prompt_of[candidate]],
            left=place[kept.left],
            right=place[kept.right],
            target=kept.target,
            both_bad=kept.both_bad,
            strength=kept.strength,
            annotators=kept.annotators,
        ),
        readings[candidate],
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

"""Make the start ranker from strangers' votes, and measure it on files that it has not seen.

    python -m benchmarks.start_ranker --data FOLDER [--write] [--curve] [--seconds N]

``FOLDER`` holds the files of ``SOURCES``, as ``blender_ui.exchange.jsonl`` has them. Each is left out in
turn, with every prompt that it shares with the others: a ranker that learnt from the rest predicts it. Only
those that teach other files something are learnt from. ``--write`` then learns from these and puts the ranker
and its card into the package. ``--curve`` shows how far labels of one's own move it. Readings are kept;
``--seconds`` ends the reading of a file early and goes on with what was read. The last line is JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.ranker_accuracy import join_datasets
from benchmarks.readings import CachedReading, Labelled
from blender_ui.errors import BlenderError
from blender_ui.evidence.answers import gather
from blender_ui.ranking.evaluation import assign_folds, decided_majorities, evaluate
from blender_ui.ranking.fast.head import Comparisons, fit_head, spread_precisions, summarise
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.ranking.start import CARD_FILE, START_PATH, StartCard, digits_of
from blender_ui.settings import load_settings
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt
from blender_ui.weights.resolver import reader_path


class Source(NamedTuple):
    """A file that may be learnt from: its licence allows it, with this attribution."""

    name: str
    licence: str
    attribution: str
    teaches: bool = True
    """Whether it is learnt from; else it only shows how far the others carry."""


SOURCES = (
    Source("pandalm", "Apache-2.0", "PandaLM"),
    Source("tulu1", "Apache-2.0", "open-instruct"),
    Source("vicuna80", "MIT", "PRD, 2023 bcdnlp, and QLoRA, 2023 Pagnoni and Dettmers"),
    Source("llmbar", "MIT", "LLMBar", teaches=False),
)
BAD_AT = (
    "It mostly sees style. Where the longer, better-looking answer is wrong, it is wrong, too.",
    "It does not know what is true and cannot check a sum or a program.",
    "It learnt from English, from short questions, and from answers of models of 2023.",
    "It knows no member: who answers best is learnt from votes of your own.",
)
CURT = ("", "No.", "I don't know.", "Sorry, I cannot help with that.")
"""What nobody wants in place of an answer, whatever was asked."""
N_CUT_WORDS = 8
"""Words of a good answer that are left of it where it is cut."""
N_POOR_PROMPTS = 20
"""Prompts of each file that poor answers are read after."""
FIGURES = ("accuracy", "low", "high", "longer", "rating", "ece", "brier", "n", "n_prompts")
"""Of every file; with ``answered_`` before them, without answers that only repeat their prompt."""
CURVE_LABELS = (0, 10, 30, 100, 300)


class Poor(NamedTuple):
    """Readings of good answers and of what is surely worse: curt, cut, or an answer to another prompt.

    Attributes:
        good: Shape (n, width).
        poor: Of what loses against each, same shape.
        prompts: What they answer, n of them.
        texts: Of each good answer and the poor one, n pairs.
    """

    good: FloatArray
    poor: FloatArray
    prompts: tuple[RankingPrompt, ...]
    texts: tuple[tuple[str, str], ...]


class Design(NamedTuple):
    """How files are learnt from together; chosen on files that were left out.

    Attributes:
        precisions: Prior precisions of the groups likelihood, surface, hidden and consensus.
        labels: Labels that each file counts for.
        poor: Labels that all poor answers together count for.
        caution: What the weights are multiplied by; how far a file may differ shrinks probabilities, too.
    """

    precisions: tuple[float, ...] = (3.0, 3.0, 1.0, 3.0)
    labels: float = 1000.0
    poor: float = 100.0
    caution: float = 1.25


DESIGN = Design()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, leave out, learn, write."""
    options = _parse(arguments)
    settings = load_settings(os.environ)
    folder = reader_path(settings.reader, cache_path=settings.weights_path.expanduser())
    reading = CachedReading(folder, options.cache)
    paths = {source: _find(options.data, source.name) for source in SOURCES}
    files = {source: reading.read(path, seconds=options.seconds, seed=0) for source, path in paths.items()}
    poor = {
        source: read_poor(reading, file.dataset, seconds=options.seconds) for source, file in files.items()
    }
    figures = {source.name: measure_left_out(files, poor, source) for source in files}
    if options.curve:
        for source in files:
            for line in measure_curve(files, poor, source):
                print(json.dumps(line), flush=True)
    if options.write:
        write_start(files, poor, figures, reader=settings.reader, reader_fingerprint=reading.fingerprint)
    print(json.dumps(figures))


def measure_left_out(
    files: dict[Source, Labelled], poor: dict[Source, Poor], source: Source, design: Design = DESIGN
) -> dict[str, float | int]:
    """What a start that learnt from the other files reaches on pairs of distinct texts of this one."""
    start = fit_start(_leave_out(files, source), poor, design)
    line: dict[str, float | int] = {}
    distinct = _distinct(files[source].dataset)
    for prefix, dataset in (("", distinct), ("answered_", _answered(distinct))):
        found = evaluate(dataset, predict(start, replace(files[source], dataset=dataset)))
        print(
            f"{source.name:10} {prefix:9} {found.accuracy:.3f} [{found.low:.3f}, {found.high:.3f}], "
            f"longer {found.longer:.3f}, ECE {found.ece:.3f}, n {found.n}",
            flush=True,
        )
        line |= {f"{prefix}{name}": round(getattr(found, name), 3) for name in FIGURES}
    return line | {"poor_first": _count_poor_first(start, poor[source])}


def _count_poor_first(start: FastRanker, poor: Poor) -> float:
    """How often a poor answer is put before the good one."""
    wrong = [
        start.pairwise_logits(np.stack(pair), ("", ""), prompt, evidence=gather(prompt, texts, ("", "")))[
            0, 1
        ]
        < 0
        for *pair, prompt, texts in zip(*poor, strict=True)
    ]
    return round(float(np.mean(wrong)), 3)


def read_poor(reading: CachedReading, dataset: PreferenceDataset, *, seconds: float | None) -> Poor:
    """Good answers of some prompts and poor ones: every prompt has each kind."""
    pairs, rng = decided_majorities(_answered(dataset)), np.random.default_rng(0)
    used = rng.permutation(np.unique(dataset.prompt_of[pairs.winner]))[: N_POOR_PROMPTS + 1]
    good = {int(dataset.prompt_of[winner]): dataset.texts[winner] for winner in pairs.winner}
    asked = []
    for number, stranger in itertools.pairwise(used):
        cut = " ".join(good[int(number)].split()[:N_CUT_WORDS])
        asked.append((dataset.prompts[number], (good[int(number)], *CURT, cut, good[int(stranger)])))
    readings, is_read = reading.read_texts(asked, seconds=seconds)
    by_prompt = readings[is_read].reshape(-1, len(CURT) + 3, readings.shape[1])
    n_poor = by_prompt.shape[1] - 1
    used_up = asked[: len(by_prompt)]
    return Poor(
        np.repeat(by_prompt[:, 0], n_poor, axis=0),
        by_prompt[:, 1:].reshape(-1, readings.shape[1]),
        tuple(prompt for prompt, _ in used_up for _ in range(n_poor)),
        tuple((texts[0], worse) for _, texts in used_up for worse in texts[1:]),
    )


def fit_start(files: dict[Source, Labelled], poor: dict[Source, Poor], design: Design = DESIGN) -> FastRanker:
    """A ranker that learnt from those of these files that teach, and from poor answers to their prompts."""
    teachers = {source: file for source, file in files.items() if source.teaches}
    dataset = join_datasets([_answered(file.dataset) for file in teachers.values()])
    readings = np.concatenate([file.readings for file in teachers.values()])
    nothing = np.zeros(len(dataset), dtype=bool)
    empty = FastRanker.fit(dataset.select(nothing), readings, options=FastOptions(uses_members=False))
    features = empty.text_features(readings, dataset.prompt_of)
    file_of = np.repeat(np.arange(len(teachers)), [len(file.dataset.texts) for file in teachers.values()])
    people = summarise(dataset)
    of_pair = file_of[people.first]
    total = np.bincount(of_pair, people.weight, len(teachers))
    people = people._replace(weight=people.weight * (design.labels / np.maximum(total, 1.0))[of_pair])
    rows, comparisons = _join_poor(empty, features, people, [poor[source] for source in teachers], design)
    sizes = _group_sizes(features.shape[1], empty)
    head = fit_head(rows, comparisons, spread_precisions(np.array(design.precisions), sizes))
    return empty.begin(design.caution * head.mean)


def _join_poor(
    empty: FastRanker, features: FloatArray, people: Comparisons, poor: list[Poor], design: Design
) -> tuple[FloatArray, Comparisons]:
    """Features and comparisons with those of poor answers appended."""
    good, bad = (np.concatenate([one[side] for one in poor]) for side in (0, 1))
    n = len(good)
    rows = empty.text_features(np.vstack([good, bad]), np.tile(np.arange(n), 2))
    added = Comparisons(
        len(features) + np.arange(n),
        len(features) + n + np.arange(n),
        np.ones(n),
        np.full(n, design.poor / n),
    )
    return np.vstack([features, rows]), Comparisons(*map(np.concatenate, zip(people, added, strict=True)))


def predict(ranker: FastRanker, file: Labelled) -> FloatArray:
    """Log-odds that each decided pair's winner beats its loser, (n_pairs,); nobody knows the members."""
    dataset, pairs = file.dataset, decided_majorities(file.dataset)
    logits = np.zeros(len(pairs.winner))
    prompt_of_pair = dataset.prompt_of[pairs.winner]
    for prompt in np.unique(prompt_of_pair):
        asked, used = prompt_of_pair == prompt, np.flatnonzero(dataset.prompt_of == prompt)
        members = [dataset.members[index] for index in used]
        asked_for = dataset.prompts[prompt]
        said = gather(asked_for, [dataset.texts[index] for index in used], members)
        matrix = ranker.pairwise_logits(file.readings[used], members, asked_for, evidence=said)
        winner, loser = (np.searchsorted(used, side[asked]) for side in (pairs.winner, pairs.loser))
        logits[asked] = matrix[winner, loser]
    return logits


def measure_curve(
    files: dict[Source, Labelled], poor: dict[Source, Poor], source: Source
) -> Iterator[dict[str, Any]]:
    """Held-out accuracy against labels of one's own: from the start, from nothing, and the longer answer."""
    start, file = fit_start(_leave_out(files, source), poor), files[source]
    dataset, rng = file.dataset, np.random.default_rng(0)
    pairs, folds = decided_majorities(dataset), assign_folds(dataset, seed=0)
    prompt_of_label = dataset.prompt_of[dataset.left]
    arrival = rng.permutation(len(dataset.prompts))[prompt_of_label]
    arrival = arrival + rng.random(len(arrival))
    in_fold = folds[dataset.prompt_of[pairs.winner]]
    for n_labels in CURVE_LABELS:
        logits = {name: np.zeros(len(pairs.winner)) for name in ("live", "trained", "nothing")}
        for fold in np.unique(in_fold):
            train = np.flatnonzero(folds[prompt_of_label] != fold)
            known = np.zeros(len(dataset), dtype=bool)
            known[train[np.argsort(arrival[train])[:n_labels]]] = True
            learnt = dataset.select(known)
            rankers = {
                "live": start.refit(learnt, file.readings),
                "trained": FastRanker.fit(learnt, file.readings, start=start),
                "nothing": FastRanker.fit(learnt, file.readings),
            }
            for name, ranker in rankers.items():
                logits[name][in_fold == fold] = predict(ranker, file)[in_fold == fold]
        line: dict[str, Any] = {"file": source.name, "n_labels": n_labels}
        for name, values in logits.items():
            found = evaluate(dataset, values, n_bootstrap=1)
            line |= {name: round(found.accuracy, 3), f"{name}_ece": round(found.ece, 3)}
            line["longer"] = round(found.longer, 3)
        yield line


def write_start(
    files: dict[Source, Labelled],
    poor: dict[Source, Poor],
    figures: dict[str, Any],
    *,
    reader: str,
    reader_fingerprint: str,
) -> None:
    """Learn from the files that teach, and put the ranker and its card where the package has them."""
    start = fit_start(files, poor)
    start.save(START_PATH)
    teachers = {
        source: replace(file, dataset=_answered(file.dataset))
        for source, file in files.items()
        if source.teaches
    }
    card = StartCard(
        reader=reader,
        reader_fingerprint=reader_fingerprint,
        fingerprint=start.fingerprint,
        n_preferences=sum(len(file.dataset) for file in teachers.values()),
        sources=tuple(
            {
                "name": source.name,
                "licence": source.licence,
                "attribution": source.attribution,
                "n_preferences": len(file.dataset),
                "n_prompts": len(np.unique(file.dataset.prompt_of[file.dataset.left])),
            }
            for source, file in teachers.items()
        ),
        figures=figures,
        bad_at=BAD_AT,
        prompts=frozenset(
            digits_of(file.dataset.prompts[number])
            for file in teachers.values()
            for number in np.unique(file.dataset.prompt_of[file.dataset.left])
        ),
    )
    values = asdict(card) | {"prompts": sorted(card.prompts)}
    (START_PATH / CARD_FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _group_sizes(n_features: int, ranker: FastRanker) -> list[int]:
    n_likelihoods, n_surface, n_hidden = ranker.group_sizes
    return [n_likelihoods, n_surface, n_hidden, n_features - n_likelihoods - n_surface - n_hidden]


def _leave_out(files: dict[Source, Labelled], source: Source) -> dict[Source, Labelled]:
    """The other files, less the preferences of every prompt that this file has too."""
    left = files[source].dataset
    left_out = {digits_of(left.prompts[number]) for number in np.unique(left.prompt_of[left.left])}
    rest = {}
    for other, file in files.items():
        if other is not source:
            unseen = np.array([digits_of(prompt) not in left_out for prompt in file.dataset.prompts])
            kept = unseen[file.dataset.prompt_of[file.dataset.left]]
            rest[other] = replace(file, dataset=file.dataset.select(kept))
    return rest


def _answered(dataset: PreferenceDataset) -> PreferenceDataset:
    """Without preferences about answers that only repeat their prompt.

    Where a file has many, what people voted on got lost, and the votes teach that a question answers itself.
    """
    asked = [dataset.prompts[number] for number in dataset.prompt_of]
    repeats = np.array(list(map(_repeats, asked, dataset.texts)), dtype=bool)
    return dataset.select(~repeats[dataset.left] & ~repeats[dataset.right])


def _repeats(prompt: RankingPrompt, text: str) -> bool:
    asked = (prompt.instruction, f"{prompt.instruction}\n{prompt.input}")
    return text.split() in [one.split() for one in asked]


def _distinct(dataset: PreferenceDataset) -> PreferenceDataset:
    texts = dataset.texts
    shown = [texts[i] != texts[j] for i, j in zip(dataset.left, dataset.right, strict=True)]
    return dataset.select(np.array(shown, dtype=bool))


def _find(folder: Path, name: str) -> Path:
    for ending in (".jsonl.gz", ".jsonl"):
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    raise SystemExit(f"expected {name}.jsonl.gz in {folder}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the files")
    parser.add_argument("--write", action="store_true", help="put the ranker into the package")
    parser.add_argument("--curve", action="store_true", help="measure labels of one's own, too")
    parser.add_argument("--seconds", type=float, help="read at most so long, a file")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/blender-ui/readings").expanduser())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        main()
    except BlenderError as error:
        raise SystemExit(str(error)) from error

"""How many answers a CPU-second the frozen reader reads, beside transformers alone, and whether ranks stay.

    python -m benchmarks.reading [--quick] [--test FILE]

The same prompts are read by turns: by the engine in use, and as transformers alone does it
(``reading_reference``: all layers and the vocabulary, the prompt's cache is shared, batches are padded), in
float32 and, where the
processor multiplies it, in bfloat16. One thread; seconds are CPU-seconds, figures medians over the turns.
``ratio`` is the median of engine to float32 over the turns, so that what runs beside counts on both
sides. ``parts`` are CPU-milliseconds an answer in the engine; ``padding`` is the share of attention's
tokens that are padding. ``rank_agreement`` is Kendall's tau between the ranks by either reading, from
heads that were fitted to float32 readings of other prompts; ``mixed_agreement`` is the same where every
second answer of a prompt is the engine's and the others are float32's, as in a store that processors of
both kinds filled; ``accuracy`` has the share of decided majorities by heads that were fitted to the same
reading of other prompts (5 folds), ``mixed`` among them. ``share_of_peak`` compares with a large product in
the same precision. ``eight_answers_seconds`` is for 8 answers of 300
tokens: of the CPU by one thread, and of the wall by all cores (not with ``--quick``). ``--quick`` reads
prompts in random order until 25 CPU-seconds are over; its accuracy is of few labels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.reading_reference import PlainReader
from benchmarks.texts import FULL_WORDS, draw_items
from blender_ui.errors import BlenderError
from blender_ui.exchange.jsonl import read_records
from blender_ui.exchange.records import to_dataset
from blender_ui.ranking import reading
from blender_ui.ranking.evaluation import assign_folds, decided_majorities
from blender_ui.ranking.fast.ranker import FastOptions, FastRanker
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.ranking.reading import Reader
from blender_ui.settings import load_settings
from blender_ui.values import FloatArray, IntArray, PreferenceDataset, RankingPrompt
from blender_ui.weights.resolver import reader_path

QUICK_SECONDS = 25.0
PROMPTS_A_TURN = 3
TEXT = FastOptions(uses_members=False)
Asked = list[tuple[RankingPrompt, list[str]]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read by turns, compare, print JSON."""
    options = _parse(arguments)
    torch.set_num_threads(1)
    engine = Reader(options.reader, device="cpu")
    readers: dict[str, Callable[[Asked], list[FloatArray]]] = {"engine": engine.read_many}
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if not multiplies_bfloat16(torch.device("cpu")):
        del kinds["bfloat16"]
    for name, dtype in kinds.items():
        readers[name] = _one_by_one(PlainReader(options.reader, dtype))
    dataset = to_dataset(read_records(options.test)) if options.test else None
    asked = _asked_of(dataset) if dataset else _drawn()
    numbers = np.arange(len(asked)) if dataset is None else np.unique(dataset.prompt_of[dataset.left])
    order = np.random.default_rng(0).permutation(numbers)
    seconds, n_answers, read = _read_by_turns(readers, asked, order, options.seconds)
    rates = {name: float(np.median(n_answers / values)) for name, values in seconds.items()}
    result: dict[str, Any] = {
        "answers_per_cpu_second": {
            "engine": rates["engine"],
            "bfloat16": rates.get("bfloat16"),
            "float32": rates["float32"],
        },
        "why_no_bfloat16": None if "bfloat16" in rates else "this processor has no instructions for it",
        "precision": engine.precision,
        "ratio": float(np.median(seconds["float32"] / seconds["engine"])),
        "n_answers": int(n_answers.sum()),
        "parts": _measure_parts(engine, [asked[number] for number in order[:6]]),
        **_compare_ranks(dataset, order[: len(read["engine"])], read),
        "share_of_peak": _share_of_peak(
            engine, asked, order, float(np.sum(seconds["engine"])), len(read["engine"])
        ),
        # Last, because it takes all cores.
        "eight_answers_seconds": None if options.quick else _time_eight(engine),
        "processor": _processor(),
    }
    print(json.dumps({name: _rounded(value) for name, value in result.items()}))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    settings = load_settings(os.environ)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="half a CPU-minute")
    parser.add_argument("--test", type=Path, help="preferences to read; pandalm in SHARED_DATA by default")
    parser.add_argument("--reader", type=Path, help="a model's folder; the app's by default")
    options = parser.parse_args(arguments)
    options.reader = options.reader or reader_path(
        settings.reader, cache_path=settings.weights_path.expanduser()
    )
    options.seconds = QUICK_SECONDS if options.quick else np.inf
    usual = Path(os.environ.get("SHARED_DATA", "../shared/data")) / "pandalm.jsonl.gz"
    if options.test is None and usual.is_file():
        options.test = usual
    return options


def _one_by_one(reader: PlainReader) -> Callable[[Asked], list[FloatArray]]:
    return lambda asked: [reader.read(*each) for each in asked]


def _asked_of(dataset: PreferenceDataset) -> Asked:
    return [
        (prompt, [dataset.texts[index] for index in np.flatnonzero(dataset.prompt_of == number)])
        for number, prompt in enumerate(dataset.prompts)
    ]


def _drawn() -> Asked:
    """Random words, where there is no file: speed alone can be measured on them."""
    return [
        (item.prompt, list(item.candidates))
        for item in draw_items(40, 5, n_words=FULL_WORDS, rng=np.random.default_rng(0))
    ]


def _read_by_turns(
    readers: Mapping[str, Callable[[Asked], list[FloatArray]]], asked: Asked, order: IntArray, limit: float
) -> tuple[dict[str, FloatArray], FloatArray, dict[str, list[FloatArray]]]:
    """CPU-seconds of each reader in each turn, the turns' answers, and what was read, prompt by prompt."""
    seconds: dict[str, list[float]] = defaultdict(list)
    read: dict[str, list[FloatArray]] = defaultdict(list)
    n_answers: list[int] = []
    for reader in readers.values():
        reader([asked[order[0]]])  # the first call lays out weights
    started = time.process_time()
    for begin in range(0, len(order), PROMPTS_A_TURN):
        if begin and time.process_time() - started > limit:
            break
        turn = [asked[number] for number in order[begin : begin + PROMPTS_A_TURN]]
        n_answers.append(sum(len(answers) for _, answers in turn))
        for name, reader in readers.items():
            before = time.process_time()
            read[name] += reader(turn)
            seconds[name].append(time.process_time() - before)
    return {name: np.array(values) for name, values in seconds.items()}, np.array(n_answers), read


def _measure_parts(engine: Reader, asked: Asked) -> dict[str, float]:
    """CPU-milliseconds an answer, by part, and the share of padding."""
    spent: dict[str, float] = defaultdict(float)
    padding: list[tuple[int, int]] = []

    def follow(owner: Any, attribute: str, part: str) -> Any:
        called = getattr(owner, attribute)

        def timed(*args: Any, **options: Any) -> Any:
            before = time.process_time()
            value = called(*args, **options)
            spent[part] += time.process_time() - before
            if part == "copying":
                sizes = [group.queries.numel() for group in value.groups]
                padding.append((sum(sizes) - len(value.ids), sum(sizes)))
            return value

        return patch.object(owner, attribute, timed)

    n = sum(len(answers) for _, answers in asked)
    with ExitStack() as stack:
        for owner, attribute, part in (
            (engine, "_prompt_ids", "tokenising"),
            (engine, "_answer_ids", "tokenising"),
            (engine, "_forward", "layers"),
            (reading, "pack", "copying"),
        ):
            stack.enter_context(follow(owner, attribute, part))
        before = time.process_time()
        engine.read_many(asked)
        whole = time.process_time() - before
    parts = {part: 1000 * seconds / n for part, seconds in spent.items()}
    parts["python"] = 1000 * whole / n - sum(parts.values())
    padded, places = np.sum(padding, axis=0)
    return {**parts, "padding": float(padded / places)}


def _compare_ranks(
    dataset: PreferenceDataset | None, order: IntArray, read: Mapping[str, list[FloatArray]]
) -> dict[str, Any]:
    """Kendall's tau of the engine's ranks with float32's, and the accuracy of either; null without labels."""
    if dataset is None:
        return {"rank_agreement": None, "mixed_agreement": None, "accuracy": None}
    is_read = np.isin(dataset.prompt_of[dataset.left], order)
    known = dataset.select(is_read)
    width = read["engine"][0].shape[1]
    vectors = {name: np.zeros((len(dataset.texts), width), dtype=np.float32) for name in read}
    for name, parts in read.items():
        for number, part in zip(order, parts, strict=True):
            vectors[name][dataset.prompt_of == number] = part
    is_second = np.zeros(len(dataset.texts), dtype=bool)
    for number in order:
        is_second[np.flatnonzero(dataset.prompt_of == number)[1::2]] = True
    vectors["mixed"] = np.where(is_second[:, None], vectors["engine"], vectors["float32"])
    fold_of = assign_folds(known, seed=0)
    pairs = decided_majorities(known)
    right: dict[str, list[float]] = defaultdict(list)
    agreed: dict[str, list[float]] = defaultdict(list)
    for fold in np.unique(fold_of[order]):
        learnt = known.select(fold_of[known.prompt_of[known.left]] != fold)
        if not len(learnt):
            continue
        plain = FastRanker.fit(learnt, vectors["float32"], options=TEXT)
        for name, values in vectors.items():
            head = plain if name == "float32" else FastRanker.fit(learnt, values, options=TEXT)
            won = _logits(head, dataset, values)
            held = fold_of[dataset.prompt_of[pairs.winner]] == fold
            margins = won[pairs.winner[held]] - won[pairs.loser[held]]
            right[name] += ((margins > 0) + 0.5 * (margins == 0)).tolist()
        one = _logits(plain, dataset, vectors["float32"])
        for name in ("engine", "mixed"):
            other = _logits(plain, dataset, vectors[name])
            agreed[name] += [
                tau
                for number in order[fold_of[order] == fold]
                for tau in _taus(one[dataset.prompt_of == number], other[dataset.prompt_of == number])
            ]
    return {
        "rank_agreement": float(np.mean(agreed["engine"])),
        "mixed_agreement": float(np.mean(agreed["mixed"])),
        "accuracy": {name: float(np.mean(values)) for name, values in right.items()},
    }


def _logits(head: FastRanker, dataset: PreferenceDataset, readings: FloatArray) -> FloatArray:
    """Utility of every candidate, (n_candidates,)."""
    prompts = [dataset.prompts[number] for number in dataset.prompt_of]
    return head.utilities(readings, [""] * len(prompts), prompts)


def _taus(one: FloatArray, other: FloatArray) -> Iterator[float]:
    """Concordant less discordant, for every pair of one prompt that float32 tells apart."""
    first, second = np.triu_indices(len(one), k=1)
    for a, b in zip(one[first] - one[second], other[first] - other[second], strict=True):
        if abs(a) > 1e-6:  # equal texts read equal, up to rounding
            yield float(np.sign(a) * np.sign(b))


def _share_of_peak(engine: Reader, asked: Asked, order: IntArray, seconds: float, n_prompts: int) -> float:
    """Operations of the linear layers a second, beside those of one large product."""
    n_each = sum(p.numel() for layer in engine._model.get_decoder().layers for p in layer.parameters())
    done = 0.0
    for number in order[:n_prompts]:
        prompt, answers = asked[number]
        n_answer = sum(len(engine._answer_ids(answer)) for answer in dict.fromkeys(answers))
        done += 2 * n_each * (len(engine._prompt_ids(prompt)) + n_answer)
    return done / seconds / _peak(engine._model.dtype)


def _peak(dtype: torch.dtype) -> float:
    one, other = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
    best = np.inf
    for _ in range(4):
        before = time.process_time()
        one @ other
        best = min(best, time.process_time() - before)
    return 2 * 2048**3 / best


def _time_eight(engine: Reader) -> dict[str, float]:
    """Seconds for 8 answers of 300 tokens: of the CPU by one thread, and of the wall by all cores."""
    words = ["The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and", "runs", "away"]
    draw = np.random.default_rng(0)
    answers = [" ".join(draw.choice(words, size=400)) for _ in range(8)]
    prompt = RankingPrompt(instruction="Tell me a story about a fox and a dog.")
    before = time.process_time()
    engine.read(prompt, answers)
    cpu_seconds = time.process_time() - before
    torch.set_num_threads(os.cpu_count() or 1)
    before = time.monotonic()
    engine.read(prompt, answers)
    return {"cpu": cpu_seconds, "wall": time.monotonic() - before}


def _processor() -> str:
    """The processor's name and what it multiplies."""
    has = torch.cpu.get_capabilities()
    names = [name for name in ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_tile") if has.get(name)]
    return f"{has.get('cpu_name') or platform.processor()} ({', '.join(names)})"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    try:
        main()
    except BlenderError as error:
        raise SystemExit(str(error)) from error

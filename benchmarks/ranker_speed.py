"""How many pairs a CPU-second we read, and how many llm-blender does, at equal logits in the same run.

    python -m benchmarks.ranker_speed [--quick] [--device cuda] [--size small]

Both have one thread and the same DeBERTa-v3 weights. The reference is measured at its default batch
size, 8 prompts, and at 1, where nothing is padded; its ``rank`` reads one ordered pair of all prompts
at a time, and a random sample of these steps is timed, the same pairs for both, by turns. CPU-seconds
are user and system time, so that what runs beside disturbs little; on another device seconds are of
the wall. ``ratio`` compares with the default, ``ratio_best_batch`` with the better of the two.
``ratio_tournament`` is for the best candidate alone: ``ratio`` times the readings that a tournament
saves, and ``same_best`` how often it names the full matrix' best.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.reference import Item, Reference, ensure_checkpoint
from benchmarks.texts import FULL_WORDS, SHORT_WORDS, draw_items
from blender_ui.ranking.aggregation import run_tournament, score_candidates
from blender_ui.ranking.joint import JointRanker, ReadOptions, load_ranker
from blender_ui.ranking.joint.checkpoint import load_checkpoint

LIMIT = 1e-4
DEFAULT_BATCH = 8
WORDS = {"short": SHORT_WORDS, "full": FULL_WORDS}


class Case(NamedTuple):
    """What is measured: prompts with n candidates each, and the ordered pairs read of each."""

    name: str
    n_candidates: int
    items: list[Item]
    steps: list[tuple[int, int]]


class Timing(NamedTuple):
    """Seconds a pair, and the largest difference of a logit."""

    ours: float
    default: float
    alone: float
    difference: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="eight candidates only, one step, once")
    parser.add_argument("--size", choices=["tiny", "small", "base", "large"], default="small")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2, help="ordered pairs timed of each prompt")
    parser.add_argument("--candidates", type=int, nargs="+", default=[2, 4, 8, 12])
    parser.add_argument("--lengths", nargs="+", choices=list(WORDS), default=list(WORDS))
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.steps, options.candidates = 1, 1, [8]
    torch.set_num_threads(1)
    checkpoint = ensure_checkpoint(options.size)
    reading = ReadOptions(device=options.device, n_workers=1, n_remembered=0)
    ranker = load_ranker(checkpoint / "hf", options=reading)
    result: dict[str, Any] = {
        "device": options.device,
        "size": options.size,
        "ratio": {},
        "ratio_best_batch": {},
    }
    worst, pairs_per_second, fractions = 0.0, {}, {}
    tournaments = _play_tournaments(options.candidates, n_prompts=20)
    with Reference(checkpoint, device=options.device) as reference:
        for case in _make_cases(options):
            timing = _time_case(case, reference, ranker, n_rounds=options.rounds, device=options.device)
            key = f"{case.n_candidates} {case.name}"
            result["ratio"][key] = round(timing.default / timing.ours, 2)
            result["ratio_best_batch"][key] = round(min(timing.default, timing.alone) / timing.ours, 2)
            pairs_per_second[key] = round(1 / timing.ours, 2)
            fractions[key] = round(
                _count_operations(case, checkpoint) / timing.ours / _measure_peak(options.device), 3
            )
            worst = max(worst, timing.difference)
            print(
                f"N={key:8} ours {timing.ours:.4f} s a pair, reference at batch {DEFAULT_BATCH} "
                f"{timing.default:.4f} and at 1 {timing.alone:.4f}: {result['ratio'][key]} and "
                f"{timing.alone / timing.ours:.2f} times; {fractions[key]:.0%} of peak",
                flush=True,
            )
    saved = {n: 1 / share for n, (share, _) in tournaments.items()}
    result |= {
        "ratio_tournament": {
            key: round(ratio * saved[int(key.split()[0])], 2) for key, ratio in result["ratio"].items()
        },
        "same_best": {str(n): same for n, (_, same) in tournaments.items()},
        "share_read": {str(n): round(share, 3) for n, (share, _) in tournaments.items()},
        "pairs_per_second": pairs_per_second,
        "fraction_of_peak": fractions,
        "max_abs_logit_difference": worst,
        "equal_scores": worst < LIMIT,
    }
    print(json.dumps(result))
    if worst >= LIMIT:
        raise SystemExit(1)


def _make_cases(options: argparse.Namespace) -> list[Case]:
    rng = np.random.default_rng(0)
    cases = []
    for n_candidates in options.candidates:
        for name in options.lengths:
            items = draw_items(DEFAULT_BATCH, n_candidates, n_words=WORDS[name], rng=rng)
            pairs = [(i, j) for i in range(n_candidates) for j in range(n_candidates) if i != j]
            chosen = rng.choice(len(pairs), size=min(options.steps, len(pairs)), replace=False)
            cases.append(Case(name, n_candidates, items, [pairs[int(index)] for index in chosen]))
    return cases


def _time_case(
    case: Case, reference: Reference, ranker: JointRanker, *, n_rounds: int, device: str
) -> Timing:
    """Read by turns; the first pair of either warms up and is not counted."""
    reference.rank(case.items[:1], batch_size=1, steps=case.steps[:1])
    _read(ranker, case.items[0], case.steps[:1])
    seconds = {"ours": 0.0, "default": 0.0, "alone": 0.0}
    difference = 0.0
    for _ in range(n_rounds):
        for name, batch_size in (("default", DEFAULT_BATCH), ("alone", 1)):
            answer = reference.rank(case.items, batch_size=batch_size, steps=case.steps)
            seconds[name] += answer.cpu_seconds if device == "cpu" else answer.wall_seconds
            started = _read_clock(device)
            logits = [_read(ranker, item, case.steps) for item in case.items]
            seconds["ours"] += (_read_clock(device) - started) / 2
            theirs = [[matrix[step] for step in case.steps] for matrix in answer.logits]
            difference = max(difference, float(np.abs(np.array(logits) - np.array(theirs)).max()))
    n_pairs = n_rounds * len(case.items) * len(case.steps)
    return Timing(**{name: total / n_pairs for name, total in seconds.items()}, difference=difference)


def _read(ranker: JointRanker, item: Item, steps: Sequence[tuple[int, int]]) -> np.ndarray:
    return ranker.read_pairs(item.prompt, item.candidates, steps)


def _play_tournaments(counts: Sequence[int], *, n_prompts: int) -> dict[int, tuple[float, float]]:
    """By N: the share of all readings that a tournament made, and how often it found the same best.

    On the tiny checkpoint, since only logits matter here and all pairs of many prompts are read.
    """
    ranker = load_ranker(ensure_checkpoint("tiny") / "hf", options=ReadOptions(device="cpu", n_workers=1))
    found = {}
    for n_candidates in counts:
        rng = np.random.default_rng(n_candidates)
        shares, same = [], []
        for item in draw_items(n_prompts, n_candidates, n_words=(5, 40), rng=rng):
            best = int(score_candidates(ranker.pairwise_logits(item.prompt, item.candidates)).argmax())
            played = run_tournament(n_candidates, partial(_read, ranker, item))
            shares.append(played.n_readings / (n_candidates * (n_candidates - 1)))
            same.append(played.winner == best)
        found[n_candidates] = float(np.mean(shares)), float(np.mean(same))
    return found


def _count_operations(case: Case, checkpoint: Path) -> float:
    """Operations that a pair's logit cannot do without, mean over the case's pairs.

    Linear maps and attention of all layers but the last, of which only keys and values; the position
    terms as one product of each token with each distinct row of the relative table that it meets.
    """
    loaded = load_checkpoint(checkpoint / "hf")
    config, encoder = loaded.model.pretrained_model.config, loaded.encoder
    width, inner, n_layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    counts = []
    for item in case.items:
        encoded = encoder.encode(item.prompt, item.candidates)
        for step in case.steps:
            length = len(encoded.pair(*step).ids)
            linear = 2 * length * (4 * width**2 + 2 * width * inner)
            attention = 4 * length**2 * width + 4 * length * min(length, 2 * config.position_buckets) * width
            counts.append((n_layers - 1) * (linear + attention) + 4 * length * width**2)
    return float(np.mean(counts))


def _measure_peak(device: str) -> float:
    """Float operations a second of a large matrix product, the better of both CPU libraries."""
    left, right = torch.randn(1024, 1024, device=device), torch.randn(4096, 1024, device=device)
    kinds = [lambda: torch.nn.functional.linear(left, right)]
    if device == "cpu" and torch.backends.mkldnn.is_available():
        packed = torch.ops.mkldnn._reorder_linear_weight(right, 1024)
        kinds.append(lambda: torch.ops.mkldnn._linear_pointwise(left, packed, None, "none", [], ""))
    best = 0.0
    with torch.inference_mode():
        for multiply in kinds:
            multiply()
            for _ in range(3):
                started = _read_clock(device)
                for _ in range(4):
                    multiply()
                if device != "cpu":
                    torch.cuda.synchronize()
                best = max(best, 4 * 2 * 1024 * 1024 * 4096 / (_read_clock(device) - started))
    return best


def _read_clock(device: str) -> float:
    if device != "cpu":
        return time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()

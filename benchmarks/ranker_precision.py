"""What lower precision and compiling cost in ranking and give in speed, on the CPU.

    python -m benchmarks.ranker_precision [--quick] [--base FOLDER] [--size small] [--prompts 2]

Each way of reading takes the same pairs; the change is against the general path in float32. The
network is an encoder with a new head (``--base``), or without one the reference's random DeBERTa-v3.
An untrained head spreads logits less than a trained one, so the share of equal ranks is a lower bound.
Seconds of a compiled network are after its compilation, whose own are ``seconds_before``.
"""

from __future__ import annotations

import argparse
import json
import resource
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.reference import ensure_checkpoint
from benchmarks.texts import SHORT_WORDS, draw_items
from blender_ui.ranking.aggregation import rank_scores, score_candidates
from blender_ui.ranking.joint import JointRanker, ReadOptions, load_ranker
from blender_ui.ranking.joint.checkpoint import start_checkpoint
from blender_ui.ranking.joint.encoding import Lengths

WAYS = {
    "float32, general path": ReadOptions(device="cpu", specialised=False),
    "float32, fast path": ReadOptions(device="cpu", n_workers=1),
    "bfloat16, general path": ReadOptions(device="cpu", precision="bfloat16", specialised=False),
    "bfloat16, fast path": ReadOptions(device="cpu", precision="bfloat16", n_workers=1),
    "int8": ReadOptions(device="cpu", precision="int8"),
    "float32, compiled": ReadOptions(device="cpu", specialised=False, compiled=True),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=["tiny", "small", "base", "large"], default="small")
    parser.add_argument("--base", type=Path, default=None, help="folder of an encoder")
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one prompt")
    options = parser.parse_args(arguments)
    if options.quick:
        options.prompts = 1
    warnings.simplefilter("ignore")  # torch deprecates what it has no successor for in the package
    torch.set_num_threads(1)
    items = draw_items(options.prompts + 1, 4, n_words=SHORT_WORDS, rng=np.random.default_rng(0))
    result: dict[str, dict[str, float]] = {}
    expected: list[np.ndarray] = []
    for name, way in WAYS.items():
        before = _read_clock()
        ranker = _open(options, way)
        ranker.read_pairs(items[0].prompt, items[0].candidates, [(0, 1)])
        # A second shape lets a compiler settle on any length.
        ranker.read_pairs(items[0].prompt, items[0].candidates, [(2, 3), (3, 2)])
        started = _read_clock()
        logits = [ranker.pairwise_logits(item.prompt, item.candidates) for item in items[1:]]
        seconds = (_read_clock() - started) / (12 * options.prompts)
        expected = expected or logits
        same = [
            np.array_equal(rank_scores(score_candidates(ours)), rank_scores(score_candidates(theirs)))
            for ours, theirs in zip(logits, expected, strict=True)
        ]
        result[name] = {
            "cpu_seconds_a_pair": round(seconds, 4),
            "seconds_before": round(started - before, 1),
            "max_abs_logit_difference": float(np.abs(np.array(logits) - np.array(expected)).max()),
            "same_rank": float(np.mean(same)),
        }
        print(name, result[name], flush=True)
    print(json.dumps(result))


def _open(options: argparse.Namespace, way: ReadOptions) -> JointRanker:
    if options.base is None:
        return load_ranker(ensure_checkpoint(options.size) / "hf", options=way)
    lengths = Lengths(source=128, candidate=160)
    return JointRanker(start_checkpoint(options.base, form="joint", lengths=lengths, seed=0), options=way)


def _read_clock() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()

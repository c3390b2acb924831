"""Whether our logits are llm-blender's, on one checkpoint with the real architecture.

    python -m benchmarks.ranker_parity [--quick]

Both read the same random DeBERTa-v3 weights: the reference (llm-blender 0.0.2, transformers 4.57, in
an environment of its own) at batch size 1, where its lengths are those of a prompt alone; ours from
both layouts, by the general path and by the fast one, and with the base's tokenizer from spm.model
alone. Inputs are of all lengths, with empty
candidates, separators in the text and truncation of prompt and candidates, in both orders.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.reference import Item, Reference, ensure_checkpoint
from benchmarks.texts import draw_items
from blender_ui.ranking.aggregation import rank_scores, score_candidates
from blender_ui.ranking.joint import JointRanker, ReadOptions, load_ranker
from blender_ui.values import FloatArray, RankingPrompt

LIMIT = 1e-4


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print a table and JSON; exit code 1 where a logit differs by more than 1e-4."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tiny checkpoint and fewer inputs")
    parser.add_argument("--size", choices=["tiny", "small", "base", "large"], default=None)
    options = parser.parse_args(arguments)
    checkpoint = ensure_checkpoint(options.size or ("tiny" if options.quick else "small"))
    groups = _make_groups(quick=options.quick)
    with Reference(checkpoint) as reference:
        expected = {name: reference.rank(items, batch_size=1) for name, items in groups.items()}
    worst, ranks_equal = {}, True
    for label, ranker in _open_rankers(checkpoint).items():
        for name, items in groups.items():
            logits = [ranker.pairwise_logits(item.prompt, item.candidates) for item in items]
            worst[label, name] = max(
                _differ(ours, theirs) for ours, theirs in zip(logits, expected[name].logits, strict=True)
            )
            ranks = np.array([rank_scores(score_candidates(matrix)) for matrix in logits])
            ranks_equal &= bool((ranks == expected[name].ranks).all())
            print(f"{label:24} {name:20} max |difference| {worst[label, name]:.1e}", flush=True)
    spread = np.concatenate(
        [matrix.ravel() for answer in expected.values() for matrix in answer.logits]
    ).std()
    difference = max(worst.values())
    result = {
        "max_abs_logit_difference": difference,
        "ranks_equal": ranks_equal,
        "n_pairs": sum(matrix.size - len(matrix) for answer in expected.values() for matrix in answer.logits),
        "logit_standard_deviation": float(spread),
        "by_reader": {
            label: max(value for (other, _), value in worst.items() if other == label) for label, _ in worst
        },
        "limit": LIMIT,
    }
    print(json.dumps(result))
    if difference > LIMIT or not ranks_equal:
        raise SystemExit(1)


def _make_groups(*, quick: bool) -> dict[str, list[Item]]:
    """Items by what they try; those of a group have the same number of candidates."""
    rng = np.random.default_rng(0)
    n_items = 1 if quick else 3
    groups = {
        f"{n} of {least}-{most} words": draw_items(n_items, n, n_words=(least, most), rng=rng)
        for n, least, most in ((2, 1, 20), (4, 10, 80), (3, 60, 330))
    }
    short = draw_items(1, 1, n_words=(5, 5), rng=rng)[0].prompt
    long = draw_items(1, 2 if quick else 3, n_words=(1000, 1500), rng=rng)[0]
    groups["candidates cut"] = [Item(short, long.candidates)]
    groups["prompt and all cut"] = [Item(RankingPrompt(instruction=long.candidates[0]), long.candidates)]
    groups["empty"] = [
        Item(RankingPrompt(instruction="", input=""), ("", "a", "")),
        Item(short, ("", " ", "\n\n")),
    ]
    groups["odd text"] = [
        Item(
            RankingPrompt(instruction="What is\tthis [SEP] and\n", input="  that?"),
            ("a[SEP]b [SEP][SEP]", "naïve ﬁne Ｆｕｌｌ  ｗｉｄｔｈ 漢字 🙂", "<|im_start|> <source> $x^2$"),
        )
    ]
    return groups


def _open_rankers(checkpoint: Path) -> dict[str, JointRanker]:
    plain = ReadOptions(device="cpu", specialised=False)
    with tempfile.TemporaryDirectory() as folder:
        base = shutil.copytree(checkpoint / "base", Path(folder) / "base")
        (base / "tokenizer.json").unlink()  # as the published bases are: spm.model alone
        from_pieces = load_ranker(checkpoint / "original", base=base)
    return {
        "original, spm.model only": from_pieces,
        "original, general path": load_ranker(checkpoint / "original", options=plain),
        "PairRM-hf, general path": load_ranker(checkpoint / "hf", options=plain),
        "PairRM-hf, fast path": load_ranker(checkpoint / "hf", options=ReadOptions(device="cpu")),
    }


def _differ(ours: FloatArray, theirs: FloatArray) -> float:
    return float(np.abs(ours - theirs).max())


if __name__ == "__main__":
    main()

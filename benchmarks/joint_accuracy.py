"""How well a fine-tuned encoder predicts people on prompts it has not seen, joint and pointwise.

The honest baseline of the joint cross-encoder: the same encoder, labels, epochs and folds for both
forms, beside "the longer answer wins". ``--form trl`` is a pointwise reward model by TRL's
RewardTrainer, which takes the decided pairs. ``accuracy`` is the share of decided human majorities
that are called right. ``--quick`` learns from a few dozen pairs of the first fold, to see that it runs.

    python -m benchmarks.joint_accuracy --data FILE [--data FILE] --base FOLDER --form pointwise
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.ranker_accuracy import join_datasets
from benchmarks.reward_model import score_texts
from blender_ui.exchange.jsonl import read_records
from blender_ui.exchange.records import to_dataset
from blender_ui.ranking.joint import load_ranker
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.examples import merge_judgements
from blender_ui.ranking.joint.training import JointOptions, train
from blender_ui.values import PreferenceDataset

QUICK_PAIRS = 48


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on all folds but one, judge the one, and print a line a fold and JSON."""
    options = _parse(arguments)
    dataset = join_datasets([to_dataset(read_records(path)) for path in options.data])
    # The encoders read instruction and input without a separator, as the reference does.
    prompts = tuple(replace(prompt, input="\n" + prompt.input) for prompt in dataset.prompts)
    dataset = replace(dataset, prompts=prompts)
    fold_of = np.array([int(prompt.fingerprint[:8], 16) % options.folds for prompt in dataset.prompts])
    right: list[float] = []
    longer: list[float] = []
    n_run = options.folds if options.n_run is None else options.n_run
    for fold in range(n_run):
        held_out = fold_of[dataset.prompt_of[dataset.left]] == fold
        known, asked = dataset.select(~held_out), dataset.select(held_out)
        if options.quick:
            known, asked = (part.select(np.arange(len(part)) < 3 * QUICK_PAIRS) for part in (known, asked))
        pairs = _decided_pairs(asked)
        chosen_first = _run(known, asked, pairs, options, seed=fold)
        right += [float((np.sign(margin) + 1) / 2) for margin in chosen_first]
        longer += [_prefer_longer(asked, pair) for pair in pairs]
        print(
            f"fold {fold}: accuracy {np.mean(right[-len(pairs) :]):.3f}, "
            f"longer {np.mean(longer[-len(pairs) :]):.3f}",
            flush=True,
        )
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "form": options.form,
                "n": len(right),
                "accuracy": float(np.mean(right)),
                "longer": float(np.mean(longer)),
                "n_epochs": options.epochs,
                "n_folds": n_run,
                "cpu_seconds": sum(used.ru_utime + used.ru_stime for used in usage),
            }
        )
    )


def _run(
    known: PreferenceDataset,
    asked: PreferenceDataset,
    pairs: Sequence[tuple[int, int]],
    options: argparse.Namespace,
    *,
    seed: int,
) -> list[float]:
    """Margins by which a network trained on ``known`` prefers what people chose, one a pair."""
    if options.form == "trl":
        texts = sorted({candidate for pair in pairs for candidate in pair})
        names = ("epochs", "batch_size", "learning_rate", "source", "candidate")
        settings = {name: getattr(options, name) for name in names}
        settings |= {"base": str(options.base), "seed": seed}
        scores = dict(zip(texts, score_texts(known, texts, settings=settings), strict=True))
        return [float(scores[chosen] - scores[rejected]) for chosen, rejected in pairs]
    with tempfile.TemporaryDirectory() as folder:
        output = train(
            known,
            base=options.base,
            output=Path(folder) / "ranker",
            options=_make_options(options, seed=seed),
            on_progress=lambda step, n, loss, accuracy: (
                print(f"{step}/{n} {loss:.3f} {accuracy:.2f}", flush=True) if step % 20 == 0 else None
            ),
        )
        ranker = load_ranker(output)
        margins = []
        for chosen, rejected in pairs:
            texts = (asked.texts[chosen], asked.texts[rejected])
            prompt = asked.prompts[asked.prompt_of[chosen]]
            forward, backward = ranker.read_pairs(prompt, texts, [(0, 1), (1, 0)])
            margins.append(float(forward - backward))
        return margins


def _decided_pairs(dataset: PreferenceDataset) -> list[tuple[int, int]]:
    """What most people chose and what they did not, as indices of candidates."""
    judged = merge_judgements(dataset)
    sides = zip(judged.left.tolist(), judged.right.tolist(), judged.target.tolist(), strict=True)
    return [(i, j) if target > 0.5 else (j, i) for i, j, target in sides if target != 0.5]


def _prefer_longer(dataset: PreferenceDataset, pair: tuple[int, int]) -> float:
    chosen, rejected = (len(dataset.texts[index]) for index in pair)
    return float((np.sign(chosen - rejected) + 1) / 2)


def _make_options(options: argparse.Namespace, *, seed: int) -> JointOptions:
    return JointOptions(
        form=options.form,
        n_epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        lengths=Lengths(source=options.source, candidate=options.candidate),
        seed=seed,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--form", choices=["joint", "pointwise", "trl"], default="joint")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--source", type=int, default=128)
    parser.add_argument("--candidate", type=int, default=160)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--n-run", type=int, default=None, help="run only the first so many folds")
    parser.add_argument("--quick", action="store_true", help="one epoch of a few dozen pairs of one fold")
    options = parser.parse_args(arguments)
    if options.quick:
        options.epochs, options.n_run = 1, 1
    return options


if __name__ == "__main__":
    main()

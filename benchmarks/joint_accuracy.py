"""How well a fine-tuned encoder predicts people on prompts it has not seen, joint and pointwise.

The honest baseline of the joint cross-encoder: the same encoder, labels, epochs and folds for both
forms, beside "the longer answer wins". ``accuracy`` is the share of decided human majorities that
are called right.

    python -m benchmarks.joint_accuracy --data FILE [--data FILE] --base FOLDER --form pointwise
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blender_ui.ranking.joint import load_ranker
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.examples import merge_judgements
from blender_ui.ranking.joint.training import JointOptions, train
from blender_ui.ranking.types import PreferenceDataset, RankingPrompt


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on all folds but one, judge the one, and print a line a fold and JSON."""
    options = _parse(arguments)
    dataset = load_preferences(options.data)
    fold_of = np.array([int(prompt.fingerprint[:8], 16) % options.folds for prompt in dataset.prompts])
    right, longer = [], []
    for fold in range(options.folds if options.n_run is None else options.n_run):
        held_out = fold_of[dataset.prompt_of[dataset.left]] == fold
        with tempfile.TemporaryDirectory() as folder:
            output = train(
                dataset.select(~held_out),
                base=options.base,
                output=Path(folder) / "ranker",
                options=_make_options(options, seed=fold),
                on_progress=lambda step, n, loss, accuracy: (
                    print(f"{step}/{n} {loss:.3f} {accuracy:.2f}", flush=True) if step % 20 == 0 else None
                ),
            )
            fold_right, fold_longer = _judge(output, dataset.select(held_out))
        right += fold_right
        longer += fold_longer
        print(
            f"fold {fold}: accuracy {np.mean(fold_right):.3f}, longer {np.mean(fold_longer):.3f}", flush=True
        )
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "form": options.form,
                "n": len(right),
                "accuracy": float(np.mean(right)),
                "longer": float(np.mean(longer)),
                "n_epochs": options.epochs,
                "n_folds": options.folds if options.n_run is None else options.n_run,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
            }
        )
    )


def load_preferences(files: Sequence[Path]) -> PreferenceDataset:
    """Read human labels from gzipped JSON lines, one prompt a line with candidates and labels."""
    prompts: list[RankingPrompt] = []
    texts: list[str] = []
    members, prompt_of, left, right, target, annotators = [], [], [], [], [], []
    for file in files:
        with gzip.open(file, "rt") as lines:
            for line in lines:
                row = json.loads(line)
                start = len(texts)
                for candidate in row["candidates"]:
                    texts.append(candidate["text"])
                    members.append(candidate.get("model") or "")
                    prompt_of.append(len(prompts))
                for label in row["labels"]:
                    if label["kind"] != "human":
                        continue
                    left.append(start + label["a"])
                    right.append(start + label["b"])
                    target.append({"a": 1.0, "b": 0.0, "tie": 0.5}[label["winner"]])
                    annotators.append(str(label["annotator"]))
                prompts.append(
                    RankingPrompt(
                        instruction=row["prompt"], input="\n" + (row.get("instruction_input") or "")
                    )
                )
    return PreferenceDataset(
        prompts=tuple(prompts),
        texts=tuple(texts),
        members=tuple(members),
        prompt_of=np.array(prompt_of),
        left=np.array(left),
        right=np.array(right),
        target=np.array(target),
        both_bad=np.zeros(len(left), dtype=bool),
        strength=np.full(len(left), np.nan),
        annotators=tuple(annotators),
    )


def _judge(folder: Path, dataset: PreferenceDataset) -> tuple[list[float], list[float]]:
    """Per decided pair: whether the ranker, and whether the longer answer, is what people chose."""
    ranker = load_ranker(folder)
    pairs = merge_judgements(dataset)
    right, longer = [], []
    for i, j, target in zip(pairs.left.tolist(), pairs.right.tolist(), pairs.target.tolist(), strict=True):
        if target == 0.5:
            continue
        texts = (dataset.texts[i], dataset.texts[j])
        forward, backward = ranker.read_pairs(dataset.prompts[dataset.prompt_of[i]], texts, [(0, 1), (1, 0)])
        right.append(float((forward > backward) == (target > 0.5)))
        difference = len(texts[0]) - len(texts[1])
        longer.append(0.5 if difference == 0 else float((difference > 0) == (target > 0.5)))
    return right, longer


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
    parser.add_argument("--form", choices=["joint", "pointwise"], default="joint")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--source", type=int, default=128)
    parser.add_argument("--candidate", type=int, default=160)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--n-run", type=int, default=None, help="run only the first so many folds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

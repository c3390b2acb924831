"""Does training make a sequence-to-sequence fuser better, and does it learn to fuse instead of to copy?

Every example is a made-up place, machine or person with six facts. Three short answers each know some
of them, and the target says each known fact once. So what a fusion must hold is known: ``covered`` is
the share of the target's words that it has, ``copied`` the share of it that came from the one answer
it took most from. Of each
stage it is also told how often cross-attention and alignment of words name the answer that a fact came
from, where only one has it. The base is the catalogue's T5 of the flan-t5-small architecture, which
writes titles.

    python -m benchmarks.fuser_training            # about half an hour on one quiet core
    python -m benchmarks.fuser_training --quick    # a few steps: does the loss fall at all
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from blender_ui.fusion.attention import agreement
from blender_ui.fusion.attribution import attribute_spans
from blender_ui.fusion.encoding import FusionLimits
from blender_ui.fusion.examples import FusionExample, Target
from blender_ui.fusion.generation import GenerationOptions
from blender_ui.fusion.quality import mean_quality, measure_fusion
from blender_ui.fusion.seq2seq import Seq2SeqFuser
from blender_ui.fusion.training import measure, train, write_all
from blender_ui.fusion.tuning import Figures, FuserOptions
from blender_ui.settings import load_settings
from blender_ui.values import RankingPrompt
from blender_ui.weights.resolver import seq2seq_path

SYLLABLES = (
    "ba", "cor", "dan", "el", "fen", "gra", "hil", "is", "jor", "kel", "lo", "mar", "nor", "ost", "per",
    "quin", "ras", "sel", "tor", "ul", "ver", "wen", "yar", "zan",
)  # fmt: skip
KINDS = {
    "the town of {name}": (
        "It was founded in {year}.",
        "The river {word} flows through it.",
        "About {number} people live there.",
        "Its mayor is {person}.",
        "The {word} market opens every {day}.",
        "A bridge of {material} crosses the valley.",
    ),
    "the {name} radio": (
        "It was first sold in {year}.",
        "The case is made of {material}.",
        "It weighs {small} grams.",
        "{person} designed it.",
        "It was built in {word}.",
        "Repairs are free every {day}.",
    ),
    "the painter {name}": (
        "The painter was born in {year}.",
        "The first teacher was {person}.",
        "Most works hang in {word}.",
        "The studio was open every {day}.",
        "The late pictures are on {material}.",
        "There are {small} known works.",
    ),
    "the {name} ferry": (
        "It has sailed since {year}.",
        "The captain is {person}.",
        "It takes {small} passengers.",
        "The hull is made of {material}.",
        "It crosses to {word}.",
        "There is no service on {day}.",
    ),
}
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MATERIALS = ["oak", "brass", "copper", "steel", "glass", "canvas", "slate", "linen", "granite", "tin"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train in stages and measure each; the last line is one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few steps on few examples")
    parser.add_argument("--stages", type=int, default=5, help="passes over the examples, measured after each")
    parser.add_argument("--examples", type=int, default=80, help="examples to learn from")
    options = parser.parse_args(arguments)
    base = seq2seq_path("title-t5-small", cache_path=load_settings(os.environ).weights_path)
    if not base.exists():
        raise SystemExit(f"{base} is not there; run: python -m blender_ui.weights fetch title-t5-small")
    n_train, n_held_out, n_stages = (16, 3, 1) if options.quick else (options.examples, 16, options.stages)
    chosen = FuserOptions(
        n_epochs=1, batch_size=8, micro_batch_size=8, learning_rate=5e-4, source_tokens=256,
        candidate_tokens=64, target_tokens=96, checkpoint_steps=1000, held_out_steps=20,
    )  # fmt: skip
    rng = random.Random(11)
    examples = [make_example(rng) for _ in range(n_train)]
    held_out = [make_example(rng) for _ in range(n_held_out)]
    with tempfile.TemporaryDirectory() as folder:
        stages = _train_in_stages(base, examples, held_out, chosen, folder=Path(folder), n_stages=n_stages)
    print(json.dumps({"n_train": n_train, "n_held_out": n_held_out, "stages": stages}))


def make_example(rng: random.Random) -> FusionExample:
    """A made-up thing, three answers that each know some of its facts, and all of them once."""
    kind = rng.choice(list(KINDS))
    name = _name(rng)
    facts = [
        fact.format(
            year=rng.randint(1400, 1990),
            number=rng.randint(11, 99) * 100,
            small=rng.randint(20, 900),
            word=_name(rng),
            person=f"{_name(rng)} {_name(rng)}",
            day=rng.choice(DAYS),
            material=rng.choice(MATERIALS),
        )
        for fact in KINDS[kind]
    ]
    known = [sorted(rng.sample(range(len(facts)), rng.choice((2, 3)))) for _ in range(3)]
    candidates = []
    for places in known:
        shown = list(places)
        rng.shuffle(shown)
        candidates.append(" ".join(facts[place] for place in shown))
    target = " ".join(facts[place] for place in sorted({place for places in known for place in places}))
    prompt = RankingPrompt(instruction=f"Tell me about {kind.format(name=name)}.")
    return FusionExample(prompt=prompt, candidates=tuple(candidates), target=target, source=Target.REFERENCE)


def _name(rng: random.Random) -> str:
    return "".join(rng.sample(SYLLABLES, 2)).capitalize()


def _train_in_stages(
    base: Path,
    examples: Sequence[FusionExample],
    held_out: Sequence[FusionExample],
    options: FuserOptions,
    *,
    folder: Path,
    n_stages: int,
) -> list[dict[str, Any]]:
    began = time.process_time()
    stages = [_measure(base, held_out, options, n_steps=0, seconds=0.0)]
    current, n_steps = base, 0
    for stage in range(n_stages):
        output = folder / f"stage-{stage}"
        losses: list[Figures] = []
        train(
            examples, held_out=(), base=current, output=output, options=options,
            on_progress=lambda step, n, figures, _held, losses=losses: losses.append(figures),
        )  # fmt: skip
        n_steps += len(losses)
        found = _measure(output, held_out, options, n_steps=n_steps, seconds=time.process_time() - began)
        found["first_loss"], found["last_loss"] = losses[0].loss, losses[-1].loss
        stages.append(found)
        print(stages[-1], flush=True)
        current = output
    return stages


def measure_provenance(
    folder: Path, held_out: Sequence[FusionExample], options: FuserOptions
) -> dict[str, float]:
    """How often cross-attention and alignment name the right source, where it is known.

    It is known for a fact that exactly one of the answers has and that the fused text repeats; shares
    are of such facts' characters. ``agree`` is the share of characters that both give to a source.
    """
    fuser = Seq2SeqFuser(
        folder,
        options=GenerationOptions(max_new_tokens=options.target_tokens, n_beams=1),
        limits=FusionLimits(source_tokens=options.source_tokens, candidate_tokens=options.candidate_tokens),
    )
    n_known, right, agreed = 0, {"attention": 0, "alignment": 0}, []
    for example in held_out:
        last = list(fuser.stream(example.prompt, example.candidates))[-1]
        assert last.attribution is not None
        found = {
            "attention": last.attribution.spans,
            "alignment": attribute_spans(last.text, example.candidates).spans,
        }
        agreed.append(agreement(found["attention"], found["alignment"]))
        for start, end, owner in _known_stretches(last.text, example.candidates):
            n_known += end - start
            for way, spans in found.items():
                right[way] += sum(
                    max(0, min(span.end, end) - max(span.start, start))
                    for span in spans
                    if span.source == owner
                )
    shares = {way: n / max(n_known, 1) for way, n in right.items()}
    return {"known_characters": n_known, **shares, "agree": float(np.mean(agreed))}


def _known_stretches(fused: str, candidates: Sequence[str]) -> list[tuple[int, int, int]]:
    """Start, end and source of each fact in a fused text that exactly one answer has."""
    facts = {fact for text in candidates for fact in re.findall(r"[^.]+\.", text)}
    stretches = []
    for fact in (fact.strip() for fact in facts):
        owners = [index for index, text in enumerate(candidates) if fact in text]
        start = fused.find(fact)
        if start >= 0 and len(owners) == 1:
            stretches.append((start, start + len(fact), owners[0]))
    return stretches


def _measure(
    folder: Path, held_out: Sequence[FusionExample], options: FuserOptions, *, n_steps: int, seconds: float
) -> dict[str, Any]:
    figures = measure(folder, held_out, options=options)
    texts = write_all(folder, held_out, options=options)
    quality = mean_quality([measure_fusion(text, one) for text, one in zip(texts, held_out, strict=True)])
    print(f"{texts[0]!r}", flush=True)
    return {
        "n_steps": n_steps,
        "held_out_loss": figures.loss,
        "held_out_accuracy": figures.accuracy,
        **quality._asdict(),
        "provenance": measure_provenance(folder, held_out, options),
        "cpu_seconds": seconds,
    }


if __name__ == "__main__":
    main()

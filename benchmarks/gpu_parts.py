"""Parts of ``benchmarks.gpu`` in a process of their own, which ends with the first that fails.

    python -m benchmarks.gpu_parts FOLDER DEVICE SIZE PART ...

FOLDER holds what the parts make; DEVICE is cuda or cpu; SIZE is full or quick; PART is reading, joint, fuser
or memory, which leaves the process little of it and comes last. A line of JSON a part.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu_models import FULL, QUICK, Size, make_encoder, make_fuser, make_reader, words
from blender_ui.fusion.examples import FusionExample, Target
from blender_ui.fusion.training import train as train_fuser
from blender_ui.fusion.training import write_all
from blender_ui.fusion.tuning import FuserOptions
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.ranking.joint.ranker import ReadOptions, load_ranker
from blender_ui.ranking.joint.training import JointOptions
from blender_ui.ranking.joint.training import train as train_joint
from blender_ui.ranking.reading import Precision, Reader
from blender_ui.ranking.surface import SURFACE_NAMES
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt
from blender_ui.worker.reasons import describe_failure

Asked = Sequence[tuple[RankingPrompt, Sequence[str]]]
MOST_MEMORY = 256 << 20
"""Bytes that the part "memory" leaves a training, which needs more."""
N_STEPS = 3
"""Of a training: the last is measured, since the first also loads kernels."""


def main() -> None:
    """Run the parts and print the figures of each."""
    folder, device, size, *parts = sys.argv[1:]
    if device == "cpu":
        torch.set_num_threads(1)
    for part in parts:
        _forget_peak(torch.device(device))
        figures = PARTS[part](Path(folder), torch.device(device), QUICK if size == "quick" else FULL)
        print(json.dumps(figures), flush=True)


def measure_reading(folder: Path, device: torch.device, size: Size) -> dict[str, Any]:
    """How fast the device reads, and how far its readings are from those of the CPU in float32.

    ``cosine_least`` is of the states of one answer, 1 for equal ones; ``error_most`` is the largest
    difference as a share of the largest value.
    """
    model = make_reader(folder / "reader", size)
    few, many = _ask(4, size, n_words=60), _ask(8 if size is QUICK else 256, size, n_words=150)
    reference = Reader(model, device="cpu", precision="float32")
    expected = np.concatenate([reference.read(*one) for one in few])
    figures: dict[str, Any] = {}
    precisions: list[Precision] = ["float32"]
    if multiplies_bfloat16(device):
        precisions.append("bfloat16")
    for precision in precisions:
        reader = Reader(model, device=str(device), precision=precision)
        agreement = _compare(np.concatenate(reader.read_many(few)), expected)  # this also warms up
        began = time.perf_counter()
        reader.read_many(many)
        seconds = time.perf_counter() - began
        n_tokens = sum(len(text.split()) for prompt, texts in many for text in (prompt.instruction, *texts))
        figures[precision] = agreement | {
            "answers_per_second": round(sum(len(texts) for _, texts in many) / seconds, 1),
            "tokens_per_second": round(n_tokens / seconds),
        }
    return figures | {"peak_mib": _peak_mib(device)}


def measure_joint(folder: Path, device: torch.device, size: Size) -> dict[str, Any]:
    """A bfloat16 step of the joint ranker, and how far the result's logits are from those of the CPU."""
    base = make_encoder(folder / "encoder", size)
    n_pairs, n_words = (2, 40) if size is QUICK else (16, 200)
    asked = _ask(n_pairs, size, n_words=n_words, n_answers=2)
    times: list[float] = []
    losses: list[float] = []

    def note(step: int, n_steps: int, loss: float, accuracy: float) -> None:
        times.append(time.perf_counter())
        losses.append(loss)

    options = JointOptions(
        n_epochs=N_STEPS, batch_size=n_pairs, micro_batch_size=n_pairs, precision="bfloat16",
        device="cpu" if device.type == "cpu" else None,
    )  # fmt: skip
    output = folder / "joint"
    train_joint(_prefer(asked), base=base, output=output, options=options, on_progress=note)
    peak = _peak_mib(device)
    logits = [
        load_ranker(output, options=ReadOptions(device=name, specialised=False)).pairwise_logits(*asked[0])
        for name in (str(device), "cpu")
    ]
    return {
        "pairs": n_pairs,
        "step_seconds": round(times[-1] - times[-2], 4),
        "losses": [round(loss, 4) for loss in losses],
        "peak_mib": peak,
        "logit_error": round(float(np.nanmax(np.abs(logits[0] - logits[1]))), 6),
    }


def measure_fuser(folder: Path, device: torch.device, size: Size) -> dict[str, Any]:
    """A step of a fuser, in bfloat16 where the device multiplies it, and what it writes after it."""
    base = make_fuser(folder / "fuser_base", size)
    n, n_words = (2, 40) if size is QUICK else (8, 100)
    examples = [
        FusionExample(prompt=prompt, candidates=tuple(texts[:-1]), target=texts[-1], source=Target.REFERENCE)
        for prompt, texts in _ask(n, size, n_words=n_words, n_answers=4)
    ]
    times: list[float] = []
    losses: list[float] = []

    def note(step: int, n_steps: int, figures: Any, held_out: Any) -> None:
        times.append(time.perf_counter())
        losses.append(figures.loss)

    options = FuserOptions(n_epochs=N_STEPS, batch_size=n, micro_batch_size=n, target_tokens=n_words)
    output = folder / "fuser"
    train_fuser(examples, held_out=(), base=base, output=output, options=options, on_progress=note)
    peak = _peak_mib(device)
    (written,) = write_all(output, examples[:1], options=options)
    return {
        "examples": n,
        "bfloat16": multiplies_bfloat16(device),
        "step_seconds": round(times[-1] - times[-2], 4),
        "losses": [round(loss, 4) for loss in losses],
        "peak_mib": peak,
        "written_words": len(written.split()),
    }


def measure_memory(folder: Path, device: torch.device, size: Size) -> dict[str, Any]:
    """What a job shows whose reading, or whose training, ran out of memory for real."""
    # Wide, so that a text whose tokens are soon counted takes more than is left.
    wide = QUICK._replace(reader=QUICK.reader | {"hidden_size": 768})
    reader = Reader(make_reader(folder / "wide", wide), device=str(device), answer_tokens=10**6)
    base = make_encoder(folder / "encoder_small", QUICK)
    asked = _ask(128, QUICK, n_words=250, n_answers=2)
    options = JointOptions(
        batch_size=128, micro_batch_size=128, device="cpu" if device.type == "cpu" else None
    )
    long_text = words(60_000, size=QUICK, rng=np.random.default_rng(0))
    sentences = {}
    _leave_memory(device, MOST_MEMORY)
    works: dict[str, Callable[[], object]] = {
        "reading": lambda: reader.read(asked[0][0], [long_text]),
        "training": lambda: train_joint(_prefer(asked), base=base, output=folder / "big", options=options),
    }
    for name, work in works.items():
        try:
            work()
            raise SystemExit(f"{name} was to run out of {MOST_MEMORY >> 20} MiB and did not")
        except Exception as error:  # noqa: BLE001 - as the worker's edge, which tells whatever came
            sentences[name] = describe_failure(error)
    return sentences


def _leave_memory(device: torch.device, n_bytes: int) -> None:
    """Let this process have so many bytes more."""
    if device.type == "cuda":
        whole = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + n_bytes) / whole)
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + n_bytes,) * 2)


def _forget_peak(device: torch.device) -> None:
    """Give back what a part before has left, and count the most memory from here on."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mib(device: torch.device) -> int:
    """The most memory of this part: of the device, or of this process where that is the CPU."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated() / 2**20)
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM"))
    return round(int(peak.split()[1]) / 1024)


def _compare(came: FloatArray, expected: FloatArray) -> dict[str, float]:
    came, expected = came[:, len(SURFACE_NAMES) :], expected[:, len(SURFACE_NAMES) :]
    norms = np.linalg.norm(came, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (came * expected).sum(axis=1) / norms
    error = np.abs(came - expected).max() / np.abs(expected).max()
    return {"cosine_least": round(float(cosines.min()), 6), "error_most": float(f"{error:.2g}")}


def _ask(n: int, size: Size, *, n_words: int, n_answers: int = 3) -> list[tuple[RankingPrompt, list[str]]]:
    """Prompts of 40 words with answers of about so many."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(n_words // 2, 3 * n_words // 2, size=(n, n_answers))
    return [
        (
            RankingPrompt(instruction=words(40, size=size, rng=rng)),
            [words(int(length), size=size, rng=rng) for length in row],
        )
        for row in lengths
    ]


def _prefer(asked: Asked) -> PreferenceDataset:
    """The first of every prompt's two answers is preferred."""
    n = len(asked)
    return PreferenceDataset(
        prompts=tuple(prompt for prompt, _ in asked),
        texts=tuple(text for _, texts in asked for text in texts),
        members=("",) * (2 * n),
        prompt_of=np.repeat(np.arange(n), 2),
        left=2 * np.arange(n),
        right=2 * np.arange(n) + 1,
        target=np.ones(n),
        both_bad=np.zeros(n, dtype=bool),
        strength=np.full(n, np.nan),
        annotators=("someone",) * n,
    )


PARTS: dict[str, Callable[[Path, torch.device, Size], dict[str, Any]]] = {
    "reading": measure_reading,
    "joint": measure_joint,
    "fuser": measure_fuser,
    "memory": measure_memory,
}

if __name__ == "__main__":
    main()

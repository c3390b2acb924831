"""Fine-tuning a sequence-to-sequence fuser. Needs torch.

Invariant: a run that is killed and called again with the same arguments goes on from its last saved
state and ends with the weights of a run that was not; everything random follows from the seed and
the step. Non-goal: where examples come from, and whether the result may take an active fuser's place.

Source: Jiang, Ren and Lin, "LLM-Blender", ACL 2023, arXiv:2306.02561, section 4: cross-entropy of
the target given the prompt and the top candidates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from blender_ui.errors import FusionError
from blender_ui.fusion.examples import FusionExample
from blender_ui.fusion.generation import GenerationOptions
from blender_ui.fusion.seq2seq import Seq2SeqFuser
from blender_ui.fusion.tuning import (
    FINGERPRINT,
    NOTES,
    Figures,
    FuserOptions,
    TuningRun,
    digest_weights,
    limits_of,
)
from blender_ui.ranking.joint.hardware import explain_memory
from blender_ui.ranking.joint.progress import SaveClock, clear_progress, load_progress, save_progress

OnProgress = Callable[[int, int, Figures, Figures | None], None]
"""Called after each step with the steps done, the steps in all, the batch's figures, and the
held-out figures at the steps that measure them."""


def train(
    examples: Sequence[FusionExample],
    *,
    held_out: Sequence[FusionExample],
    base: Path,
    output: Path,
    options: FuserOptions | None = None,
    on_progress: OnProgress = lambda step, n_steps, figures, held_out: None,
) -> str:
    """Fine-tune a fuser and write it.

    Args:
        examples: What to learn from.
        held_out: What its figures are measured on as it goes.
        base: Folder of a sequence-to-sequence checkpoint.
        output: Folder to write; appears when complete, with its fingerprint.
        options: How.
        on_progress: See ``OnProgress``; what it raises ends the run, whose state stays.

    Returns:
        The fingerprint: SHA-256 over weights, configuration and tokenizer.

    Raises:
        FusionError: If there is nothing to learn from, the base cannot be used, the loss is no
            number, or memory does not suffice.
    """
    options = options or FuserOptions()
    if not examples:
        raise FusionError("expected examples to learn from, came none")
    digest = _digest_run(examples, base, options)
    if (known := find_fingerprint(output, digest=digest)) is not None:
        return known
    with explain_memory(FusionError, _advise(options)):
        run = TuningRun(examples, held_out, base=base, options=options)
        step = load_progress(output, digest=digest, model=run.model, optimizer=run.optimizer)
        clock = SaveClock(options.checkpoint_steps)
        while step < run.n_steps:
            figures = run.take_step(step)
            step += 1
            if step < run.n_steps and clock.is_due(step):
                save_progress(output, digest=digest, step=step, model=run.model, optimizer=run.optimizer)
            is_measured = step % options.held_out_steps == 0 or step == run.n_steps
            on_progress(step, run.n_steps, figures, run.measure() if is_measured else None)
        fingerprint = run.write(output, digest=digest)
        clear_progress(output)
    return fingerprint


def measure(folder: Path, examples: Sequence[FusionExample], *, options: FuserOptions) -> Figures:
    """The figures of a checkpoint on examples, teacher-forced.

    Raises:
        FusionError: If the folder cannot be used, or memory does not suffice.
    """
    with explain_memory(FusionError, _advise(options)):
        return TuningRun(examples, examples, base=folder, options=options).measure()


def write_all(folder: Path, examples: Sequence[FusionExample], *, options: FuserOptions) -> list[str]:
    """What the checkpoint in a folder writes for each example, greedily; empty where it writes nothing."""
    fuser = Seq2SeqFuser(
        folder,
        options=GenerationOptions(max_new_tokens=options.target_tokens, n_beams=1),
        limits=limits_of(options),
    )
    written = []
    for example in examples:
        try:
            written.append(list(fuser.stream(example.prompt, example.candidates))[-1].text)
        except FusionError:
            written.append("")
    return written


def find_fingerprint(output: Path, *, digest: str) -> str | None:
    """The fingerprint of what a run has written already; None where it has not."""
    notes = output / NOTES
    if not notes.exists() or json.loads(notes.read_text()).get("digest") != digest:
        return None
    return (output / FINGERPRINT).read_text().strip()


def _advise(options: FuserOptions) -> str:
    return (
        f"memory ran out with {options.micro_batch_size} examples at a time; lower micro_batch_size, "
        "source_tokens or candidate_tokens, or take a smaller base"
    )


def _digest_run(examples: Sequence[FusionExample], base: Path, options: FuserOptions) -> str:
    """Names what a run learns from, starts from and how; another digest is another run."""
    digest = hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode())
    digest.update(json.dumps([asdict(example) for example in examples], sort_keys=True).encode())
    digest.update(digest_weights(base).encode())
    return digest.hexdigest()

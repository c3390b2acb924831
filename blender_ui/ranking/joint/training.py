"""Fine-tuning a PairRanker on people's preferences, the paper's way or candidate by candidate.

Invariant: a run that is killed and called again with the same arguments ends with the weights of a
run that was not; everything random follows from the seed, the step and what was saved. Non-goal:
whether the result is better than what there was, which the caller judges on held-out preferences.

Source: Jiang, Ren and Lin, "LLM-Blender", ACL 2023, arXiv:2306.02561, section 3.2; the loss is that
of Ouyang et al., "Training language models to follow instructions", arXiv:2203.02155, with soft
targets in place of a chosen and a rejected side.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from blender_ui.conversations import messages_json
from blender_ui.errors import RankerError
from blender_ui.ranking.joint.adapters import add_adapters, merge_adapters
from blender_ui.ranking.joint.batches import collate
from blender_ui.ranking.joint.checkpoint import Checkpoint, open_base, save_checkpoint
from blender_ui.ranking.joint.dropout import set_dropout
from blender_ui.ranking.joint.encoding import Lengths
from blender_ui.ranking.joint.examples import Example, ExampleSource, split_micro_batches
from blender_ui.ranking.joint.hardware import explain_memory, multiplies_bfloat16
from blender_ui.ranking.joint.model import Form
from blender_ui.ranking.joint.progress import SaveClock, clear_progress, load_progress, save_progress
from blender_ui.values import PreferenceDataset

OnProgress = Callable[[int, int, float, float], None]
"""Called after each step with the steps done, the steps in all, the batch's mean loss in nats, and
the share of its decided pairs that the network called right (NaN where all were ties)."""


@dataclass(frozen=True, kw_only=True)
class JointOptions:
    """How to fine-tune.

    Attributes:
        form: "joint" reads both candidates at once; "pointwise" each by itself, which encoders as
            small as MiniLM can learn from few labels.
        n_epochs: Passes over the judged pairs.
        batch_size: Judged pairs per step, over all devices.
        micro_batch_size: Pairs read at a time on a device; the rest of a batch is accumulated.
        learning_rate: Highest of the schedule: a linear rise over the first ``warmup`` share of the
            steps, then a linear fall to 0.
        weight_decay: Of AdamW.
        max_gradient_norm: Gradients above it are scaled down.
        dropout: Probability of dropping a unit while training, in backbone and head.
        lengths: The segments' most tokens; None takes the base's own.
        lora_rank: Rank of low-rank adapters on every linear layer; 0 trains all weights.
        gradient_checkpointing: Recompute activations: about a third slower, far less memory.
        precision: "auto" is bfloat16 where the device multiplies it natively, else float32.
        checkpoint_steps: Steps between two saves of the run's state, a minute at most.
        seed: Of everything random.
        device: None takes what accelerate finds.
    """

    form: Form = "joint"
    n_epochs: int = 3
    batch_size: int = 16
    micro_batch_size: int = 8
    learning_rate: float = 2e-5
    warmup: float = 0.05
    weight_decay: float = 0.01
    max_gradient_norm: float = 1.0
    dropout: float = 0.0
    lengths: Lengths | None = None
    lora_rank: int = 0
    gradient_checkpointing: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    checkpoint_steps: int = 50
    seed: int = 0
    device: Literal["cpu"] | None = None

    def __post_init__(self) -> None:
        counts = (self.n_epochs, self.batch_size, self.micro_batch_size, self.checkpoint_steps)
        if min(counts) < 1 or self.lora_rank < 0 or self.learning_rate <= 0:
            raise RankerError(f"expected positive counts and a positive learning rate, came {self}")
        if not 0 <= self.dropout < 1:
            raise RankerError(f"expected dropout of at least 0 and less than 1, came {self.dropout}")


class TrainingStopped(RankerError):
    """The caller asked to stop; the state is saved and the same call goes on from it."""


def train(
    dataset: PreferenceDataset,
    *,
    base: Path,
    output: Path,
    options: JointOptions | None = None,
    on_progress: OnProgress = lambda step, n_steps, loss, accuracy: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Fine-tune a PairRanker and write it.

    Called again after it was killed or stopped, with the same arguments, it goes on from the last
    saved state, kept beside ``output``, and ends with the same weights.

    Args:
        dataset: What to learn from; held-out preferences are the caller's to leave out.
        base: Folder of a pre-trained backbone, or of a PairRanker to train further.
        output: Folder to write; appears when complete.
        options: How to train.
        on_progress: See ``OnProgress``.
        should_stop: Asked before each step.

    Returns:
        ``output``, which ``load_ranker`` reads.

    Raises:
        RankerError: If there is nothing to learn from, the base cannot be used, the loss is no
            number, or memory does not suffice; the message says what to lower.
        TrainingStopped: If ``should_stop`` said so.
    """
    options = options or JointOptions()
    digest = _digest_run(dataset, base, options)
    if _is_finished(output, digest):
        return output
    advice = (
        f"expected a part of {options.micro_batch_size} pairs to fit in memory; lower micro_batch_size or "
        "lengths, turn on gradient_checkpointing, or set lora_rank"
    )
    with explain_memory(RankerError, advice):
        run = _Run(dataset, base=base, options=options)
        step = load_progress(output, digest=digest, model=run.model, optimizer=run.optimizer)
        clock = SaveClock(options.checkpoint_steps)
        while step < run.n_steps:
            if run.is_true_anywhere(should_stop()):
                if run.is_main:
                    save_progress(output, digest=digest, step=step, model=run.model, optimizer=run.optimizer)
                run.wait_for_everyone()
                raise TrainingStopped(f"stopped at step {step} of {run.n_steps}; the run can be resumed")
            loss, accuracy = run.take_step(step)
            step += 1
            if run.is_main and step < run.n_steps and clock.is_due(step):
                save_progress(output, digest=digest, step=step, model=run.model, optimizer=run.optimizer)
            on_progress(step, run.n_steps, loss, accuracy)
        if run.is_main:
            notes = {"digest": digest, "n_steps": run.n_steps, "options": asdict(options)}
            save_checkpoint(run.finish(), output, notes=notes)
            clear_progress(output)
        run.wait_for_everyone()
    return output


class _Outcome(NamedTuple):
    loss: float
    accuracy: float


class _Run:
    """The moving parts of one training run on this process' device."""

    def __init__(self, dataset: PreferenceDataset, *, base: Path, options: JointOptions) -> None:
        self._options = options
        self._checkpoint = open_base(base, form=options.form, lengths=options.lengths, seed=options.seed)
        self._source = ExampleSource(
            dataset,
            self._checkpoint.encoder,
            form=options.form,
            batch_size=options.batch_size,
            n_epochs=options.n_epochs,
            seed=options.seed,
        )
        self._pad_id = self._checkpoint.encoder.pad_id
        torch.manual_seed(options.seed)
        self.model = self._checkpoint.model
        self._set_dropout_back = set_dropout(self.model, options.dropout)
        if options.lora_rank:
            add_adapters(self._checkpoint, rank=options.lora_rank)
        if options.gradient_checkpointing:
            backbone: Any = self.model.pretrained_model
            backbone.activation_checkpointing_enable({"use_reentrant": False})
        self._accelerator = _start_accelerator(options.device)
        trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=options.learning_rate, weight_decay=options.weight_decay)
        self._wrapped, self.optimizer = self._accelerator.prepare(self.model, optimizer)
        self._precision = _choose_precision(options.precision, self._accelerator.device)
        self.n_steps = self._source.n_steps
        self.is_main = bool(self._accelerator.is_main_process)

    def take_step(self, step: int) -> _Outcome:
        """Read a batch, part by part, and move the weights once."""
        options, accelerator = self._options, self._accelerator
        seeds = np.random.SeedSequence((options.seed, step, accelerator.process_index))
        torch.manual_seed(int(seeds.generate_state(1)[0]))
        examples = self._source.draw(step)
        total = sum(example.weight for example in examples)
        share = examples[accelerator.process_index :: accelerator.num_processes]
        # A process without examples would do no backward, for which the others wait.
        share = share or [examples[0]._replace(weight=0.0)]
        parts = list(split_micro_batches(share, n_most=options.micro_batch_size))
        self._wrapped.train()
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * _scale_rate(step, self.n_steps, warmup=options.warmup)
        sums = torch.zeros(3, device=accelerator.device)
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            with nullcontext() if last else accelerator.no_sync(self._wrapped):
                loss, counts = self._read_part(part)
                accelerator.backward(loss * accelerator.num_processes / total)
            sums += torch.stack([loss.detach(), *counts])
        loss_sum, n_right, n_decided = accelerator.reduce(sums).tolist()
        if not math.isfinite(loss_sum):
            raise RankerError(f"expected a finite loss at step {step}, came {loss_sum}; lower learning_rate")
        accelerator.clip_grad_norm_(self._wrapped.parameters(), options.max_gradient_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return _Outcome(loss=loss_sum / total, accuracy=n_right / n_decided if n_decided else math.nan)

    def is_true_anywhere(self, flag: bool) -> bool:
        """Whether the flag is true in any process; asked in all of them."""
        flags = torch.tensor(float(flag), device=self._accelerator.device)
        return bool(self._accelerator.reduce(flags).item())

    def wait_for_everyone(self) -> None:
        """Wait until all processes have come this far."""
        self._accelerator.wait_for_everyone()

    def finish(self) -> Checkpoint:
        """The trained network with adapters folded into its weights, and with the dropout it came with."""
        if self._options.lora_rank:
            merge_adapters(self.model)
        self._set_dropout_back()
        self.model.eval()
        return self._checkpoint

    def _read_part(self, part: Sequence[Example]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Weighted sum of losses, and how many decided pairs were called right, and were there."""
        device = self._accelerator.device
        inputs = [
            encoding for side in zip(*(example.inputs for example in part), strict=True) for encoding in side
        ]
        tensors = [tensor.to(device) for tensor in collate(inputs, pad_id=self._pad_id)]
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._precision == torch.bfloat16):
            values = self._wrapped(*tensors).float()
        logits = values if self._options.form == "joint" else values[: len(part)] - values[len(part) :]
        target, weight = (
            torch.tensor([getattr(example, name) for example in part], device=device)
            for name in ("target", "weight")
        )
        loss = binary_cross_entropy_with_logits(logits, target, weight=weight, reduction="sum")
        decided = (target != 0.5) & (weight > 0)
        right = decided & ((logits > 0) == (target > 0.5))
        return loss, (right.sum().float(), decided.sum().float())


def _start_accelerator(device: Literal["cpu"] | None) -> Accelerator:
    try:
        return Accelerator(cpu=device == "cpu")
    except ValueError as error:  # its state is one a process
        raise RankerError(
            f"expected the device of the runs before it in this process, came {device!r}; "
            f"train in a new process: {error}"
        ) from error


def _scale_rate(step: int, n_steps: int, *, warmup: float) -> float:
    """Share of the highest learning rate at a step counted from 0."""
    n_rising = max(math.ceil(warmup * n_steps), 1)
    if step < n_rising:
        return (step + 1) / n_rising
    return (n_steps - step) / max(n_steps - n_rising, 1)


def _choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    if wanted == "bfloat16" or (wanted == "auto" and multiplies_bfloat16(device)):
        return torch.bfloat16
    return torch.float32


def _digest_run(dataset: PreferenceDataset, base: Path, options: JointOptions) -> str:
    """Names what a run learns from, starts from and how; another digest is another run."""
    digest = hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode())
    asked = [[p.instruction, p.input, *messages_json(p.history)] for p in dataset.prompts]
    digest.update(json.dumps(asked).encode())
    digest.update(json.dumps(dataset.texts).encode())
    for values in (dataset.prompt_of, dataset.left, dataset.right, dataset.target, dataset.strength):
        digest.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
    names = ("*.json", "*.safetensors", "*.bin", "spm.model")
    for path in sorted(path for name in names for path in base.glob(name)):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _is_finished(output: Path, digest: str) -> bool:
    notes = output / "training.json"
    return notes.exists() and json.loads(notes.read_text()).get("digest") == digest

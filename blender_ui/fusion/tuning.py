"""The moving parts of one fine-tuning of a fuser: model, batches, loss, rate. Needs torch.

Invariant: everything random follows from the seed and the step. Non-goals: saving, resuming and telling of
progress, which ``fusion.training`` does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from blender_ui.engine.folders import write_folder
from blender_ui.errors import FusionError
from blender_ui.fusion.encoding import FusionLimits, encode_fusion
from blender_ui.fusion.examples import FusionExample
from blender_ui.ranking.joint.hardware import multiplies_bfloat16

_IGNORED = -100
"""Label of a place that is not part of the loss."""
NOTES = "training.json"
FINGERPRINT = "fingerprint"


class Figures(NamedTuple):
    """Mean negative log-likelihood a target token, in nats, and the share of tokens put first."""

    loss: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class FuserOptions:
    """How to fine-tune.

    Attributes:
        n_epochs: Passes over the examples.
        batch_size: Examples a step.
        micro_batch_size: Examples read at a time; the rest of a batch is accumulated.
        learning_rate: Highest of the schedule: a linear rise over the first ``warmup`` share of the
            steps, then a linear fall to 0. The reference takes 5e-5 for 3 billion weights.
        weight_decay: Of AdamW.
        warmup: Share of the steps.
        source_tokens: Most tokens that are read; the reference's 1,024 at most.
        candidate_tokens: Most tokens of one candidate that are read.
        target_tokens: Most tokens that are written.
        n_beams: How the finished fuser writes; 1 lets the text grow on the page.
        checkpoint_steps: Steps between two saves of the run's state, a minute at most.
        held_out_steps: Steps between two measurements on held-out examples.
        n_held_out: Most held-out examples of such a measurement.
        seed: Of everything random.
    """

    n_epochs: int = 3
    batch_size: int = 8
    micro_batch_size: int = 4
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    source_tokens: int = 512
    candidate_tokens: int = 128
    target_tokens: int = 128
    n_beams: int = 1
    checkpoint_steps: int = 25
    held_out_steps: int = 25
    n_held_out: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (
            self.n_epochs, self.batch_size, self.micro_batch_size, self.checkpoint_steps,
            self.held_out_steps, self.target_tokens, self.n_beams,
        )  # fmt: skip
        if min(counts) < 1 or self.learning_rate <= 0:
            raise FusionError(f"expected positive counts and a positive learning rate, came {self}")


def digest_weights(folder: Path) -> str:
    """SHA-256 over everything in a folder that what it writes depends on."""
    digest = hashlib.sha256()
    names = ("config.json", "generation_config.json", "tokenizer.json")
    for path in sorted([*folder.glob("*.safetensors"), *(folder / name for name in names)]):
        if path.exists():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class _Encoded(NamedTuple):
    source: tuple[int, ...]
    target: tuple[int, ...]


class TuningRun:
    """The moving parts of one run."""

    def __init__(
        self,
        examples: Sequence[FusionExample],
        held_out: Sequence[FusionExample],
        *,
        base: Path,
        options: FuserOptions,
    ) -> None:
        self._options = options
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(base)
            model: Any = AutoModelForSeq2SeqLM.from_pretrained(base, dtype=torch.float32)
        except (OSError, ValueError, SafetensorError) as error:
            raise FusionError(f"{base} is not a sequence-to-sequence checkpoint: {error}") from error
        self.model: Any = model.to(self._device)
        if model.generation_config.decoder_start_token_id is None:  # A file written by hand.
            model.generation_config.decoder_start_token_id = self._tokenizer.pad_token_id
        self._examples = [self._encode(example) for example in examples]
        self._held_out = [self._encode(example) for example in held_out[: options.n_held_out]]
        self._n_batches = math.ceil(len(examples) / options.batch_size)
        self.n_steps = options.n_epochs * self._n_batches
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )

    def take_step(self, step: int) -> Figures:
        """Read a batch, part by part, and move the weights once."""
        options = self._options
        torch.manual_seed(options.seed * 1_000_003 + step)  # dropout: the same however often it is resumed
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = options.learning_rate * self._rate(step)
        batch = self._batch(step)
        n_tokens = sum(len(example.target) for example in batch)
        sums = torch.zeros(2)
        for part in _parts(batch, options.micro_batch_size):
            loss, n_right = self._read(part)
            (loss / n_tokens).backward()  # type: ignore[no-untyped-call]
            sums += torch.stack([loss.detach(), n_right]).cpu()
        if not bool(torch.isfinite(sums).all()):
            raise FusionError(f"expected a finite loss at step {step}, came {sums[0]}; lower learning_rate")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return Figures(float(sums[0]) / n_tokens, float(sums[1]) / n_tokens)

    def measure(self) -> Figures:
        """The figures on held-out examples, without dropout; NaN where there are none."""
        self.model.eval()
        sums, n_tokens = torch.zeros(2), 0
        with torch.inference_mode():
            for part in _parts(self._held_out, self._options.micro_batch_size):
                sums += torch.stack(self._read(part)).cpu()
                n_tokens += sum(len(example.target) for example in part)
        if not n_tokens:
            return Figures(math.nan, math.nan)
        return Figures(float(sums[0]) / n_tokens, float(sums[1]) / n_tokens)

    def write(self, output: Path, *, digest: str) -> str:
        """Write the checkpoint whole and give its fingerprint."""
        options = self._options
        self.model.eval()
        self.model.generation_config.update(num_beams=options.n_beams, max_new_tokens=options.target_tokens)

        def fill(folder: Path) -> None:
            self.model.save_pretrained(folder)
            self._tokenizer.save_pretrained(folder)
            (folder / FINGERPRINT).write_text(digest_weights(folder) + "\n")
            notes = {"digest": digest, "n_steps": self.n_steps, "options": asdict(options)}
            (folder / NOTES).write_text(json.dumps(notes, indent=1))

        write_folder(output, fill)
        return (output / FINGERPRINT).read_text().strip()

    def _encode(self, example: FusionExample) -> _Encoded:
        source = encode_fusion(
            self._tokenizer, example.prompt, example.candidates, limits=limits_of(self._options)
        )
        target = self._tokenizer.encode(example.target, add_special_tokens=False)
        is_whole = len(target) < self._options.target_tokens
        # A target that is cut has no end: what it teaches is to go on, not to stop in mid-sentence.
        kept = [*target, self._tokenizer.eos_token_id] if is_whole else target[: self._options.target_tokens]
        return _Encoded(source.token_ids, tuple(kept))

    def _batch(self, step: int) -> list[_Encoded]:
        epoch, place = divmod(step, self._n_batches)
        generator = torch.Generator().manual_seed(self._options.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self._examples), generator=generator).tolist()
        size = self._options.batch_size
        return [self._examples[index] for index in order[place * size : (place + 1) * size]]

    def _read(self, part: Sequence[_Encoded]) -> tuple[Tensor, Tensor]:
        """Sum of the losses of a part's target tokens, and how many were put first."""
        source = _padded([example.source for example in part], self._tokenizer.pad_token_id)
        labels = _padded([example.target for example in part], _IGNORED).to(self._device)
        # What is written is seen one place later; what follows a target's end is not part of the loss.
        start = self.model.generation_config.decoder_start_token_id
        before = [(start, *example.target[:-1]) for example in part]
        is_bfloat = multiplies_bfloat16(self._device)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=is_bfloat):
            logits = self.model(
                input_ids=source.to(self._device),
                attention_mask=_mask([example.source for example in part]).to(self._device),
                decoder_input_ids=_padded(before, self._tokenizer.pad_token_id).to(self._device),
            ).logits.float()
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=_IGNORED, reduction="sum")
        n_right = ((logits.argmax(-1) == labels) & (labels != _IGNORED)).sum()
        return loss, n_right.float()

    def _rate(self, step: int) -> float:
        n_rising = max(math.ceil(self._options.warmup * self.n_steps), 1)
        if step < n_rising:
            return (step + 1) / n_rising
        return (self.n_steps - step) / max(self.n_steps - n_rising, 1)


def limits_of(options: FuserOptions) -> FusionLimits:
    return FusionLimits(source_tokens=options.source_tokens, candidate_tokens=options.candidate_tokens)


def _parts(batch: Sequence[_Encoded], size: int) -> Iterator[Sequence[_Encoded]]:
    """Parts of about equal lengths, so that little is padded."""
    by_length = sorted(batch, key=lambda example: (len(example.source), len(example.target)))
    for start in range(0, len(by_length), size):
        yield by_length[start : start + size]


def _padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


def _mask(rows: Sequence[Sequence[int]]) -> Tensor:
    return _padded([[1] * len(row) for row in rows], 0)

"""A loaded checkpoint as a Ranker: texts in, logits of pairs out, each pair read once.

Invariant: a pair is read at most once while it is remembered, so one more candidate beside n costs
2n readings. Non-goal: scores and ranks, which ``blender_ui.ranking.aggregation`` makes. One ranker
serves one thread at a time.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from blender_ui.errors import RankerError
from blender_ui.ranking.aggregation import Pair
from blender_ui.ranking.joint.batches import BatchReader, Precision, Reader
from blender_ui.ranking.joint.checkpoint import Checkpoint, load_checkpoint
from blender_ui.ranking.joint.deberta import DebertaReader, can_read
from blender_ui.ranking.joint.encoding import EncodedPrompt, Truncation, source_texts
from blender_ui.ranking.joint.hardware import multiplies_bfloat16
from blender_ui.values import FloatArray, RankingPrompt

_CHUNK = 256
"""Inputs put together at a time: bounds memory as n grows, and leaves enough to sort by length."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a checkpoint is read; nothing here but ``precision`` changes a logit beyond rounding.

    Attributes:
        device: A torch device; None takes CUDA where there is one.
        precision: "float32", or "bfloat16" or "int8" (CPU) for speed at changed scores.
        batch_tokens: Most tokens of a batch on the general path, padding included.
        n_workers: Threads that read pairs side by side on the CPU; None takes one a core.
        n_remembered: Most pairs whose logits are kept.
        compiled: Compile the backbone of the general path.
        specialised: Take a faster path for networks that have one: in float32 of equal scores, and in
            bfloat16 where the processor multiplies it, with norms, softmax and attention in float32.
    """

    device: str | None = None
    precision: Precision = "float32"
    batch_tokens: int = 8192
    n_workers: int | None = None
    n_remembered: int = 200_000
    compiled: bool = False
    specialised: bool = True


class JointRanker:
    """A PairRanker that compares by reading; satisfies ``blender_ui.values.Ranker``.

    Attributes:
        n_readings: How many inputs the network has read so far; what is remembered is not read.
    """

    def __init__(self, checkpoint: Checkpoint, *, options: ReadOptions | None = None) -> None:
        """Prepare a checkpoint for reading, which uses it up."""
        options = options or ReadOptions()
        self._form = checkpoint.model.form
        self._encoder = checkpoint.encoder
        self._fingerprint = checkpoint.fingerprint
        self._reader = _choose_reader(checkpoint, options)
        self._remembered: OrderedDict[bytes, float] = OrderedDict()
        self._n_remembered = options.n_remembered
        self.n_readings = 0

    @property
    def fingerprint(self) -> str:
        """Names the weights: equal fingerprints give equal logits."""
        return self._fingerprint

    def pairwise_logits(
        self, prompt: RankingPrompt, candidates: Sequence[str], *, members: Sequence[str] | None = None
    ) -> FloatArray:
        """Compare every ordered pair of candidates.

        Args:
            prompt: What the candidates answer.
            candidates: n texts; empty ones are allowed.
            members: Not used: this ranker reads texts alone.

        Returns:
            Shape (n, n), float32; entry [i, j] is the logit, in natural-log odds, that candidate i
            shown first is better than candidate j; the diagonal is 0.
        """
        n_candidates = len(candidates)
        pairs = [(i, j) for i in range(n_candidates) for j in range(n_candidates) if i != j]
        logits = np.zeros((n_candidates, n_candidates), dtype=np.float32)
        if pairs:
            first, second = np.array(pairs).T
            logits[first, second] = self.read_pairs(prompt, candidates, pairs)
        return logits

    def read_pairs(
        self, prompt: RankingPrompt, candidates: Sequence[str], pairs: Sequence[Pair]
    ) -> FloatArray:
        """Compare chosen ordered pairs.

        Args:
            prompt: What the candidates answer.
            candidates: n texts.
            pairs: m pairs (first, second) of indices into ``candidates``.

        Returns:
            Shape (m,), float32, logits as in ``pairwise_logits``.
        """
        if self._form == "pointwise":
            scores = self._recall(prompt, candidates, sorted({index for pair in pairs for index in pair}))
            return np.array([scores[(i,)] - scores[(j,)] for i, j in pairs], dtype=np.float32)
        logits = self._recall(prompt, candidates, pairs)
        return np.array([logits[pair] for pair in pairs], dtype=np.float32)

    def find_truncation(self, prompt: RankingPrompt, candidates: Sequence[str]) -> Truncation:
        """Say how many tokens of the prompt and of each candidate the ranker does not see."""
        return self._encoder.encode(prompt, candidates).truncation

    def _recall(
        self, prompt: RankingPrompt, candidates: Sequence[str], wanted: Iterable[Pair] | Iterable[int]
    ) -> dict[tuple[int, ...], float]:
        """Values of pairs (i, j) or singles (i,), reading those not remembered, equal texts once."""
        groups: list[tuple[int, ...]] = [item if isinstance(item, tuple) else (item,) for item in wanted]
        marks = [_mark(text) for text in candidates]
        head = b"".join(map(_mark, source_texts(prompt)))
        keys = {group: b"".join([head, *(marks[index] for index in group)]) for group in groups}
        unread = {key: group for group, key in keys.items() if key not in self._remembered}
        fresh: dict[bytes, float] = {}
        if unread:
            encoded = self._encoder.encode(prompt, candidates)
            waiting = list(unread.items())
            for start in range(0, len(waiting), _CHUNK):
                fresh.update(self._read_chunk(encoded, waiting[start : start + _CHUNK]))
        values = {group: fresh[key] if key in fresh else self._remembered[key] for group, key in keys.items()}
        self._remember(fresh, used=keys.values())
        return values

    def _read_chunk(
        self, encoded: EncodedPrompt, chunk: Sequence[tuple[bytes, tuple[int, ...]]]
    ) -> dict[bytes, float]:
        inputs = [encoded.pair(*group) if len(group) == 2 else encoded.single(*group) for _, group in chunk]
        self.n_readings += len(inputs)
        values = self._reader.read(inputs)
        return {key: float(value) for (key, _), value in zip(chunk, values, strict=True)}

    def _remember(self, fresh: dict[bytes, float], *, used: Iterable[bytes]) -> None:
        for key in used:
            if key in self._remembered:
                self._remembered.move_to_end(key)
        self._remembered.update(fresh)
        while len(self._remembered) > self._n_remembered:
            self._remembered.popitem(last=False)


def load_ranker(folder: Path, *, base: Path | None = None, options: ReadOptions | None = None) -> JointRanker:
    """Load a checkpoint of any layout, ready to compare.

    Args:
        folder: One of llm-blender's layouts or ours.
        base: The base model's folder, for llm-blender's original layout.
        options: How to read.

    Raises:
        RankerError: If the checkpoint cannot be used; the message says why.
    """
    return JointRanker(load_checkpoint(folder, base=base), options=options)


def _mark(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _choose_reader(checkpoint: Checkpoint, options: ReadOptions) -> Reader:
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device != "cpu" and not _is_available(device):
        raise RankerError(f"expected an available device, came {device!r}; use 'cpu'")
    dtypes = {"float32": torch.float32}
    if multiplies_bfloat16(torch.device("cpu")):
        dtypes["bfloat16"] = torch.bfloat16
    dtype = dtypes.get(options.precision)
    if options.specialised and device == "cpu" and dtype is not None and can_read(checkpoint.model):
        n_workers = options.n_workers or torch.get_num_threads()
        return DebertaReader(checkpoint.model, n_workers=n_workers, dtype=dtype)
    return BatchReader(
        checkpoint.model,
        pad_id=checkpoint.encoder.pad_id,
        device=device,
        precision=options.precision,
        batch_tokens=options.batch_tokens,
        compiled=options.compiled,
    )


def _is_available(device: str) -> bool:
    named = re.fullmatch(r"cuda(?::(\d+))?", device)
    return bool(named and torch.cuda.is_available() and int(named[1] or 0) < torch.cuda.device_count())

"""Reading encoded inputs with any backbone on any device, in batches that waste little.

Invariant: values come back in the order in which inputs went in, and do not depend on which
inputs shared a batch beyond floating-point rounding. Non-goal: which pairs to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from blender_ui.errors import RankerError
from blender_ui.ranking.joint.encoding import Encoding
from blender_ui.ranking.joint.hardware import explain_memory
from blender_ui.ranking.joint.model import PairModel
from blender_ui.values import FloatArray

Precision = Literal["float32", "bfloat16", "int8"]


class Reader(Protocol):
    """Turns inputs into logits, or into scores for a pointwise model."""

    def read(self, encodings: Sequence[Encoding]) -> FloatArray:
        """Read n inputs; returns shape (n,) in their order."""
        ...


class BatchReader:
    """Sorts inputs by length and reads them in batches of at most so many padded tokens."""

    def __init__(
        self,
        model: PairModel,
        *,
        pad_id: int,
        device: str = "cpu",
        precision: Precision = "float32",
        batch_tokens: int = 8192,
        compiled: bool = False,
    ) -> None:
        """Move and convert the model; it is used up by this reader.

        Args:
            model: In evaluation mode.
            pad_id: What fills a batch.
            device: A torch device.
            precision: Of the backbone; the head stays in float32. "int8" is for CPU alone.
            batch_tokens: Most tokens of a batch, padding included; an input longer than that is read
                by itself.
            compiled: Compile the backbone with torch.compile, worth it from thousands of inputs on.

        Raises:
            RankerError: If the device has no such precision, or its memory does not hold the network.
        """
        if precision == "int8" and device != "cpu":
            raise RankerError(f"expected int8 on the CPU only, came device {device!r}; use bfloat16 there")
        with explain_memory(RankerError, f"expected the network to fit on {device}; use 'cpu' or bfloat16"):
            self._model = convert_precision(model.to(device), precision)
        self._device = device
        self._pad_id = pad_id
        self._batch_tokens = batch_tokens
        if compiled:
            self._model.pretrained_model.compile(dynamic=True)

    def read(self, encodings: Sequence[Encoding]) -> FloatArray:
        """Read n inputs.

        Returns:
            Shape (n,), float32.

        Raises:
            RankerError: If the device's memory does not hold a batch.
        """
        values = np.zeros(len(encodings), dtype=np.float32)
        advice = f"expected {self._batch_tokens} tokens at once to fit on {self._device}; lower batch_tokens"
        with explain_memory(RankerError, advice), torch.inference_mode():
            for chosen in group_by_tokens([len(e.ids) for e in encodings], n_most=self._batch_tokens):
                batch = [encodings[index] for index in chosen]
                values[chosen] = self._read_batch(batch).float().cpu().numpy()
        return values

    def _read_batch(self, batch: Sequence[Encoding]) -> Tensor:
        tensors = collate(batch, pad_id=self._pad_id)
        value: Tensor = self._model(*(tensor.to(self._device) for tensor in tensors))
        return value


def collate(batch: Sequence[Encoding], *, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pad inputs at the end: ids and mask of shape (n, longest), anchors of shape (n, n_anchors)."""
    n_longest = max(len(encoding.ids) for encoding in batch)
    ids = torch.full((len(batch), n_longest), pad_id, dtype=torch.long)
    attention_mask = torch.zeros_like(ids)
    for row, encoding in enumerate(batch):
        ids[row, : len(encoding.ids)] = torch.from_numpy(encoding.ids)
        attention_mask[row, : len(encoding.ids)] = 1
    anchors = torch.from_numpy(np.stack([encoding.anchors for encoding in batch]))
    return ids, attention_mask, anchors


def group_by_tokens(lengths: Sequence[int], *, n_most: int) -> Iterator[list[int]]:
    """Group indices of like length, longest first, so that count times longest stays in bounds.

    Longest first, so that a device too small fails at once and not at the end.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    start = 0
    while start < len(order):
        size = max(n_most // max(lengths[order[start]], 1), 1)
        yield order[start : start + size]
        start += size


def convert_precision(model: PairModel, precision: Precision) -> PairModel:
    """Store the backbone's weights in a precision; the head stays in float32."""
    match precision:
        case "float32":
            pass
        case "bfloat16":
            model.pretrained_model.to(dtype=torch.bfloat16)  # type: ignore[call-arg]
        case "int8":
            model.pretrained_model = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
                model.pretrained_model, {nn.Linear}, dtype=torch.qint8
            )
        case _:
            raise RankerError(f"expected precision float32, bfloat16 or int8, came {precision!r}")
    return model

"""DeBERTa-v2/v3 read on the CPU: the same arithmetic, most of the waste left out.

What the usual forward pass spends and this one does not: padding (each input is read by itself);
projecting the table of relative positions again for every batch (done once a layer); gathering a
bias for every pair of tokens (a skewed view of a product reads as that bias); attention matrices of
all heads at once, too large for the cache (one head, one block of rows at a time); the last layer
for tokens that nobody reads (only the anchors); the first layer's projections, which depend on the
token alone, for every occurrence (once a distinct token); and the kernels'
second-best layout of the weights. One thread reads one input, several threads read side by side.

In bfloat16 only the products with the layers' weights are; attention, norms and residuals stay in float32.

Invariant: logits equal the general path's up to rounding. Non-goal: training, other
devices, int8, and the convolution that some DeBERTa-v2 have.

Source: He et al., "DeBERTa", arXiv:2006.03654, section 3; the bucketing of distances is the one of
transformers' DebertaV2Model.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from blender_ui.ranking.joint.deberta_layers import BodyLayer, Distances, LastLayer
from blender_ui.ranking.joint.encoding import Encoding
from blender_ui.ranking.joint.model import PairModel
from blender_ui.values import FloatArray, IntArray


def can_read(model: PairModel) -> bool:
    """Whether ``DebertaReader`` knows this network and this build of torch has oneDNN."""
    config = model.pretrained_model.config
    return (
        model.pooling == "anchors"
        and config.model_type == "deberta-v2"
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and bool(getattr(config, "relative_attention", False))
        and bool(getattr(config, "share_att_key", False))
        and set(config.pos_att_type or ()) == {"c2p", "p2c"}
        and config.num_hidden_layers > 1
        and config.hidden_act == "gelu"
        and config.type_vocab_size == 0
        and not getattr(config, "position_biased_input", True)
        and not getattr(config, "conv_kernel_size", 0)
        and getattr(config, "embedding_size", config.hidden_size) == config.hidden_size
    )


class DebertaReader:
    """Reads joint inputs of a DeBERTa; a ``blender_ui.ranking.joint.batches.Reader``."""

    def __init__(self, model: PairModel, *, n_workers: int, dtype: torch.dtype = torch.float32) -> None:
        """Pack the weights; the embeddings and the head stay shared with ``model``.

        Args:
            model: One that ``can_read`` accepts, in float32 and evaluation mode.
            n_workers: Threads, each with one input at a time.
            dtype: Of the products with the layers' weights. bfloat16 is for processors that multiply it.
        """
        backbone: Any = model.pretrained_model
        config = backbone.config
        self._model = model
        self._embeddings = backbone.embeddings
        self._distances = Distances(config)
        *body, last = backbone.encoder.layer
        with torch.inference_mode():
            table = backbone.encoder.get_rel_embedding()[: 2 * self._distances.span]
            how: Any = {"n_heads": config.num_attention_heads, "dtype": dtype}
            self._body = [BodyLayer(layer, table, **how) for layer in body]
            self._last = LastLayer(last, table, **how)
        self._pool = ThreadPoolExecutor(n_workers, initializer=torch.set_num_threads, initargs=(1,))

    def read(self, encodings: Sequence[Encoding]) -> FloatArray:
        """Read n inputs.

        Returns:
            Shape (n,), float32, in their order.
        """
        if not encodings:
            return np.zeros(0, dtype=np.float32)
        lengths = [len(encoding.ids) for encoding in encodings]
        tokens, where = np.unique(np.concatenate([e.ids for e in encodings]), return_inverse=True)
        places = np.split(where.ravel(), np.cumsum(lengths)[:-1])
        with torch.inference_mode():
            self._grow(max(lengths))
            entry = self._enter(torch.from_numpy(tokens))
            waiting = {
                index: self._pool.submit(self._read_one, entry, places[index], encodings[index].anchors)
                for index in sorted(range(len(lengths)), key=lambda index: -lengths[index])
            }
            rows = [waiting[index].result() for index in range(len(lengths))]
            context, residual = (torch.cat(part) for part in zip(*rows, strict=True))
            states = self._last.finish(context, residual)
            values = self._model.read(states.view(len(encodings), -1, states.shape[-1]))
        return np.asarray(values.numpy(), dtype=np.float32)

    def _grow(self, length: int) -> None:
        """Serve inputs of that length: spread each layer's position tables over more distances."""
        if self._distances.grow(length):
            for layer in self._body:
                layer.spread(self._distances.rows)

    def _enter(self, tokens: Tensor) -> _Entry:
        """Embed distinct tokens and project them for the first layer, which knows no places yet."""
        hidden = self._embeddings.LayerNorm(self._embeddings.word_embeddings(tokens))
        return _Entry(hidden=hidden, projected=self._body[0].project(hidden))

    def _read_one(self, entry: _Entry, places: IntArray, anchors: IntArray) -> tuple[Tensor, Tensor]:
        """One input up to the last attention: its context and residual at the anchors."""
        with torch.inference_mode():
            chosen, rows = torch.from_numpy(places), torch.from_numpy(anchors)
            hidden, projected = entry.hidden[chosen], entry.projected[chosen]
            hidden = self._body[0].finish(self._body[0].attend(projected), hidden)
            for layer in self._body[1:]:
                hidden = layer.finish(layer.attend(layer.project(hidden)), hidden)
            distances = self._distances.between(rows, len(places))
            return self._last.attend(hidden, rows, distances), hidden[rows]


class _Entry(NamedTuple):
    """The first layer's input for each distinct token, shapes (n, width) and (n, 3 width)."""

    hidden: Tensor
    projected: Tensor

"""One DeBERTa layer on one unpadded input, laid out for a CPU core.

Invariant: what a layer returns equals transformers' DebertaV2Layer in evaluation mode, up to
rounding. Non-goal: threads and batches, which ``blender_ui.ranking.joint.deberta`` handles.

Notation: token i looks at token j; L is the input's length; the bias of attention is
``q_i . K[i - j] + k_j . Q[i - j]`` with K and Q the projected table of relative positions.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import LayerNorm, Linear
from torch.nn.functional import linear, scaled_dot_product_attention
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

_BLOCK = 128
"""Rows whose position products are made at a time: they fit the second-level cache."""

_ROWS_PACKED_FOR = 512
"""Rows of a typical input, which oneDNN chooses a layout for; any number is computed right."""


class Distances:
    """Which row of the relative table stands for the distance i - j between two tokens.

    Attributes:
        span: Half the rows of the table.
        rows: Shape (2 n - 1,) for inputs of at most n tokens: entry c is for i - j = c - (n - 1).
    """

    def __init__(self, config: Any) -> None:
        n_most = int(config.max_relative_positions)
        self._n_most = n_most if n_most > 0 else int(config.max_position_embeddings)
        self._n_buckets = int(getattr(config, "position_buckets", -1))
        self.span = self._n_buckets if self._n_buckets > 0 else self._n_most
        self.rows = torch.zeros(1, dtype=torch.long)

    def grow(self, length: int) -> bool:
        """Serve inputs of that length, rounded up so that it happens seldom; says if it did."""
        if 2 * length - 1 <= len(self.rows):
            return False
        length = -(-length // 256) * 256
        self.rows = self._find_rows(torch.arange(1 - length, length))
        return True

    def between(self, first: Tensor, length: int) -> Tensor:
        """Rows for chosen tokens i against all of an input's, shape (len(first), length)."""
        return self._find_rows(first[:, None] - torch.arange(length))

    def _find_rows(self, distances: Tensor) -> Tensor:
        if self._n_buckets > 0:
            distances = make_log_bucket_position(distances, self._n_buckets, self._n_most).long()
        return (distances + self.span).clamp(0, 2 * self.span - 1)


class _LinearMap:
    """A linear layer with its weights laid out for the kernel that is fastest here.

    With AVX-512 that is oneDNN's, which takes a layout of its own; without, the plain one, by a tenth.
    Values come and go in float32, whatever the product's ``dtype``.
    """

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self._is_packed = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
        self._weight, self._bias = weight.to(dtype).contiguous(), bias.to(dtype).contiguous()
        if self._is_packed:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(self._weight, _ROWS_PACKED_FOR)

    def __call__(self, values: Tensor) -> Tensor:
        values = values.to(self._bias.dtype)
        if not self._is_packed:
            return linear(values, self._weight, self._bias).float()
        result: Tensor = torch.ops.mkldnn._linear_pointwise(values, self._weight, self._bias, "none", [], "")
        return result.float()


class _Tail:
    """What follows the attention: two linear maps with GELU between, each with residual and norm."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        dense, rise, fall = layer.attention.output.dense, layer.intermediate.dense, layer.output.dense
        self._dense = _LinearMap(dense.weight, dense.bias, dtype)
        self._rise = _LinearMap(rise.weight, rise.bias, dtype)
        self._fall = _LinearMap(fall.weight, fall.bias, dtype)
        self._norm_attention: LayerNorm = layer.attention.output.LayerNorm
        self._norm_output: LayerNorm = layer.output.LayerNorm

    def apply(self, context: Tensor, residual: Tensor) -> Tensor:
        attended: Tensor = self._norm_attention(self._dense(context).add_(residual))
        # In place and by itself: oneDNN's own GELU after a product costs seven times as much on AVX2.
        risen = torch.ops.aten.gelu_(self._rise(attended))
        output: Tensor = self._norm_output(self._fall(risen).add_(attended))
        return output


class BodyLayer:
    """A layer whose every token is needed."""

    def __init__(self, layer: Any, table: Tensor, *, n_heads: int, dtype: torch.dtype) -> None:
        """Pack a DebertaV2Layer.

        Args:
            layer: From transformers.
            table: The normalised table of relative positions, shape (2 span, width).
            n_heads: Attention heads.
            dtype: Of the products with the layer's weights; all else is in float32.
        """
        query, key, value = _read_projections(layer)
        scale = _find_scale(query, n_heads)
        self._tail = _Tail(layer, dtype)
        self._project = _LinearMap(
            torch.cat([query.weight * scale, key.weight, value.weight]),
            torch.cat([query.bias * scale, key.bias, value.bias]),
            dtype,
        )
        self._n_heads = n_heads
        self._keys = _split_heads(key(table), n_heads)
        self._queries = _split_heads(query(table) * scale, n_heads)
        self._spread_keys = self._spread_queries = torch.zeros(0)

    def spread(self, rows: Tensor) -> None:
        """Lay the position tables out by distance, shape (n_heads, 2 n - 1, d): see ``Distances``."""
        self._spread_queries = self._queries[:, rows].contiguous()
        self._spread_keys = self._keys[:, rows.flip(0)].contiguous()

    def project(self, hidden: Tensor) -> Tensor:
        """Scaled queries, keys and values of (L, width) tokens, shape (L, 3 width)."""
        return self._project(hidden)

    def finish(self, context: Tensor, residual: Tensor) -> Tensor:
        """The layer's output from its attention's, both of shape (L, width)."""
        return self._tail.apply(context, residual)

    def attend(self, projected: Tensor) -> Tensor:
        """Attention over an input, shape (L, width)."""
        length = len(projected)
        queries, keys, values = projected.view(length, 3, self._n_heads, -1).permute(1, 2, 0, 3)
        width = values.shape[-1]
        context = torch.empty(length, self._n_heads * width)
        bias = torch.empty(length, length)
        product = torch.empty(_BLOCK * (length + _BLOCK))
        for head in range(self._n_heads):
            _fill_skewed(bias.t(), keys[head], self._spread_queries[head], product, add=False)
            _fill_skewed(bias, queries[head], self._spread_keys[head], product, add=True)
            attended = scaled_dot_product_attention(
                queries[None, None, head],
                keys[None, None, head],
                values[None, None, head],
                attn_mask=bias,
                scale=1.0,
            )
            context[:, head * width : (head + 1) * width] = attended[0, 0]
        return context


class LastLayer:
    """A layer of which only a few tokens are read."""

    def __init__(self, layer: Any, table: Tensor, *, n_heads: int, dtype: torch.dtype) -> None:
        """Pack a DebertaV2Layer; arguments as ``BodyLayer``."""
        query, key, value = _read_projections(layer)
        self._query = query
        self._scale = _find_scale(query, n_heads)
        self._tail = _Tail(layer, dtype)
        self._project = _LinearMap(
            torch.cat([key.weight, value.weight]), torch.cat([key.bias, value.bias]), dtype
        )
        self._n_heads = n_heads
        self._keys = _split_heads(key(table), n_heads)
        self._queries = _split_heads(query(table) * self._scale, n_heads)

    def attend(self, hidden: Tensor, rows: Tensor, distances: Tensor) -> Tensor:
        """Attention of chosen tokens over an input.

        Args:
            hidden: Shape (L, width).
            rows: The m chosen tokens.
            distances: Rows of the relative table, shape (m, L), from ``Distances.between``.

        Returns:
            Shape (m, width).
        """
        length = len(hidden)
        keys, values = self._project(hidden).view(length, 2, self._n_heads, -1).permute(1, 2, 0, 3)
        queries = _split_heads(
            linear(hidden[rows], self._query.weight, self._query.bias) * self._scale, self._n_heads
        )
        scores = queries @ keys.transpose(1, 2)
        scores += (queries @ self._keys.transpose(1, 2)).gather(2, distances.expand(self._n_heads, -1, -1))
        scores += torch.einsum("hld,hmld->hml", keys, self._queries[:, distances])
        context: Tensor = torch.softmax(scores, dim=-1) @ values
        return context.transpose(0, 1).reshape(len(rows), -1)

    def finish(self, context: Tensor, residual: Tensor) -> Tensor:
        """The layer's output at those tokens, shapes (m, width)."""
        return self._tail.apply(context, residual)


def _fill_skewed(target: Tensor, states: Tensor, table: Tensor, product: Tensor, *, add: bool) -> None:
    """Write ``states[r] . table[at s - r]`` to target[r, s], or add it.

    ``table`` has a row for every distance; entry (r, s) of the result needs row s - r, so a block of
    rows needs one window of the table, and reading their product with a stride of one less than its
    width lines the distances up.

    Args:
        target: Shape (L, L).
        states: Shape (L, d).
        table: Shape (2 n - 1, d), n at least L, its middle row the distance 0.
        product: Room for a block's product.
        add: Add to what is in ``target``.
    """
    length, middle = len(states), len(table) // 2
    for start in range(0, length, _BLOCK):
        end = min(start + _BLOCK, length)
        n_rows = end - start
        n_window = length + n_rows - 1
        window = table[middle + 1 - end : middle + 1 - end + n_window]
        block = product[: n_rows * n_window].view(n_rows, n_window)
        torch.mm(states[start:end], window.t(), out=block)
        skewed = block.as_strided((n_rows, length), (n_window - 1, 1), n_rows - 1)
        if add:
            target[start:end] += skewed
        else:
            target[start:end] = skewed


def _read_projections(layer: Any) -> tuple[Linear, Linear, Linear]:
    attention = layer.attention.self
    query, key, value = attention.query_proj, attention.key_proj, attention.value_proj
    return query, key, value


def _find_scale(query: Linear, n_heads: int) -> float:
    """Three terms are summed in a score, so it is divided by the root of three times d."""
    return 1.0 / math.sqrt(3 * query.out_features / n_heads)


def _split_heads(states: Tensor, n_heads: int) -> Tensor:
    """(n, width) as (n_heads, n, d)."""
    return states.view(len(states), n_heads, -1).transpose(0, 1).contiguous()

"""Prompts and their answers as one row of tokens, without padding, and attention within that row.

A prompt stands once, before all its answers; an answer sees its prompt and itself. Every linear layer
therefore reads each token once, and no cache is copied. Invariant: what a token sees does not depend on
what else is in the row. Non-goal: which answers share a row for how long; ``plan`` only keeps to a budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from blender_ui.errors import RankerError

IMPLEMENTATION = "blender_packed"
"""Name of the attention here, for ``attn_implementation``; a call that brings no ``pack`` gets SDPA."""
MOST_OF_ONE_PROMPT = 3
"""Budgets that the answers of one prompt may fill before the prompt is read again for the others."""


class Tree(NamedTuple):
    """A prompt's ids and those of its answers; no answer is empty."""

    prompt: Sequence[int]
    answers: Sequence[Sequence[int]]


class Branch(NamedTuple):
    """Where an answer stands in a row, and its prompt: [begin, end) each."""

    prompt_begin: int
    prompt_end: int
    begin: int
    end: int


class Group(NamedTuple):
    """Pieces that attend at once, padded to their longest: c pieces of n tokens that see m.

    Attributes:
        queries: Places of the pieces' tokens in the row, (c, n); the row's length where there is none.
        keys: Places of what they see, prompts first, (c, m); 0 where there is none.
        mask: 0 where a token sees a key, else minus infinity, (c, 1, n, m).
    """

    queries: Tensor
    keys: Tensor
    mask: Tensor


class Pack(NamedTuple):
    """One row: its tokens, their places in their own text, (length,) each, its answers and its groups."""

    ids: Tensor
    positions: Tensor
    branches: tuple[Branch, ...]
    groups: tuple[Group, ...]


def plan(trees: Sequence[Tree], budget: int) -> Iterator[list[tuple[int, list[int]]]]:
    """Divide trees into rows of about ``budget`` tokens, in their order.

    Yields:
        For each row its prompts: a tree's number and the numbers of the answers to read after it.
    """
    row: list[tuple[int, list[int]]] = []
    n_tokens = 0
    for number, tree in enumerate(trees):
        # Short answers first, so that those that attend together are of about one length.
        order = sorted(range(len(tree.answers)), key=lambda index: len(tree.answers[index]))
        whole = len(tree.prompt) + sum(map(len, tree.answers))
        if row and n_tokens + whole > budget:
            yield row
            row, n_tokens = [], 0
        taken: list[int] = []
        row.append((number, taken))
        n_tokens += len(tree.prompt)
        for index in order:
            if taken and n_tokens + len(tree.answers[index]) > MOST_OF_ONE_PROMPT * budget:
                yield row
                taken = []
                row, n_tokens = [(number, taken)], len(tree.prompt)
            taken.append(index)
            n_tokens += len(tree.answers[index])
    if row:
        yield row


def pack(trees: Sequence[Tree], *, at_once: int, dtype: torch.dtype, device: torch.device) -> Pack:
    """Put trees into one row.

    Args:
        trees: What to read.
        at_once: Tokens that may attend in one call, padding included; a longer piece attends alone.
        dtype: Of the masks, the model's.
        device: Of everything.
    """
    ids: list[int] = []
    positions: list[int] = []
    branches: list[Branch] = []
    pieces: list[Branch] = []
    for tree in trees:
        start, end = len(ids), len(ids) + len(tree.prompt)
        ids += tree.prompt
        positions += range(len(tree.prompt))
        pieces.append(Branch(start, start, start, end))
        for answer in tree.answers:
            branch = Branch(start, end, len(ids), len(ids) + len(answer))
            ids += answer
            positions += range(len(tree.prompt), len(tree.prompt) + len(answer))
            branches.append(branch)
            pieces.append(branch)
    groups = [_group(together, len(ids), dtype, device) for together in _alike(pieces, at_once)]
    return Pack(
        torch.tensor(ids, device=device),
        torch.tensor(positions, device=device),
        tuple(branches),
        tuple(groups),
    )


def _alike(pieces: Sequence[Branch], at_once: int) -> Iterator[list[Branch]]:
    """Pieces of about one length, as many as attend at once."""
    together: list[Branch] = []
    for piece in sorted(pieces, key=lambda piece: (piece.end - piece.begin, piece.begin)):
        if together and (piece.end - piece.begin) * (len(together) + 1) > at_once:
            yield together
            together = []
        together.append(piece)
    if together:
        yield together


def _group(pieces: Sequence[Branch], length: int, dtype: torch.dtype, device: torch.device) -> Group:
    spans = torch.tensor(pieces)[:, :, None]
    prompt_begin, prompt_end, begin, end = spans.unbind(dim=1)
    n = int((end - begin).max())
    n_prompt = int((prompt_end - prompt_begin).max())
    own, before = torch.arange(n), torch.arange(n_prompt)
    queries = torch.where(begin + own < end, begin + own, length)
    sees_prompt = prompt_begin + before < prompt_end
    sees_own = begin + own < end
    keys = torch.cat([(prompt_begin + before) * sees_prompt, (begin + own) * sees_own], dim=1)
    causal = own[:, None] >= own
    sees = torch.cat(
        [sees_prompt[:, None].expand(-1, n, -1), sees_own[:, None] & causal],
        dim=2,
    )
    mask = torch.zeros(sees.shape, dtype=dtype).masked_fill_(~sees, -torch.inf)
    return Group(queries.to(device), keys.to(device), mask[:, None].to(device))


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    pack: Pack | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention of a row in its pack, (1, length, n_heads, head_size); transformers' own where none is given.

    Args:
        module: The attention layer.
        query: Shape (1, n_heads, length, head_size).
        key: Shape (1, n_key_heads, length, head_size).
        value: As ``key``.
        attention_mask: Not looked at where there is a pack.
        pack: The row.
        options: transformers' own.

    Raises:
        RankerError: If the model caps its attention's logits.
    """
    if pack is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    if options.get("softcap") is not None:
        raise RankerError("expected a reader whose attention is not capped; choose another BLENDER_UI_READER")
    _, n_heads, length, size = query.shape
    rows = [tensor[0].transpose(0, 1) for tensor in (query, key, value)]
    read = query.new_empty((length + 1, n_heads, size))  # the last row takes what is padding
    for group in pack.groups:
        queries = rows[0][group.queries.clamp(max=length - 1)].transpose(1, 2)
        keys, values = (row[group.keys].transpose(1, 2) for row in rows[1:])
        found = torch.nn.functional.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=group.mask,
            scale=options.get("scaling"),
            enable_gqa=keys.shape[1] != n_heads,
        )
        read[group.queries] = found.transpose(1, 2)
    return read[None, :length], None


AttentionInterface.register(IMPLEMENTATION, attend)
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)

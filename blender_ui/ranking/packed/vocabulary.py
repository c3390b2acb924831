"""Log-likelihoods and entropies of tokens, from states, without the table of tokens times vocabulary.

Invariant: the same numbers as a softmax over the whole vocabulary, up to rounding. Non-goal: states.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

ROWS, WORDS = 256, 4096
"""Of one block of logits: 4 MB, which stay in a processor's cache. A GPU takes more at once."""
GPU_ROWS, GPU_WORDS = 2048, 65536


class Scores(NamedTuple):
    """Natural logs of the chosen tokens' probabilities, and entropies in nats; float32, (n,) each."""

    log_likelihoods: Tensor
    entropies: Tensor


def score(states: Tensor, chosen: Tensor, head: nn.Linear) -> Scores:
    """Score tokens by the states before them.

    The sum of exponentials is kept block by block beside the largest logit so far (the online softmax of
    Milakov and Gimelshein, 2018, arXiv:1805.02867), and with it the sum of logits that entropy needs.

    Args:
        states: What the vocabulary's projection reads, (n, hidden_size).
        chosen: The tokens that came, (n,).
        head: The projection.
    """
    rows = GPU_ROWS if states.is_cuda else ROWS
    parts = [
        _score(*part, head) for part in zip(torch.split(states, rows), torch.split(chosen, rows), strict=True)
    ]
    return Scores(*(torch.cat(values) for values in zip(*parts, strict=True)))


def _score(states: Tensor, chosen: Tensor, head: nn.Linear) -> Scores:
    words = GPU_WORDS if states.is_cuda else WORDS
    biases = torch.split(head.bias, words) if head.bias is not None else None
    largest = states.new_full((len(states), 1), -torch.inf, dtype=torch.float32)
    total, weighted = torch.zeros_like(largest), torch.zeros_like(largest)
    for number, block in enumerate(torch.split(head.weight, words)):
        bias = biases[number] if biases is not None else None
        logits = nn.functional.linear(states, block, bias).float()
        before, largest = largest, torch.maximum(largest, logits.amax(dim=1, keepdim=True))
        shrunk = (before - largest).exp()
        logits -= largest
        exponentials = logits.exp()
        # Logits below the largest one by d weigh -d; when the largest grows, all that came before sink.
        sunk = torch.where(total > 0, (before - largest) * total, 0.0)
        weighted = (weighted + sunk) * shrunk + torch.linalg.vecdot(exponentials, logits)[:, None]
        total = total * shrunk + exponentials.sum(dim=1, keepdim=True)
    own = torch.linalg.vecdot(states.float(), head.weight[chosen].float())
    if head.bias is not None:
        own = own + head.bias[chosen].float()
    log_total = total.log()[:, 0]
    return Scores(own - largest[:, 0] - log_total, log_total - (weighted / total)[:, 0])

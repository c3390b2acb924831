"""How much each token contributed to a pair's logit, and whether the sum is complete.

Invariant: ``logit = baseline + sum of all tokens' values + gap``; the gap is what the numerical integral
missed; it is reported, never spread over the tokens. Imports no torch. Non-goal: computing one;
``reading_attribution`` and ``joint.attribution`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ENOUGH = 0.05
"""Share of the logit's movement from its baseline that the gap may be for the sum to count as complete."""


class Token(NamedTuple):
    """A stretch of text as the model read it, and what it adds to the logit, in log-odds."""

    text: str
    value: float


@dataclass(frozen=True, kw_only=True)
class PairAttribution:
    """Integrated gradients of one ordered pair's logit.

    Attributes:
        method: What was integrated, in words.
        first: Tokens of the answer shown first; positive values speak for it.
        second: Tokens of the other one; positive values still speak for the first.
        prompt: Tokens of the prompt, where they were integrated over.
        logit: Of the pair, log-odds that the first is better.
        baseline: The logit with every one of these tokens replaced by an empty one.
        n_steps: Points of the integral, of the answer that took most.

    Source:
        Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.
    """

    method: str
    first: tuple[Token, ...]
    second: tuple[Token, ...]
    prompt: tuple[Token, ...]
    logit: float
    baseline: float
    n_steps: int

    @property
    def total(self) -> float:
        """Sum of all values."""
        return sum(token.value for part in (self.first, self.second, self.prompt) for token in part)

    @property
    def gap(self) -> float:
        """What the values leave unexplained; 0 for an exact integral."""
        return self.logit - self.baseline - self.total

    @property
    def is_complete(self) -> bool:
        """Whether the gap is small beside what the tokens moved."""
        values = [token.value for part in (self.first, self.second, self.prompt) for token in part]
        return is_enough(self.logit - self.baseline, values)


def is_enough(moved: float, values: Sequence[float]) -> bool:
    """Whether values miss no more of what moved than ``allowed_gap``."""
    return abs(moved - sum(values)) <= allowed_gap(moved, values)


def allowed_gap(moved: float, values: Sequence[float]) -> float:
    """How much values may miss, beside what moved or beside all that they moved up and down."""
    return ENOUGH * max(abs(moved), sum(abs(value) for value in values), 1e-6)


def cut_into_tokens(
    ids: Sequence[int], values: Sequence[float], *, decode: Callable[[Sequence[int]], str]
) -> tuple[Token, ...]:
    """Give each token the text that it adds; tokens that share a character become one.

    Args:
        ids: n token ids.
        values: One per id.
        decode: Gives the text of ids.
    """
    tokens: list[Token] = []
    done, held = "", 0.0
    for end, value in enumerate(values, start=1):
        text, held = decode(ids[:end]), held + value
        if text.endswith("\ufffd") and end < len(ids):  # half a character; the rest comes with the next
            continue
        tokens.append(Token(text[len(done) :], held))
        done, held = text, 0.0
    return tuple(tokens)

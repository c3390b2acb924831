"""What GenFuser reads: one string, in the form that its published checkpoint was trained on.

Invariant: the closing sentence, which tells the model what to do, is always in the encoded input.
Non-goal: which candidates are worth fusing.

Where this differs from the reference (llm-blender 0.0.2), it is to repair it:

* A long input is cut from the right there, so that the closing sentence is the first thing lost.
  Here the input is shortened first, then the instruction, then the candidates.
* A conversation is unknown there. Here its history stands before the input, and is shortened first of all,
  from its oldest end.
* ``</s>`` and ``<extra_id_0>`` inside somebody's text become control tokens there and end or
  renumber a candidate. Here they become a space.
* The caller's list of candidates is changed there; here it is not.

Texts without such marks that fit the limits give the same string and the same tokens.
Source: https://github.com/yuchenlin/LLM-Blender and arXiv:2306.02561.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from blender_ui.conversations import transcript
from blender_ui.errors import FusionError
from blender_ui.values import RankingPrompt

CLOSING = "Summarize candidates into a better one for the given instruction:"
_CONTROL = re.compile(r"</s>|<pad>|<unk>|<extra_id_\d+>")


class Tokenizer(Protocol):
    """The two calls of a Hugging Face tokenizer that the encoding needs."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Token ids of a text."""

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of token ids."""


@dataclass(frozen=True, kw_only=True)
class FusionLimits:
    """How much GenFuser reads and writes, in tokens; the defaults are the reference's."""

    source_tokens: int = 1024
    """The whole encoded input."""
    candidate_tokens: int = 128
    """Each candidate; a longer one is cut and ends in three dots."""


@dataclass(frozen=True, kw_only=True)
class FusionInput:
    """An encoded input and what had to be left out of it."""

    text: str
    token_ids: tuple[int, ...]
    n_cut_candidates: int
    """Candidates that were shortened."""
    is_prompt_cut: bool
    """Whether the instruction, its input or the history was shortened."""


def in_rank_order(ranks: Sequence[int], *, top_k: int) -> tuple[int, ...]:
    """Indices of the ``top_k`` best candidates, best first; equal ranks keep the given order.

    Args:
        ranks: One rank per candidate, 1 is best.
        top_k: At least 1.
    """
    if top_k < 1:
        raise ValueError(f"expected top_k of at least 1, came {top_k}")
    return tuple(sorted(range(len(ranks)), key=lambda index: ranks[index])[:top_k])


def encode_fusion(
    tokenizer: Tokenizer,
    prompt: RankingPrompt,
    candidates: Sequence[str],
    *,
    limits: FusionLimits | None = None,
) -> FusionInput:
    """Encode a prompt and its candidates, best first, within the limits.

    Args:
        tokenizer: The checkpoint's own.
        prompt: What the candidates answer.
        candidates: The sources, best first.
        limits: The reference's by default.

    Raises:
        FusionError: If there is no candidate, or not even empty ones fit the limits.
    """
    limits = limits or FusionLimits()
    if not candidates:
        raise FusionError("expected at least one candidate to fuse, came none")
    plain = [_plain(text) for text in (*_prompt_fields(prompt), *candidates)]
    fields = plain[:3] + [_capped(tokenizer, text, limits.candidate_tokens) for text in plain[3:]]
    # The order of sacrifice: history, input, instruction, then the candidates from the worst.
    order = [0, 2, 1, *range(len(fields) - 1, 2, -1)]
    while True:
        text = _joined(*fields)
        token_ids = tuple(tokenizer.encode(text, add_special_tokens=False))
        surplus = len(token_ids) - limits.source_tokens
        if surplus <= 0:
            break
        first = next((index for index in order if fields[index]), None)
        if first is None:
            raise FusionError(
                f"{len(candidates)} candidates do not fit {limits.source_tokens} tokens; fuse fewer of them"
            )
        shortened = _without_start if first == 0 else _without_end
        fields[first] = shortened(tokenizer, fields[first], surplus)
    return FusionInput(
        text=text,
        token_ids=token_ids,
        n_cut_candidates=sum(before != after for before, after in zip(plain[3:], fields[3:], strict=True)),
        is_prompt_cut=plain[:3] != fields[:3],
    )


def candidate_places(tokenizer: Tokenizer, token_ids: Sequence[int], n_candidates: int) -> list[slice]:
    """Where each candidate's text stands among the tokens of an encoded input.

    Each begins after its ``<extra_id_i>`` and the colon, and ends at the next ``</s>``; both occur
    nowhere else, because ``encode_fusion`` takes them out of people's texts.
    """
    ids = list(token_ids)
    end = tokenizer.encode("</s>", add_special_tokens=False)[-1]
    places = []
    for index in range(n_candidates):
        mark = tokenizer.encode(f"<extra_id_{index}>", add_special_tokens=False)[-1]
        first = ids.index(mark) + 1
        places.append(slice(first, ids.index(end, first)))
    return places


def _prompt_fields(prompt: RankingPrompt) -> tuple[str, str, str]:
    """History, instruction and input."""
    return transcript(prompt.history), prompt.instruction, prompt.input


def _joined(history: str, instruction: str, input: str, *candidates: str) -> str:
    about = "\n".join(text for text in (history, input) if text)
    parts = [f"Instruction: {instruction}", f"Input: {about}"]
    parts += [f"Candidate {index}: <extra_id_{index}>:{text}" for index, text in enumerate(candidates)]
    return "</s>".join([*parts, CLOSING])


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _capped(tokenizer: Tokenizer, text: str, n_tokens: int) -> str:
    token_ids = tokenizer.encode(text, add_special_tokens=False)
    return text if len(token_ids) <= n_tokens else tokenizer.decode(token_ids[:n_tokens]) + "..."


def _without_start(tokenizer: Tokenizer, text: str, n_tokens: int) -> str:
    """The text less its first tokens; always shorter than it was, so that a caller may repeat it."""
    token_ids = tokenizer.encode(text, add_special_tokens=False)
    shorter = tokenizer.decode(token_ids[n_tokens:])
    return shorter if len(shorter) < len(text) else ""


def _without_end(tokenizer: Tokenizer, text: str, n_tokens: int) -> str:
    """The text less its last tokens; always shorter than it was, so that a caller may repeat it."""
    token_ids = tokenizer.encode(text, add_special_tokens=False)
    shorter = tokenizer.decode(token_ids[:-n_tokens])
    return shorter if len(shorter) < len(text) else ""

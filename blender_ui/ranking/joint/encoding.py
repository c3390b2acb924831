"""Text to the token ids that a joint ranker reads, each text tokenised once.

A pair is three segments, each opened by its own control token::

    [CLS] <|source|> prompt [SEP] [CLS] <|candidate1|> first [SEP] [CLS] <|candidate2|> second [SEP]

Invariant: a control token stands where this module put it and nowhere else, whatever the text says,
so nothing a member writes can break a batch or pose as another candidate. For text without control
tokens the ids are those of llm-blender 0.0.2 at batch size 1. Non-goal: padding and batches.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerBase

from blender_ui.conversations import transcript
from blender_ui.errors import RankerError
from blender_ui.values import IntArray, RankingPrompt

SOURCE, FIRST, SECOND, CANDIDATE = "<|source|>", "<|candidate1|>", "<|candidate2|>", "<|candidate|>"
CONTROL_TOKENS = (SOURCE, FIRST, SECOND, CANDIDATE)
"""In the order in which the reference adds them to a tokenizer: their ids depend on it."""

_MOST_TOKENS_SOURCE = 1224
_MOST_TOKENS_CANDIDATE = 412


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """How many tokens a segment may have, its opening and closing tokens included.

    A prompt shorter than ``source`` leaves its room to the candidates, half each; the rule looks at
    one prompt alone, so a score never depends on what stands in the same batch.
    """

    source: int = _MOST_TOKENS_SOURCE
    candidate: int = _MOST_TOKENS_CANDIDATE

    def __post_init__(self) -> None:
        if min(self.source, self.candidate) < 4:
            raise RankerError(f"expected room for at least 4 tokens a segment, came {self}")

    @property
    def total(self) -> int:
        """The most tokens that a pair can have."""
        return self.source + 2 * self.candidate

    @classmethod
    def fit(cls, n_positions: int | None) -> Lengths:
        """PairRM's lengths, shrunk in proportion for a backbone that has fewer positions."""
        whole = cls()
        if n_positions is None or n_positions >= whole.total:
            return whole
        candidate = n_positions * _MOST_TOKENS_CANDIDATE // whole.total
        return cls(source=n_positions - 2 * candidate, candidate=candidate)


class Truncation(NamedTuple):
    """How many tokens of text did not fit: of the prompt, and of each candidate, shape (n,)."""

    prompt: int
    candidates: IntArray


class Encoding(NamedTuple):
    """One input of the model: its ids, shape (length,), and the positions it is read at."""

    ids: IntArray
    anchors: IntArray


class Encoder:
    """Builds the inputs of one checkpoint.

    Attributes:
        lengths: The segments' most tokens.
        pad_id: What fills a batch.
        n_tokens: Number of rows that the word embedding must have.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, lengths: Lengths, read_ends: bool = False
    ) -> None:
        """Prepare a tokenizer that holds the four control tokens (``add_control_tokens``).

        Args:
            tokenizer: The checkpoint's; left as it is.
            lengths: The segments' most tokens.
            read_ends: Read a segment at its last token, as a decoder must, since at the opening
                one it has seen nothing of it; else at the opening token, as the paper does.
        """
        vocabulary = tokenizer.get_vocab()
        if not vocabulary.keys() >= set(CONTROL_TOKENS):
            raise RankerError(f"expected a tokenizer that holds {', '.join(CONTROL_TOKENS)}; add them first")
        close = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        if close is None:
            raise RankerError("expected a tokenizer with a separator or an end-of-text token, came neither")
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        self._tokenizer = tokenizer
        self._source, self._first, self._second, self._candidate = (
            vocabulary[token] for token in CONTROL_TOKENS
        )
        self._open = [] if start is None else [start]
        self._close = close
        self._read_ends = read_ends
        self._separator = tokenizer.sep_token
        self._control_ids = _find_control_ids(tokenizer, close=close)
        literals = sorted((token for token, id in vocabulary.items() if id in self._control_ids), key=len)[
            ::-1
        ]
        self._literal = re.compile("|".join(map(re.escape, literals)))
        self.lengths = lengths
        self.pad_id: int = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else close
        self.n_tokens = len(tokenizer)

    def encode(self, prompt: RankingPrompt, candidates: Sequence[str]) -> EncodedPrompt:
        """Tokenise a prompt and its candidates, once each and in one call.

        Args:
            prompt: Instruction and input are joined without a separator, as the reference does; a
                history comes before them and is cut from its oldest end to the room that they leave.
            candidates: n texts; empty ones are allowed.

        Raises:
            RankerError: If the tokenizer does not keep a control token at the start of a text whole.
        """
        texts = [SOURCE + self._plain(text) for text in source_texts(prompt)]
        n_source = len(texts)
        texts += [CANDIDATE + self._plain(candidate) for candidate in candidates]
        rows = self._tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        first = [self._source] * n_source + [self._candidate] * len(candidates)
        if [row[:1] for row in rows] != [[token] for token in first]:
            raise RankerError("expected the tokenizer to keep a leading control token whole; it split one")
        bodies = [[token for token in row[1:] if token not in self._control_ids] for row in rows]
        *history, asked = bodies[:n_source]
        room = max(0, self.lengths.source - self._n_frame - len(asked))
        kept = [token for body in history for token in body[max(0, len(body) - room) :]]
        source = self._segment(self._source, [*kept, *asked], self.lengths.source)
        return EncodedPrompt(
            encoder=self,
            source=source,
            bodies=tuple(bodies[n_source:]),
            n_cut_source=sum(map(len, bodies[:n_source])) + self._n_frame - len(source),
        )

    def _plain(self, text: str) -> str:
        """Break control tokens that a text spells out: the separator as the reference does, into a
        space, the others by a space inside, which leaves them legible."""
        return self._literal.sub(
            lambda match: " " if match[0] == self._separator else f"{match[0][0]} {match[0][1:]}", text
        )

    @property
    def _n_frame(self) -> int:
        return len(self._open) + 2

    def _segment(self, prefix: int, body: Sequence[int], n_most: int) -> list[int]:
        return [*self._open, prefix, *body[: n_most - self._n_frame], self._close]

    def _join(self, segments: Sequence[Sequence[int]]) -> Encoding:
        ends = np.cumsum([len(segment) for segment in segments])
        starts = ends - [len(segment) for segment in segments]
        anchors = ends - 1 if self._read_ends else starts + len(self._open)
        return Encoding(ids=np.concatenate([np.asarray(segment) for segment in segments]), anchors=anchors)


@dataclass(frozen=True, kw_only=True)
class EncodedPrompt:
    """A prompt and its candidates as tokens; pairs are put together from it without tokenising.

    Attributes:
        encoder: What made it.
        source: The prompt's segment, already cut.
        bodies: Each candidate's own tokens, uncut, length n.
        n_cut_source: Tokens of the prompt that did not fit.
    """

    encoder: Encoder
    source: list[int]
    bodies: tuple[list[int], ...]
    n_cut_source: int

    @property
    def candidate_length(self) -> int:
        """The most tokens of a candidate's segment beside this prompt."""
        return self.encoder.lengths.candidate + (self.encoder.lengths.source - len(self.source)) // 2

    def pair(self, first: int, second: int) -> Encoding:
        """The joint input of two candidates in this order; anchors: prompt, first, second."""
        encoder = self.encoder
        return encoder._join(
            [
                self.source,
                encoder._segment(encoder._first, self.bodies[first], self.candidate_length),
                encoder._segment(encoder._second, self.bodies[second], self.candidate_length),
            ]
        )

    def single(self, index: int) -> Encoding:
        """The pointwise input of one candidate, cut like a pair's; anchors: prompt, candidate."""
        encoder = self.encoder
        segment = encoder._segment(encoder._candidate, self.bodies[index], self.candidate_length)
        return encoder._join([self.source, segment])

    @property
    def truncation(self) -> Truncation:
        """What did not fit."""
        room = self.candidate_length - self.encoder._n_frame
        over = np.array([len(body) - room for body in self.bodies], dtype=np.int64)
        return Truncation(prompt=self.n_cut_source, candidates=np.maximum(over, 0))


def source_texts(prompt: RankingPrompt) -> tuple[str, ...]:
    """What stands for the prompt: its history where it has one, and what is asked last."""
    asked = prompt.instruction + prompt.input
    return (transcript(prompt.history), f"\nUSER: {asked}") if prompt.history else (asked,)


def add_control_tokens(tokenizer: PreTrainedTokenizerBase) -> int:
    """Add the four control tokens where they are missing, in the reference's order and manner.

    Returns:
        How many were added; the word embedding needs as many rows more.
    """
    return int(tokenizer.add_tokens(list(CONTROL_TOKENS)))


def _find_control_ids(tokenizer: PreTrainedTokenizerBase, *, close: int) -> frozenset[int]:
    """Ids that text must never give: special tokens and the four of ours.

    The unknown token is none, since honest text gives it, unless it also closes a segment.
    """
    vocabulary = tokenizer.get_vocab()
    ids = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids |= {vocabulary[token] for token in (*tokenizer.all_special_tokens, *CONTROL_TOKENS)}
    return frozenset(ids - ({tokenizer.unk_token_id} - {close}))

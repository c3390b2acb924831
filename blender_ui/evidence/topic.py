"""Whether an answer is about its prompt, by the words that it shares with the prompt and the other answers.

An answer to another prompt is fluent, often long, and shares hardly a word with anything here. How much each
share tells was learnt from answers that stood under other prompts (``benchmarks.topic``). Invariant: depends
on texts alone, in any order of the answers. Non-goal: whether an answer that is about the prompt is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from blender_ui.evidence.prose import read_words
from blender_ui.values import FloatArray, RankingPrompt

WEIGHTS_PATH = Path(__file__).with_name("topic.json")
LEAST_LOG_CHANCE = -6.0
"""Nobody is surer than that an answer is about something else."""
OFF_TOPIC_BELOW = float(np.log(0.05))
"""Log of the chance to be about the prompt, below which the pages say so."""

OWN_FEATURES = (
    "words_in_prompt", "words_in_others", "words_in_either", "instruction_covered",
    "mean_likeness", "greatest_likeness", "pairs_in_prompt", "pairs_in_others", "log_words", "is_bare",
    "strange_to_input", "defines_another",
)  # fmt: skip
TOPIC_FEATURES = tuple(
    f"{name}{suffix}" for suffix in ("", "_less_mean", "_less_greatest") for name in OWN_FEATURES
)
"""Each as it is, less the mean of the other answers', and less the greatest of theirs."""

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
"""Scripts that put no space between words: kana, Han, Thai."""
_CALL = re.compile(r"\b([A-Za-z_]\w*)\(")
_DEFINITION = re.compile(
    r"^[ \t]*(?:export\s+|async\s+|public\s+|static\s+)*"
    r"(?:def|function|fn|func|class|(?:const|let|var)(?=\s+\w+\s*=\s*(?:async\s*)?(?:function|\()))\s+(\w+)",
    re.MULTILINE,
)


class _Words(NamedTuple):
    content: set[str]
    pairs: set[tuple[str, str]]


class Weights(NamedTuple):
    """What each feature tells: log-odds of being about another prompt.

    Attributes:
        centre, scale, weights: By column of ``TOPIC_FEATURES``, (n_features,).
        bias: Log-odds of an answer whose features are all at the centre.
    """

    centre: FloatArray
    scale: FloatArray
    weights: FloatArray
    bias: float

    def log_odds(self, features: FloatArray) -> FloatArray:
        """That each answer is about another prompt, (n,), for features (n, n_features)."""
        odds: FloatArray = (features - self.centre) / self.scale @ self.weights + self.bias
        return odds


def log_chances_on_topic(
    prompt: RankingPrompt, answers: Sequence[str], writers: Sequence[int] | None = None
) -> FloatArray:
    """Log of the chance that each answer is about the prompt, (n,), from ``LEAST_LOG_CHANCE`` to 0.

    An empty answer, and one with nothing beside it and nothing in common with the prompt, has no words to
    judge by: 0.

    Args:
        prompt: What is answered.
        answers: n texts.
        writers: Of each answer, a number of who wrote it; by default all are different. Several answers of
            one do not speak for each other, or a writer that is always wrong would be believed: each is
            judged beside the first answers of the others.
    """
    if writers is not None and 1 < len(set(writers)) < len(writers):
        return np.array(
            [
                log_chances_on_topic(prompt, [answers[place], *(answers[other] for other in others)])[0]
                for place, others in enumerate(_first_of_others(writers))
            ]
        )
    if not answers:
        return np.zeros(0)
    odds = load_weights().log_odds(topic_features(prompt, answers))
    chances: FloatArray = np.maximum(-np.logaddexp(0.0, odds), LEAST_LOG_CHANCE)
    is_judged = [bool(answer.strip()) for answer in answers]
    return np.where(is_judged, chances, 0.0) if sum(is_judged) > 1 else np.zeros(len(answers))


def _first_of_others(writers: Sequence[int]) -> list[list[int]]:
    """For each answer, where the others' first ones stand."""
    first = {writer: place for place, writer in reversed(list(enumerate(writers)))}
    return [[place for other, place in first.items() if other != writer] for writer in writers]


def topic_features(prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
    """What answers share with the prompt and with each other, (n, len(TOPIC_FEATURES)), finite.

    The messages before are part of the prompt, because a follow-up question names little.
    """
    said_before = " ".join(f"{message.content}\n{message.input}" for message in prompt.history)
    instruction = _read(prompt.instruction)
    asked = _read(f"{said_before}\n{prompt.instruction}\n{prompt.input}")
    texts = [_read(answer) for answer in answers]
    names = set(_CALL.findall(f"{prompt.instruction}\n{prompt.input}"))
    # A few words given are a subject, and an answer needs none of them; a text is what it is made of.
    is_text = float(np.clip((len(_read(prompt.input).content) - 5) / 10, 0, 1))
    own = np.array(
        [
            [*_own(texts, place, asked, instruction, is_text), float(_defines_another(names, answer))]
            for place, answer in enumerate(answers)
        ]
    )
    n = len(own)
    if n < 2:
        return np.hstack([own, np.zeros_like(own), np.zeros_like(own)])
    mean = (own.sum(axis=0) - own) / (n - 1)
    greatest = np.array([np.delete(own, place, axis=0).max(axis=0) for place in range(n)])
    return np.hstack([own, own - mean, own - greatest])


@cache
def load_weights() -> Weights:
    """The weights in the package."""
    kept = json.loads(WEIGHTS_PATH.read_text())
    centre, scale, weights = (
        np.array([kept[part][name] for name in TOPIC_FEATURES]) for part in Weights._fields[:3]
    )
    return Weights(centre, scale, weights, float(kept["bias"]))


def _own(
    texts: Sequence[_Words], place: int, asked: _Words, instruction: _Words, is_text: float
) -> list[float]:
    words, pairs = texts[place]
    others = [other for index, other in enumerate(texts) if index != place and other.content]
    their_words: set[str] = set().union(*(other.content for other in others))
    their_pairs: set[tuple[str, str]] = set().union(*(other.pairs for other in others))
    n, n_pairs = max(1, len(words)), max(1, len(pairs))
    likeness = [len(words & other.content) / min(n, len(other.content)) for other in others] or [0.0]
    return [
        len(words & asked.content) / n,
        len(words & their_words) / n,
        len(words & (their_words | asked.content)) / n,
        len(words & instruction.content) / max(1, len(instruction.content)),
        float(np.mean(likeness)),
        max(likeness),
        len(pairs & asked.pairs) / n_pairs,
        len(pairs & their_pairs) / n_pairs,
        float(np.log1p(n)),
        float(not words),
        is_text * len(words - asked.content) / n,
    ]


def _defines_another(names: set[str], answer: str) -> bool:
    """Whether an answer is code for something, and for none of what the prompt calls by name."""
    defined = set(_DEFINITION.findall(answer))
    return bool(names and defined and not names & defined)


def _read(text: str) -> _Words:
    read = read_words(text)
    content = set(read.content)
    for run in [word for word in content if _UNSPACED.search(word)]:
        content.discard(run)
        content.update(run[start : start + 2] for start in range(max(1, len(run) - 1)))
    return _Words(content, read.pairs)

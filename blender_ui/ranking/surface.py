"""Surface features of an answer, without a model: length, layout, repetition, echo of the prompt.

Invariant: every feature is finite for every text, the empty one included, and counts enter by their
logarithm so that one huge answer does not dominate a fit. Non-goal: an answer's content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from blender_ui.evidence.prose import FUNCTION_WORDS
from blender_ui.values import FloatArray, RankingPrompt

SURFACE_NAMES = (
    "log_characters",
    "log_words",
    "log_lines",
    "log_list_items",
    "log_emphasis",
    "has_code_block",
    "mean_word_length",
    "distinct_word_share",
    "digit_share",
    "log_questions",
    "ends_sentence",
    "echo_of_prompt",
    "is_empty",
    "repeated_share",
    "log_new_words",
    "share_of_asked",
)
"""The last three: of each three words in a row, how many were said before; content words that the prompt does
not have; and how much of the instruction's content words the answer has."""

_WORD = re.compile(r"\w+")
_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
_EMPHASIS = re.compile(r"\*\*\S|^#{1,6}\s", re.MULTILINE)
_SENTENCE_END = (".", "!", "?", "`", '"', ")", "”", "。")


def surface_features(prompt: RankingPrompt, answers: Sequence[str]) -> FloatArray:
    """Count what is on the surface of each answer.

    Args:
        prompt: What the answers answer; only its words are used.
        answers: n texts.

    Returns:
        Shape (n, len(SURFACE_NAMES)), float32, columns as SURFACE_NAMES has them.
    """
    asked = set(_WORD.findall(f"{prompt.instruction} {prompt.input}".lower()))
    instructed = set(_WORD.findall(prompt.instruction.lower())) - FUNCTION_WORDS
    rows = [_features(answer, asked, instructed) for answer in answers]
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(SURFACE_NAMES))


def _features(answer: str, asked: set[str], instructed: set[str]) -> list[float]:
    text = answer.strip()
    words = _WORD.findall(text.lower())
    distinct = set(words)
    n_words = max(len(words), 1)
    in_a_row = list(zip(words, words[1:], words[2:], strict=False))
    return [
        np.log1p(len(text)),
        np.log1p(len(words)),
        np.log1p(text.count("\n")),
        np.log1p(len(_LIST_ITEM.findall(text))),
        np.log1p(len(_EMPHASIS.findall(text))),
        float("```" in text),
        sum(map(len, words)) / n_words,
        len(distinct) / n_words,
        sum(character.isdigit() for character in text) / max(len(text), 1),
        np.log1p(text.count("?")),
        float(text.endswith(_SENTENCE_END)),
        len(distinct & asked) / max(len(distinct), 1),
        float(not text),
        1 - len(set(in_a_row)) / max(len(in_a_row), 1) if in_a_row else 0.0,
        np.log1p(len(distinct - asked - FUNCTION_WORDS)),
        len(distinct & instructed) / max(len(instructed), 1),
    ]

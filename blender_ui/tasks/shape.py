"""A prompt's shape in numbers: length, lines, options, digits, signs of code and formulas, script.

Invariant: no word of any language counts, so the same numbers mean the same in all of them. Non-goal:
what the prompt is about, see ``encoder``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import log1p, sqrt

import numpy as np

from blender_ui.values import FloatArray

READ_CHARACTERS = 20_000
"""Of a prompt; a longer one has the shape of its beginning."""

_OPTION = re.compile(r"^\s*\(?[A-Ha-h1-9][.):]\s", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)")
_CODE_SIGNS = frozenset("{}[]()=<>_;+*/&|#`")
_FORMULA_SIGNS = frozenset("$\\^")
_LATIN_ENDS_AT, _ASCII_ENDS_AT = 0x24F, 0x7F

_Measure = Callable[[str, list[str], list[str]], float]


def _share(test: Callable[[str], bool]) -> _Measure:
    # The square root tells 0 from little, which is what separates kinds of text.
    return lambda text, words, lines: sqrt(sum(map(test, text)) / max(len(text), 1))


def _share_above(code: int) -> _Measure:
    above = _share(lambda sign: ord(sign) > code)
    return lambda text, words, lines: 0.0 if text.isascii() else above(text, words, lines)


def _ends_with(signs: str) -> _Measure:
    return lambda text, words, lines: float(text.rstrip()[-1:] in tuple(signs))


MEASURES: dict[str, _Measure] = {
    "characters": lambda text, words, lines: log1p(len(text)),
    "words": lambda text, words, lines: log1p(len(words)),
    "lines": lambda text, words, lines: log1p(len(lines)),
    "letters a word": lambda text, words, lines: sum(map(str.isalpha, text)) / max(len(words), 1),
    "digits": _share(str.isdigit),
    "upper case": _share(str.isupper),
    "signs of code": _share(_CODE_SIGNS.__contains__),
    "signs of formulas": _share(_FORMULA_SIGNS.__contains__),
    "punctuation": _share(frozenset(".,;:!?").__contains__),
    "quotation marks": _share(frozenset("\"'“”‘’«»").__contains__),
    "other than ASCII": _share_above(_ASCII_ENDS_AT),
    "other than Latin": _share_above(_LATIN_ENDS_AT),
    "options": lambda text, words, lines: log1p(len(_OPTION.findall(text))),
    "begins in upper case": lambda text, words, lines: float(text[:1].isupper()),
    "begins in lower case": lambda text, words, lines: float(text[:1].islower()),
    "ends with a question mark": _ends_with("?？"),
    "ends with a full stop": _ends_with(".!。"),
    "ends with a colon": _ends_with(":\"'："),
    "ends with a space": lambda text, words, lines: float(text[-1:].isspace()),
    "question marks": lambda text, words, lines: log1p(text.count("?")),
    "numbers": lambda text, words, lines: log1p(len(_NUMBER.findall(text))),
    "indented lines": lambda text, words, lines: (
        sum(line[:1] in (" ", "\t") and not line.isspace() for line in lines) / len(lines)
    ),
    "commas": lambda text, words, lines: log1p(text.count(",")),
    "sentences": lambda text, words, lines: log1p(len(_SENTENCE_END.findall(text))),
    "distinct words": lambda text, words, lines: len(set(map(str.lower, words))) / max(len(words), 1),
    "paragraphs": lambda text, words, lines: log1p(text.count("\n\n")),
    "double spaces": lambda text, words, lines: log1p(text.count("  ")),
    "code fences": lambda text, words, lines: float("```" in text),
}
"""Each number by name; a saved chooser holds the names, so that another set of them is noticed."""


def measure_shapes(prompts: Sequence[str], inputs: Sequence[str]) -> FloatArray:
    """Measure prompts.

    Args:
        prompts: n texts, each an instruction with its input.
        inputs: n inputs alone, "" where there is none.

    Returns:
        Shape (n, len(MEASURES) + 1); the last column is the input's length.
    """
    return np.array(
        [[*_measure(prompt), log1p(len(given))] for prompt, given in zip(prompts, inputs, strict=True)]
    ).reshape(len(prompts), len(MEASURES) + 1)


def _measure(prompt: str) -> list[float]:
    text = prompt[:READ_CHARACTERS]
    words, lines = text.split(), text.split("\n")
    return [measure(text, words, lines) for measure in MEASURES.values()]

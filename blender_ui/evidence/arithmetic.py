"""Arithmetic that an answer shows: which of its "a + b = c" hold, and what the last one gives.

Invariant: only numbers and + - * / are reckoned; nothing of an answer is executed. Non-goal: algebra.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_CHARACTERS = 6000
TOLERANCE = 0.011
"""Relative: members round to cents."""

_PLAIN = r"\d+(?:,\d{3})*(?:\.\d+)?"
_STEP = re.compile(rf"(?<![\d.,])\$?({_PLAIN}(?:\s?[-+*/x×÷]\s?\$?{_PLAIN}){{1,6}})\s?=\s?\$?(-?{_PLAIN})")
_RESULT = re.compile(rf"=\s*\$?(-?{_PLAIN})")
_TOKEN = re.compile(rf"{_PLAIN}|[-+*/]")
_NUMBER = re.compile(rf"-?{_PLAIN}")


class Steps(NamedTuple):
    """What the reckoning in an answer comes to."""

    n_right: int
    n_wrong: int
    last_result: str
    """What stands after the last "=", plainly written; empty where there is none."""


def check_steps(text: str) -> Steps:
    """Check the steps of an answer.

    >>> check_steps("16 - 3 - 4 = 9 eggs, and 9 x $2 = $20")[:2]
    (1, 1)
    """
    text = text[:MAX_CHARACTERS]
    is_right = [_holds(step[1], step[2]) for step in _STEP.finditer(text)]
    results = _RESULT.findall(text)
    return Steps(sum(is_right), len(is_right) - sum(is_right), plain(results[-1]) if results else "")


def numbers_in(text: str) -> set[str]:
    """The numbers of a text, plainly written.

    >>> sorted(numbers_in("$1,200.50 for 3"))
    ['1200.5', '3']
    """
    return {plain(number) for number in _NUMBER.findall(text)}


def plain(number: str) -> str:
    """A number without separators and closing zeros."""
    bare = number.replace(",", "")
    return bare.rstrip("0").rstrip(".") if "." in bare else bare


def _holds(left: str, right: str) -> bool:
    signs = str.maketrans({"x": "*", "×": "*", "÷": "/"})
    tokens = _TOKEN.findall(left.translate(signs).replace("$", ""))
    value, wanted = _reckon(tokens), float(right.replace(",", ""))
    return value is not None and abs(value - wanted) <= TOLERANCE * max(1.0, abs(wanted))


def _reckon(tokens: list[str]) -> float | None:
    """Numbers and signs in turn, products first; None on division by 0."""
    terms = [float(tokens[0].replace(",", ""))]
    for sign, token in zip(tokens[1::2], tokens[2::2], strict=True):
        number = float(token.replace(",", ""))
        match sign:
            case "+":
                terms.append(number)
            case "-":
                terms.append(-number)
            case "*":
                terms[-1] *= number
            case _:
                if not number:
                    return None
                terms[-1] /= number
    return sum(terms)

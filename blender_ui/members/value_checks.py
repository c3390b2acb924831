"""What a value of members.toml may be.

Invariant: a check gives the value in its final type, or raises a ``ValueError`` that says what was
expected and quotes nothing. Non-goal: where the value stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], Any]


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def address(value: Any) -> str:
    return text(value).strip()


def parameters(value: Any) -> dict[str, Any]:
    expected = "a table of parameters for the body, each a text, number, truth value, list or table"
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        raise ValueError(expected) from None
    if not isinstance(value, dict):
        raise ValueError(expected)
    for name in value.keys() & {"model", "messages"}:
        raise ValueError(f"{expected}, and not {name}, which has its own place")
    if any(re.search(r"api_?key|secret|password|access_token", name, re.IGNORECASE) for name in value):
        raise ValueError(f"{expected}, and no secret; put it into a header whose value is $VARIABLE")
    return value


def headers(value: Any) -> dict[str, str]:
    expected = "a table of headers, each a text in printable ASCII"
    if not isinstance(value, dict):
        raise ValueError(expected)
    for name, text in value.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name, re.ASCII) or not isinstance(text, str):
            raise ValueError(expected)
        if not re.fullmatch(r"[ -~]+", text):
            raise ValueError(expected)
        # A secret pasted here would be stored in a file that people share.
        is_secret = re.search(r"key|token|secret|password|authorization|cookie", name, re.IGNORECASE)
        if (is_secret or text.startswith("$")) and not re.fullmatch(r"\$[A-Z][A-Z0-9_]*", text):
            raise ValueError(f"{expected}; a secret stands in an environment variable, written as $VARIABLE")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of texts that are not empty")
    return tuple(value)


def number(low: float, high: float) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def count(low: int, high: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def variable(value: Any) -> str:
    # A key pasted in the place of its variable's name must not reach a log or an error message.
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        raise ValueError("the name of an environment variable in capitals, such as OPENAI_API_KEY")
    return value

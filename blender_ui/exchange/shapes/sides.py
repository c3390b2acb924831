"""Answers in columns of their own: their texts or chats, and who wrote them.

    response_a: "text"   or a chat   or {"model": "m", "text": "text"}

Invariant: a number is no answer, since it may be the index of one. Non-goal: which columns they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from blender_ui.exchange.cells.chats import read_side
from blender_ui.exchange.cells.particulars import UNKNOWN, model_of, name_of
from blender_ui.exchange.cells.words import Turn
from blender_ui.exchange.columns import Columns
from blender_ui.exchange.fields import FieldError

_TEXTS = ("answer", "response", "text", "output", "completion", "generation", "content", "body", "reply")
_MODELS = ("model", "model_name", "generator", "policy", "llm")


def read_answers(row: Columns, names: Sequence[str]) -> list[list[Turn]]:
    """The turns of each answer, in the order of their columns."""
    return [read_side(text_in(row.get(name), name), name) for name in names]


def find_models(row: Columns, names: Sequence[str], model_names: Iterable[Iterable[str]]) -> list[str]:
    """Who wrote each answer: as its own object says, or one of its model's columns."""
    return [
        model_in(row.get(name)) or model_of(row, columns)
        for name, columns in zip(names, model_names, strict=True)
    ]


def text_in(item: Any, name: str) -> Any:
    """The text of an answer that may be an object with its text beside other things.

    Raises:
        FieldError: If such an object has no text.
    """
    if isinstance(item, str) or not isinstance(item, Mapping):
        return item
    found = next((item[one] for one in _TEXTS if one in item), None)
    if found is None and not item.keys() & {"role", "from", "messages", "conversations"}:
        raise FieldError(
            f"expected an answer in {name!r} as one of {', '.join(_TEXTS)}; came {', '.join(item)}"
        )
    return item if found is None or "role" in item else found


def model_in(item: Any) -> str | None:
    """Who wrote an answer, where it is an object that says so."""
    if isinstance(item, str) or not isinstance(item, Mapping):
        return None
    told = next((item[name] for name in _MODELS if name in item), None)
    return name_of(told, most=128)


def model_or_unknown(told: Any) -> str:
    """A model's name, or the one of an answer that names none."""
    return name_of(told, most=128) or UNKNOWN

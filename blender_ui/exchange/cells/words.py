"""Chats and texts as other tools keep them, and times that they keep as numbers.

Invariant: a message that holds more than text is left out with its row, and said to be. Non-goals: what a
chat asks and answers (``exchange.cells.chats``), and whole rows.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from blender_ui.exchange.fields import FieldError, LeftOut, refuse_half_characters

_LIST_OF_LISTS = re.compile(r"\s*\[\s*[\[{]")
_OF_PYTHON = re.compile(r"\s*\[\s*(['{\[]|None)")
_CHAT_OF_PYTHON = re.compile(r"\s*\[\s*\{'(role|content|from|value)'")
_BETWEEN_OBJECTS = re.compile(r"\}\s*\n\s*\{(?=')")
_ROLES: dict[str, tuple[str, ...]] = {
    "user": ("user", "human", "prompter", "instruction"),
    "assistant": ("assistant", "gpt", "model", "bot", "ai", "chatgpt", "chatbot", "function_call"),
    "system": ("system", "developer"),
    "tool": ("tool", "function", "observation", "ipython"),
}
_CALLS = ("tool_calls", "function_call")
_TEXT_OF_A_MESSAGE = ("content", "value", "text")


class Turn(NamedTuple):
    """One message of a chat; ``input`` is what ``Message.input`` is."""

    role: str
    text: str
    input: str = ""


def read_turns(value: Any) -> list[Turn] | None:
    """A chat as turns, from messages with role and content, as objects, as pairs, or as JSON of those.

    One message alone is a chat, and so is what stands under ``messages`` or ``conversations``.

    Returns:
        None where the value is no chat, such as plain text.

    Raises:
        LeftOut: If a message holds what is no text.
    """
    if isinstance(value, str) and _LIST_OF_LISTS.match(value):
        value = _decode(value)
    if isinstance(value, dict):
        held = next((value[name] for name in ("messages", "conversations") if name in value), None)
        value = [value] if held is None else held
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    turns = [_read_turn(message) for message in value]
    return None if None in turns else [turn for turn in turns if turn is not None]


def read_turn_texts(value: Any) -> list[str] | None:
    """A list of texts, one a turn, or JSON of one, as the Arena's votes keep them; None for anything else.

    A turn that is null is an answer that never came, an empty one.
    """
    if isinstance(value, str) and value.strip().startswith("["):
        value = _decode(value)
    if not isinstance(value, list) or not value:
        return None
    if not all(text is None or isinstance(text, str) for text in value):
        return None
    return [text or "" for text in value]


def read_seconds_since_1970(value: Any) -> str | None:
    """A time in ISO 8601, from seconds since 1970; None where there is none."""
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise FieldError(f"expected a time in seconds since 1970, came {value!r}") from error


def role_of(word: str) -> str:
    """Who speaks, in any tool's word: user, assistant, system, tool, or the word itself."""
    key = word.casefold().strip()
    return next((role for role, words in _ROLES.items() if key in words), key)


def _decode(text: str) -> Any:
    """What a text is as JSON, or as Python writes lists; None where it is none.

    Raises:
        FieldError: If it begins as Python writes a chat and goes on otherwise.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _decode_python(text)
    if "\\u" in text:
        refuse_half_characters(value)
    return value


def _decode_python(text: str) -> Any:
    """Lists as pandas writes them into a CSV; an array of numpy has no commas between its objects."""
    if not _OF_PYTHON.match(text):
        return None
    try:
        return ast.literal_eval(_BETWEEN_OBJECTS.sub("}, {", text.strip()))
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        if _CHAT_OF_PYTHON.match(text):
            raise FieldError(f"a chat in Python's notation cannot be read: {text[:60]}") from error
        return None


def _read_turn(message: Any) -> Turn | None:
    if isinstance(message, dict) and any(message.get(name) for name in _CALLS):
        raise LeftOut("a message calls a tool, which no answer here can hold")
    match message:
        case {"role": str() as role} | {"from": str() as role}:
            content = next((message[name] for name in _TEXT_OF_A_MESSAGE if name in message), message)
            text = "" if content is None else _read_content(content)
        case [str() as role, content]:
            text = "" if content is None else _read_content(content)
        case _:
            return None
    given = message.get("input") if isinstance(message, dict) else None
    return None if text is None else Turn(role_of(role), text, given if isinstance(given, str) else "")


def _read_content(content: Any) -> str | None:
    """A message's text, which may come in typed parts; None where it is neither."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content) or not content:
        return None
    texts = [
        part["text"]
        for part in content
        if isinstance(part.get("text"), str) and str(part.get("type", "text")).endswith("text")
    ]
    if len(texts) < len(content):
        raise LeftOut("a message holds more than text, such as a picture")
    return "\n".join(texts)

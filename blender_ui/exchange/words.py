"""Texts that other tools keep as chats, and times that they keep as numbers.

Invariant: of a chat, one question and one answer are taken; a conversation of several turns is left out and
said to be, since what was said before would have to be shown with both answers. Non-goal: whole rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from blender_ui.exchange.fields import FieldError, LeftOut, refuse_half_characters

CONVERSATION = (
    "it is a conversation of several turns; so far, only a question with one answer a side can be read"
)
_LIST_OF_LISTS = re.compile(r"\s*\[\s*[\[{]")


class Turn(NamedTuple):
    """One message of a chat."""

    role: str
    text: str


class Exchange(NamedTuple):
    """What was asked, and the answer."""

    prompt: str
    answer: str


def read_turns(value: Any) -> list[Turn] | None:
    """A chat as turns, from messages with role and content, as objects, as pairs, or as JSON of those.

    Returns:
        None where the value is no chat, such as plain text.

    Raises:
        LeftOut: If a message holds what is no text.
    """
    if isinstance(value, str) and _LIST_OF_LISTS.match(value):
        value = _decode(value)
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
    return (
        [text or "" for text in value]
        if all(text is None or isinstance(text, str) for text in value)
        else None
    )


def read_exchange(turns: Sequence[Turn]) -> Exchange:
    """Split a chat into its question and its answer; system messages are part of the question.

    Raises:
        FieldError: If nothing was asked, or nothing answered.
        LeftOut: If it goes on after the answer.
    """
    roles = [turn.role for turn in turns]
    places = [place for place, role in enumerate(roles) if role == "assistant"]
    if len(places) > 1 or (places and places[0] not in (0, len(turns) - 1)):
        raise LeftOut(CONVERSATION)
    if not places or not places[0]:
        raise FieldError(f"expected a chat with a question and an answer, came the roles {roles}")
    return Exchange(read_question(turns[:-1]), turns[-1].text)


def read_question(turns: Sequence[Turn]) -> str:
    """What a chat without an answer asks.

    Raises:
        LeftOut: If something was answered before.
    """
    if any(turn.role == "assistant" for turn in turns):
        raise LeftOut(CONVERSATION)
    return "\n\n".join(turn.text for turn in turns)


def read_text(value: Any) -> str | None:
    """A text, or what a chat without an answer asks; None for anything else."""
    if isinstance(value, str) and not _LIST_OF_LISTS.match(value):
        return value
    turns = read_turns(value)
    if turns is not None:
        return read_question(turns)
    return value if isinstance(value, str) else None


def read_seconds_since_1970(value: Any) -> str | None:
    """A time in ISO 8601, from seconds since 1970; None where there is none."""
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise FieldError(f"expected a time in seconds since 1970, came {value!r}") from error


def _decode(text: str) -> Any:
    """What a text is as JSON; None where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if "\\u" in text:
        refuse_half_characters(value)
    return value


def _read_turn(message: Any) -> Turn | None:
    match message:
        case {"role": str() as role, "content": content} | {"from": str() as role, "value": content}:
            text = _read_content(content)
        case [str() as role, content]:
            text = "" if content is None else _read_content(content)
        case _:
            return None
    return None if text is None else Turn(_role(role), text)


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


def _role(word: str) -> str:
    key = word.casefold().strip()
    if key in ("assistant", "gpt", "model", "bot", "ai"):
        return "assistant"
    return "user" if key in ("user", "human") else key

"""Conversations as JSON has them, and as values.

Invariant: what is written here is read back equal. Non-goals: rows, and other tools' formats
(``exchange``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, get_args

from blender_ui.values import Message, MessageRole, RankingPrompt

ROLES: tuple[str, ...] = get_args(MessageRole)


class HasTurns(Protocol):
    """What holds a prompt, such as a row."""

    @property
    def instruction(self) -> str:
        """See ``RankingPrompt``."""

    @property
    def input(self) -> str:
        """See ``RankingPrompt``."""

    @property
    def history(self) -> Sequence[Any]:
        """Messages, or what ``messages_json`` made of them."""


def read_prompt(holder: HasTurns) -> RankingPrompt:
    """The prompt that a row or a view holds."""
    return RankingPrompt(
        instruction=holder.instruction, input=holder.input, history=read_history(holder.history)
    )


def read_history(stored: Sequence[Any]) -> tuple[Message, ...]:
    """Messages that ``messages_json`` wrote, or that are values already."""
    return tuple(one if isinstance(one, Message) else Message(**one) for one in stored)


def messages_json(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Messages as JSON: ``role`` and ``content``, and ``input`` where there is one."""
    return [
        {"role": one.role, "content": one.content} | ({"input": one.input} if one.input else {})
        for one in messages
    ]


def transcript(history: Sequence[Message]) -> str:
    """Messages as one text, a line each begun by who says it, for models that read no chat.

    >>> print(transcript((Message("user", "Add.", "1 and 2"), Message("assistant", "3"))))
    USER: Add.
    1 and 2
    ASSISTANT: 3
    """
    return "\n".join(
        f"{one.role.upper()}: {one.content}" + (f"\n{one.input}" if one.input else "") for one in history
    )


def parse_messages(value: object) -> tuple[Message, ...]:
    """Messages from a file or a person: a list of objects with ``role`` and ``content``.

    A content may also be a list of parts of type ``text``, as OpenAI's clients write them.

    Raises:
        ValueError: Naming the message that is none.
    """
    if not isinstance(value, list):
        raise ValueError(f"expected a list of messages, came {type(value).__name__}")
    return tuple(_parse_message(one, number) for number, one in enumerate(value, 1))


def parse_conversation(value: object) -> RankingPrompt:
    """The prompt that a whole conversation makes: its last message, after the others.

    Raises:
        ValueError: If it is no list of messages, or the last one is no text of a user.
    """
    messages = parse_messages(value)
    if not messages or messages[-1].role != "user":
        last = f"came one of role {messages[-1].role}" if messages else "there is none"
        raise ValueError(f"expected a last message of role user, which is what to answer; {last}")
    *before, last_turn = messages
    if not (last_turn.content.strip() or last_turn.input.strip()):
        raise ValueError("expected a last message with text, which is what to answer; it is empty")
    return RankingPrompt(instruction=last_turn.content, input=last_turn.input, history=tuple(before))


def _parse_message(value: object, number: int) -> Message:
    if not isinstance(value, Mapping):
        raise ValueError(f"message {number}: expected an object, came {type(value).__name__}")
    role, input_ = value.get("role"), value.get("input") or ""
    if role not in ROLES:
        raise ValueError(
            f"message {number}: expected the role {', '.join(ROLES[:-1])} or {ROLES[-1]}, came {role!r}"
        )
    if not isinstance(input_, str):
        raise ValueError(f"message {number}: expected an input of text, came {type(input_).__name__}")
    return Message(role, _parse_content(value.get("content"), number), input_)


def _parse_content(value: object, number: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        texts = [
            part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None
            for part in value
        ]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(map(str, texts))
        raise ValueError(f"message {number}: expected parts of type text alone; other parts cannot be kept")
    raise ValueError(f"message {number}: expected a content of text, came {type(value).__name__}")

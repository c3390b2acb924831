"""What a chat asks, what was said before, and how the answers to it differ.

The turns that all sides share, up to the last question before they part, are the history and the prompt; what
each side says after that is its answer. Where the sides part before the last turn, as in the Arena's votes on
whole conversations, an answer is the rest of its side's conversation, with a line before each speaker.

Invariant: nothing that only one side says stands in the prompt. Non-goal: how files keep chats
(``exchange.cells.words``, ``exchange.cells.transcripts``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple, cast

from blender_ui.conversations import ROLES
from blender_ui.exchange.cells.transcripts import read_transcript
from blender_ui.exchange.cells.words import Turn, read_turn_texts, read_turns
from blender_ui.exchange.fields import FieldError, LeftOut
from blender_ui.values import Message, MessageRole

_SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System"}


class Asked(NamedTuple):
    """A question with its input, and the messages before it, of which there are none for most."""

    history: tuple[Message, ...]
    prompt: str
    input: str = ""


class Compared(NamedTuple):
    """A question and its answers, in the order of the sides."""

    asked: Asked
    answers: tuple[str, ...]


def read_opening(value: Any) -> list[Turn]:
    """What a prompt's column says: a chat, a text with its speakers marked, or the question itself.

    Raises:
        FieldError: If it is none of them.
    """
    if value is None:
        return []
    turns = read_turns(value)
    if turns is None and isinstance(value, str):
        told = read_transcript(value)
        turns = told if told and told[-1].role != "assistant" else [Turn("user", value)]
    if turns is None:
        turns = [Turn("user", text) for text in read_turn_texts(value) or ()] or None
    if turns is None:
        raise FieldError(f"expected text or a chat as the prompt, came {json.dumps(value, default=str)[:60]}")
    return turns


def read_side(value: Any, name: str) -> list[Turn]:
    """What an answer's column says: a chat, or the answer itself.

    Raises:
        FieldError: If it is none of them.
    """
    turns = read_turns(value)
    if turns is None and isinstance(value, str):
        turns = [Turn("assistant", value)]
    if turns is None:
        came = "nothing" if value is None else type(value).__name__
        raise FieldError(f"expected text as {name!r}, came {came}")
    return turns


def read_turn_lists(prompt: Any, answers: Sequence[Any]) -> list[list[Turn]] | None:
    """Each side's chat, from lists of texts with one a turn; None where the columns are no such lists."""
    asked, told = read_turn_texts(prompt), [read_turn_texts(answer) for answer in answers]
    if asked is None or None in told:
        return None
    sides = []
    for texts in told:
        if texts is None or len(texts) > len(asked):
            raise FieldError(f"expected an answer to each of {len(asked)} questions, came more answers")
        texts = [*texts, *[""] * (len(asked) - len(texts))]
        sides.append(
            [
                Turn(role, text)
                for question, answer in zip(asked, texts, strict=True)
                for role, text in (("user", question), ("assistant", answer))
            ]
        )
    return sides


def ask(turns: Sequence[Turn]) -> Asked:
    """Split turns into the question at their end and what was said before it.

    Raises:
        FieldError: If they do not end in a question.
        LeftOut: If somebody speaks whom no conversation here can hold.
    """
    start = len(turns)
    while start and turns[start - 1].role == "user":
        start -= 1
    if start == len(turns):
        roles = [turn.role for turn in turns]
        raise FieldError(f"expected a question of a user at the end, came the roles {roles}")
    question = "\n\n".join(turn.text for turn in turns[start:])
    given = "\n\n".join(turn.input for turn in turns[start:] if turn.input)
    return Asked(tuple(map(_message, turns[:start])), question, given)


def compare(opening: Sequence[Turn], sides: Sequence[Sequence[Turn]]) -> Compared:
    """Find what was asked, and each side's answer.

    Args:
        opening: Turns before the answers; a side that begins with a question has its own.
        sides: Each side's turns.

    Raises:
        FieldError: If a side holds no answer.
        LeftOut: If the sides share no question.
    """
    wholes = [list(side) if side and side[0].role != "assistant" else [*opening, *side] for side in sides]
    for whole in wholes:
        if not whole or whole[-1].role != "assistant" or len(whole) < 2:
            roles = [turn.role for turn in whole]
            raise FieldError(f"expected a chat with a question and an answer, came the roles {roles}")
    shared = wholes[0][: _n_shared([whole[:-1] for whole in wholes])]
    while shared and shared[-1].role != "user":
        shared.pop()
    if not shared:
        raise LeftOut("the answers are to different questions")
    return Compared(ask(shared), tuple(_answer(whole[len(shared) :]) for whole in wholes))


def implied_opening(chosen: str, rejected: str) -> tuple[str, str, str] | None:
    """Prompt and two answers of two texts that begin alike, up to the last blank before they part.

    This is what TRL takes for the prompt where a row has none. None where they part at once.
    """
    start = _n_shared([chosen, rejected])
    while start and not chosen[start - 1].isspace():
        start -= 1
    prompt = chosen[:start].rstrip()
    return (prompt, chosen[len(prompt) :], rejected[len(prompt) :]) if prompt.strip() else None


def _n_shared(sequences: Sequence[Sequence[Any]]) -> int:
    """How many items all sequences begin with."""
    alike = takewhile(lambda items: all(item == items[0] for item in items), zip(*sequences, strict=False))
    return sum(1 for _ in alike)


def _answer(turns: Sequence[Turn]) -> str:
    if len(turns) == 1:
        return turns[0].text
    told = [f"{_SPEAKERS.get(turn.role, turn.role)}: {turn.text}" for turn in turns[1:]]
    return "\n\n".join((turns[0].text, *told))


def _message(turn: Turn) -> Message:
    if turn.role not in ROLES:
        raise LeftOut("a message is of a speaker who is neither user, assistant, system nor tool")
    return Message(cast("MessageRole", turn.role), turn.text, turn.input)

"""Words that other tools use for who won, and texts that they keep as chats.

Invariant: a word that is not known is a fault, never a default. Non-goal: whole rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.records import Winner

_WINNER_BY_WORD: dict[str, Winner] = {
    **dict.fromkeys(("a", "left", "model_a", "response_a", "answer_a", "leftvote", "first", "1"), "a"),
    **dict.fromkeys(("b", "right", "model_b", "response_b", "answer_b", "rightvote", "second", "2"), "b"),
    **dict.fromkeys(("tie", "tievote", "both", "equal", "both_good"), "tie"),
    **dict.fromkeys(("both_bad", "tie_bothbad", "bothbad", "bothbad_vote", "neither"), "both_bad"),
}
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


class Turn(NamedTuple):
    """One message of a chat."""

    role: str
    text: str


class Exchange(NamedTuple):
    """What was asked, and the answer; later turns of a chat stay with the answer."""

    prompt: str
    answer: str


def read_winner(word: Any) -> Winner:
    """Who won, by any of the usual words.

    Raises:
        FieldError: If the word is none of them.
    """
    key = _NOT_A_WORD.sub("_", str(word).casefold()).strip("_")
    if key not in _WINNER_BY_WORD:
        raise FieldError(f"expected the winner as one of {', '.join(sorted(_WINNER_BY_WORD))}; came {word!r}")
    return _WINNER_BY_WORD[key]


def read_turns(value: Any) -> list[Turn] | None:
    """A chat as turns, from messages with role and content, as objects, as pairs, or as JSON of those.

    Returns:
        None where the value is no chat, such as plain text.
    """
    if isinstance(value, str) and value.lstrip()[:2] in ("[{", "[["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    turns = [_read_turn(message) for message in value]
    return None if None in turns else [turn for turn in turns if turn is not None]


def read_exchange(turns: Sequence[Turn]) -> Exchange:
    """Split a chat at its first answer; system messages are part of the question.

    Raises:
        FieldError: If nothing was asked, or nothing answered.
    """
    roles = [turn.role for turn in turns]
    first = next((place for place, role in enumerate(roles) if role == "assistant"), None)
    if not first:
        raise FieldError(f"expected a chat with a question and an answer, came the roles {roles}")
    prompt = "\n\n".join(turn.text for turn in turns[:first])
    later = [f"[{turn.role}]\n{turn.text}" for turn in turns[first + 1 :]]
    return Exchange(prompt, "\n\n".join([turns[first].text, *later]))


def read_seconds_since_1970(value: Any) -> str | None:
    """A time in ISO 8601, from seconds since 1970; None where there is none."""
    if value is None:
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC).isoformat()
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise FieldError(f"expected a time in seconds since 1970, came {value!r}") from error


def _read_turn(message: Any) -> Turn | None:
    match message:
        case {"role": str() as role, "content": str() as text} | {
            "from": str() as role,
            "value": str() as text,
        }:
            return Turn(_role(role), text)
        case [str() as role, str() as text]:
            return Turn(_role(role), text)
        case [str() as role, None]:
            return Turn(_role(role), "")
    return None


def _role(word: str) -> str:
    key = word.casefold().strip()
    if key in ("assistant", "gpt", "model", "bot", "ai"):
        return "assistant"
    return "user" if key in ("user", "human") else key

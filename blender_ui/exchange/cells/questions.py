"""What a row asks: its prompt, with a system message, a history and an input in columns of their own.

Invariant: of the usual names the first that holds something is the prompt, and what stands beside it is
history if it is a chat, and input if it is text. Non-goal: the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from blender_ui.exchange.cells.chats import read_opening
from blender_ui.exchange.cells.words import Turn, read_turns
from blender_ui.exchange.columns import Columns, as_value, is_blank
from blender_ui.exchange.fields import FieldError

PROMPTS = (
    *("prompt", "instruction", "question", "query", "user_prompt", "user_query", "user_question"),
    *("user_input", "user_message", "problem", "messages", "conversations", "conversation", "dialogue"),
    *("context", "input", "post"),
)
"""Names of the column of the prompt, the first that is there before the others."""
_INPUTS = ("instruction_input", "input", "context", "background", "passage")
_SYSTEMS = ("system", "system_prompt", "system_message")


class Question(NamedTuple):
    """What a row asks.

    Attributes:
        turns: The question, and what was said before it.
        input: What it is about, where that stands apart.
        value: The prompt's column as it is.
    """

    turns: list[Turn]
    input: str
    value: Any = None


def find_prompt(row: Columns) -> str | None:
    """The column that holds the prompt."""
    return row.first(PROMPTS)


def read_question(row: Columns) -> Question:
    """Read a row's question.

    Raises:
        FieldError: If there is none.
    """
    name = find_prompt(row)
    if name is None:
        if "prompt" not in row:
            raise FieldError("'prompt' is missing")
        name = "prompt"
        if row.first(("instruction_input",)) is None:
            raise FieldError("'prompt' is blank" if isinstance(row[name], str) else _no_prompt(row[name]))
    value = row[name]
    turns = read_opening(value)
    before: list[Turn] = []
    system = row.first(_SYSTEMS)
    if (
        system is not None
        and isinstance(row[system], str)
        and not any(turn.role == "system" for turn in turns)
    ):
        before = [Turn("system", row[system])]
    if "history" in row and not is_blank(row["history"]):
        before += _read_history(row["history"])
    told = ""
    for column in (column for column in _INPUTS if column != name and column in row):
        held = row[column]
        chat = read_turns(held)
        if chat is not None:
            before += chat
        elif isinstance(held, str) and held.strip() and held != value:
            told = held
            break
    return Question([*before, *turns], told, value)


def _no_prompt(value: Any) -> str:
    came = "nothing" if value is None else type(value).__name__
    return f"expected text or a chat as 'prompt', came {came}"


def _read_history(value: Any) -> list[Turn]:
    """Earlier turns: a chat, or pairs of question and answer."""
    value = as_value(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        pairs = [pair for pair in value if isinstance(pair, list | tuple) and len(pair) == 2]
        roles = {"user", "assistant", "human", "gpt", "system"}
        if len(pairs) == len(value) and not all(str(pair[0]).casefold() in roles for pair in pairs):
            texts = [text for pair in pairs for text in pair]
            if all(isinstance(text, str) for text in texts):
                return [Turn("user" if n % 2 == 0 else "assistant", text) for n, text in enumerate(texts)]
    turns = read_turns(value)
    if turns is None and value:
        raise FieldError("expected 'history' as a chat, or as pairs of question and answer")
    return turns or []

"""A prompt's history as HTML, the same on every page; through ``markup`` and ``prose``."""

from __future__ import annotations

from collections.abc import Sequence

from blender_ui.language import tr
from blender_ui.ui import markup
from blender_ui.ui.prose import render_prose
from blender_ui.values import Message

TITLE = "The conversation so far"
WORDS = {"system": "System", "user": "Question", "assistant": "Answer", "tool": "Tool"}


def draw_history(history: Sequence[Message], title: str = TITLE) -> str:
    """The messages before a question, folded; empty where there are none."""
    if not history:
        return ""
    n_turns = sum(message.role == "user" for message in history)
    turns = tr("1 turn") if n_turns == 1 else tr("{n_turns} turns", n_turns=n_turns)
    return markup.fold(f"{title} ({turns})", draw_messages(history))


def draw_messages(history: Sequence[Message]) -> str:
    """The messages one below the other, each with who said it."""
    return "".join(
        markup.message(WORDS[one.role], render_prose(one.content) + render_prose(one.input))
        for one in history
    )

"""Draws the leaderboard page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import browser_memory

TITLE = "Leaderboard"
SENTENCE = "Whose answers people prefer, blind, and how sure that is."
ALL_KINDS = "All kinds of task"


class LeaderboardParts:
    """Everything on the page."""

    def __init__(self) -> None:
        self.memory = browser_memory()
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        self.contribution = gr.HTML("", padding=False, elem_id="leaderboard-own")
        self.kind = gr.Dropdown(
            [(ALL_KINDS, "")], value="", label="Kind of task", visible=False, elem_id="leaderboard-kind"
        )
        self.lists = gr.HTML(
            markup.remark("Reading the preferences."), padding=False, elem_id="leaderboard-lists"
        )

"""Draws the list of shared rounds and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import draw_rows

HELP = "Rounds that their askers show to whoever has the link. A link that is taken back never opens again."


class SharedLinksParts:
    """Where shared rounds are listed."""

    def __init__(self) -> None:
        with gr.Accordion("Rounds that are shared by a link", open=False, elem_id="data-shared") as self.fold:
            gr.HTML(markup.remark(HELP), padding=False)
            self.said = gr.HTML("", padding=False)
            self.rounds = draw_rows("data-shared-rounds")

"""Draws the list of one's earlier rounds and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui.shell import draw_rows


@dataclass(frozen=True, kw_only=True)
class PastParts:
    """The list of earlier rounds."""

    fold: gr.Accordion
    search: gr.Textbox
    rounds: gr.HTML
    said: gr.HTML


def draw_past() -> PastParts:
    """Draw the list, folded; it is read when it is opened."""
    with gr.Accordion("Your earlier questions", open=False, elem_id="blend-past") as fold:
        search = gr.Textbox(
            label="Search them",
            show_label=False,
            container=False,
            placeholder="Search your questions",
            max_length=200,
            elem_id="blend-past-search",
        )
        said = gr.HTML("", padding=False, elem_id="blend-past-said")
        rounds = draw_rows("blend-past-rounds")
    return PastParts(fold=fold, search=search, rounds=rounds, said=said)

"""Draws the label page: one frame that its own script fills."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui.prose import render_prose
from blender_ui.ui.shell import ASSETS_PATH

SCRIPTS = ("label_text.js", "label.js", "label_extras.js", "label_set.js", "label_reading.js")
"""One after the other; together they are the frame's script."""


def draw_label(*, keep_seconds: float) -> None:
    """Draw the page inside its Blocks.

    Args:
        keep_seconds: How often the page says that the person is still at the pair.
    """
    frame = (ASSETS_PATH / "label.html").read_text(encoding="utf-8")
    guidelines = (ASSETS_PATH / "guidelines.md").read_text(encoding="utf-8")
    gr.HTML(
        render_prose(guidelines),
        html_template=frame,
        css_template=(ASSETS_PATH / "label.css").read_text(encoding="utf-8"),
        js_on_load="\n".join((ASSETS_PATH / name).read_text(encoding="utf-8") for name in SCRIPTS),
        elem_id="label-page",
        apply_default_css=False,
        padding=False,
        keep_seconds=keep_seconds,
    )

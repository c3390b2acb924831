"""Draws the account page: a title and one frame that its own script fills."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import ASSETS_PATH

TITLE = "Account"
SENTENCE = "Who you are here. Your name is shown to you and to researchers; exports carry a pseudonym."


def draw_account(*, has_hub: bool) -> None:
    """Draw the page inside its Blocks.

    Args:
        has_hub: Whether people can sign in with their Hugging Face account, as on a Space with OAuth.
    """
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    gr.HTML(
        html_template=(ASSETS_PATH / "account.html").read_text(encoding="utf-8"),
        js_on_load=(ASSETS_PATH / "account.js").read_text(encoding="utf-8"),
        elem_id="account-page",
        apply_default_css=False,
        padding=False,
        hub="yes" if has_hub else "no",
    )
    if has_hub:
        # Its icon would be a file, and files are for researchers (ui/serving/gate.py).
        gr.LoginButton(elem_id="account-hub", icon=None)

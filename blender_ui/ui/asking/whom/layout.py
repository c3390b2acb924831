"""Draws where one says whom to ask, before and after. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui.asking.whom.planning import Whom


@dataclass(frozen=True, kw_only=True)
class WhomParts:
    """Before asking."""

    box: gr.Column
    whom: gr.Radio
    names: gr.CheckboxGroup
    line: gr.HTML
    look: gr.Button
    """Pressed by ``assets/page.js`` after a pause in typing."""
    plan: gr.State
    """What the line says, to be asked as it is."""


@dataclass(frozen=True, kw_only=True)
class LateParts:
    """After the answers."""

    box: gr.Row
    name: gr.Radio
    ask: gr.Button
    notice: gr.HTML


def draw_whom() -> WhomParts:
    """Draw below the question."""
    with gr.Column(elem_id="blend-whom", elem_classes="bu-whom", visible=False) as box:
        whom = gr.Radio(
            [(way.value, way.value) for way in Whom],
            value=Whom.ALL.value,
            label="Whom to ask",
            container=False,
            elem_id="blend-whom-way",
        )
        names = gr.CheckboxGroup(
            [], label="Models", container=False, visible=False, elem_id="blend-whom-names"
        )
        line = gr.HTML("", padding=False, elem_id="blend-whom-line")
        look = gr.Button("Say who", elem_id="blend-look", elem_classes="bu-hidden")
    return WhomParts(box=box, whom=whom, names=names, line=line, look=look, plan=gr.State(None))


def draw_late() -> LateParts:
    """Draw below the answers."""
    with gr.Row(elem_id="blend-late", elem_classes="bu-late", visible=False, equal_height=True) as box:
        name = gr.Radio(
            [], label="Ask also", container=False, visible=False, elem_id="blend-late-name", scale=3
        )
        ask = gr.Button("Ask one more", size="sm", elem_id="blend-late-ask", scale=0, min_width=160)
        notice = gr.HTML("", padding=False, elem_id="blend-late-notice")
    return LateParts(box=box, name=name, ask=ask, notice=notice)

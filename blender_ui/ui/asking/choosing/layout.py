"""Draws the choice of members, before and after asking. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui.asking.choosing.planning import MemberChoice


@dataclass(frozen=True, kw_only=True)
class ChoosingParts:
    """Before asking."""

    box: gr.Column
    way: gr.Radio
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


def draw_choosing() -> ChoosingParts:
    """Draw below the question."""
    with gr.Column(elem_id="blend-choosing", elem_classes="bu-choosing", visible=False) as box:
        way = gr.Radio(
            [(way.value, way.value) for way in MemberChoice],
            value=MemberChoice.ALL.value,
            label="Models to ask",
            container=False,
            elem_id="blend-choosing-way",
        )
        names = gr.CheckboxGroup(
            [], label="Models", container=False, visible=False, elem_id="blend-choosing-names"
        )
        line = gr.HTML("", padding=False, elem_id="blend-choosing-line")
        look = gr.Button("Say who", elem_id="blend-look", elem_classes="bu-hidden")
    return ChoosingParts(box=box, way=way, names=names, line=line, look=look, plan=gr.State(None))


def draw_late() -> LateParts:
    """Draw below the answers."""
    with gr.Row(elem_id="blend-late", elem_classes="bu-late", visible=False, equal_height=True) as box:
        name = gr.Radio(
            [], label="Ask also", container=False, visible=False, elem_id="blend-late-name", scale=3
        )
        ask = gr.Button("Ask one more", size="sm", elem_id="blend-late-ask", scale=0, min_width=160)
        notice = gr.HTML("", padding=False, elem_id="blend-late-notice")
    return LateParts(box=box, name=name, ask=ask, notice=notice)

"""Draws the quality page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.quality.drawing import WORDS
from blender_ui.ui.shell import browser_memory

TITLE = "How good are the labels?"
SENTENCE = (
    "How far people agree beyond chance, each annotator beside the others, and the pairs on which a "
    "researcher's ruling should count."
)
RULING_HELP = (
    "A ruling counts in training and in DPO exports in place of the majority. Labels stay as they were given."
)


@dataclass(frozen=True, kw_only=True)
class RulingParts:
    """Where a disagreement is ruled on."""

    pair: gr.HTML
    comparison_id: gr.State
    passed_over: gr.State
    outcome: gr.Radio
    reason: gr.Textbox
    rule: gr.Button
    pass_over: gr.Button
    notice: gr.HTML


@dataclass(frozen=True, kw_only=True)
class QualityParts:
    """Everything on the page."""

    memory: gr.BrowserState
    overall: gr.HTML
    curve: gr.Plot
    annotators: gr.HTML
    pairs: gr.HTML
    refresh: gr.Button
    ruling: RulingParts
    look: gr.Button
    figures: gr.JSON


def draw_quality() -> QualityParts:
    """Draw the page inside its Blocks."""
    memory = browser_memory()
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Agreement"), padding=False)
        overall = gr.HTML("", padding=False, min_height=60, elem_id="quality-overall")
        curve = gr.Plot(visible=False, label="Agreement over time", elem_id="quality-curve")
        refresh = gr.Button("Look again", elem_id="quality-refresh")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Annotators"), padding=False)
        annotators = gr.HTML("", padding=False, elem_id="quality-annotators")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Agreement between annotators"), padding=False)
        pairs = gr.HTML("", padding=False, elem_id="quality-pairs")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Disagreements", RULING_HELP), padding=False)
        ruling = _draw_ruling()
    return QualityParts(
        memory=memory,
        overall=overall,
        curve=curve,
        annotators=annotators,
        pairs=pairs,
        refresh=refresh,
        ruling=ruling,
        look=gr.Button(visible=False),  # the Python client's endpoint, docs/client.md
        figures=gr.JSON(visible=False),
    )


def _draw_ruling() -> RulingParts:
    pair = gr.HTML("", padding=False, elem_id="quality-pair")
    comparison_id, passed_over = gr.State(None), gr.State([])
    outcome = gr.Radio(
        [(words, outcome.value) for outcome, words in WORDS.items()],
        label="What counts",
        elem_id="quality-outcome",
        interactive=False,
    )
    reason = gr.Textbox(label="Why", lines=2, max_length=2000, elem_id="quality-reason", interactive=False)
    with gr.Row():
        rule = gr.Button("Rule", variant="primary", interactive=False, elem_id="quality-rule")
        pass_over = gr.Button("Pass over", interactive=False, elem_id="quality-pass")
    notice = gr.HTML("", padding=False, elem_id="quality-notice")
    return RulingParts(
        pair=pair,
        comparison_id=comparison_id,
        passed_over=passed_over,
        outcome=outcome,
        reason=reason,
        rule=rule,
        pass_over=pass_over,
        notice=notice,
    )

"""Draws the data page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup

TITLE = "Data in, data out"
SENTENCE = (
    "Import prompts with answers, and with preferences if there are any; what has none becomes pairs to "
    "label. Export everything, or what other trainers read."
)
FORMAT_HELP = (
    "JSON lines, gzipped or not, one prompt a line: id, prompt, source, licence, lang; candidates, each with "
    "model and text; labels, each with annotator, a, b, winner (a, b or tie) and kind (human or judge)."
)
FORMATS = [
    ("JSON lines: everything, and what imports read", "jsonl"),
    ("CSV: one row a label", "csv"),
    ("DPO: prompt, chosen, rejected", "dpo"),
]


@dataclass(frozen=True, kw_only=True)
class DataParts:
    """Everything on the page."""

    upload: gr.File
    ask_labelled: gr.Checkbox
    bring_in: gr.Button
    outcome: gr.HTML
    sources: gr.HTML
    format: gr.Radio
    export: gr.Button
    exported: gr.HTML
    download: gr.File


def draw_data() -> DataParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Import", FORMAT_HELP), padding=False)
        upload = gr.File(
            label="A .jsonl or .jsonl.gz file",
            file_types=[".jsonl", ".gz"],
            file_count="single",
            height=130,
            elem_id="data-upload",
        )
        ask_labelled = gr.Checkbox(False, label="Ask people also about pairs that the file has labels for")
        bring_in = gr.Button("Import", variant="primary", elem_id="data-import")
        outcome = gr.HTML("", padding=False, min_height=20, elem_id="data-outcome")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("In the store"), padding=False)
        sources = gr.HTML("", padding=False, elem_id="data-sources")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(
            markup.section("Export", "People leave under pseudonyms, and what was taken back stays."),
            padding=False,
        )
        format = gr.Radio(FORMATS, value="jsonl", label="As", elem_id="data-format")
        export = gr.Button("Prepare the file", elem_id="data-export")
        exported = gr.HTML("", padding=False)
        download = gr.File(visible=False, label="Download", interactive=False, elem_id="data-download")
    return DataParts(
        upload=upload,
        ask_labelled=ask_labelled,
        bring_in=bring_in,
        outcome=outcome,
        sources=sources,
        format=format,
        export=export,
        exported=exported,
        download=download,
    )

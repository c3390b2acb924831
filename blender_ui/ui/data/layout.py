"""Draws the data page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import FILE_TYPES

TITLE = "Data in, data out"
SENTENCE = (
    "Import prompts with answers, and with preferences if there are any; what has none becomes pairs to "
    "label. Export everything, or what other trainers read."
)
FORMAT_HELP = (
    "JSON lines, JSON, CSV, TSV, Excel or Parquet, or a data set's folder as a .zip. Rows may be this app's "
    "records, one label a row, chosen and rejected, or the files of Chatbot Arena, Label Studio, Argilla, "
    "Open WebUI, TRL, UltraFeedback and others. An archive of a whole store goes into an empty one."
)
MAPPED = {
    "prompt": "Prompt",
    "text_a": "Answer A",
    "text_b": "Answer B",
    "winner": "Vote",
    "model_a": "Model A",
    "model_b": "Model B",
    "annotator": "Annotator",
    "id": "Id of the prompt",
}
"""What a column may be said to hold, by its name in a row."""
FORMATS = [
    ("JSON lines: prompts, answers and labels", "jsonl"),
    ("CSV: one row a label", "csv"),
    ("Parquet: one row a label", "parquet"),
    ("DPO: prompt, chosen, rejected", "dpo"),
    ("Archive: every row of every table, names and sign-ins included", "archive"),
]


@dataclass(frozen=True, kw_only=True)
class ClientParts:
    """What only programs see: the ends of the Python client's endpoints (docs/client.md)."""

    bring_in: gr.Button
    take_out: gr.Button
    look: gr.Button
    answer: gr.JSON
    file: gr.File


@dataclass(frozen=True, kw_only=True)
class DataParts:
    """Everything on the page."""

    upload: gr.File
    hub: gr.Textbox
    ask_labelled: gr.Checkbox
    skip_faulty: gr.Checkbox
    source: gr.Textbox
    preview: gr.HTML
    by_hand: gr.Column
    columns: dict[str, gr.Dropdown]
    words: gr.Textbox
    bring_in: gr.Button
    outcome: gr.HTML
    left_rows: gr.File
    sources: gr.HTML
    format: gr.Radio
    export: gr.Button
    exported: gr.HTML
    download: gr.File
    client: ClientParts


def _draw_export() -> tuple[gr.Radio, gr.Button, gr.HTML, gr.File]:
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(
            markup.section(
                "Export",
                "Exports use pseudonyms and leave out retracted labels. An archive holds everything.",
            ),
            padding=False,
        )
        format = gr.Radio(FORMATS, value="jsonl", label="As", elem_id="data-format")
        export = gr.Button("Prepare the file", elem_id="data-export")
        exported = gr.HTML("", padding=False)
        download = gr.File(visible=False, label="Download", interactive=False, elem_id="data-download")
    return format, export, exported, download


def draw_data() -> DataParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Import", FORMAT_HELP), padding=False)
        upload = gr.File(
            label="A file of preferences",
            file_types=FILE_TYPES,
            file_count="single",
            height=130,
            elem_id="data-upload",
        )
        hub = gr.Textbox(
            value="",
            label="Or a data set of the Hugging Face Hub",
            placeholder="owner/name, or owner/name/folder; Enter downloads it and shows what it would bring",
            max_length=256,
            elem_id="data-hub",
        )
        ask_labelled = gr.Checkbox(False, label="Ask people also about pairs that the file has labels for")
        skip_faulty = gr.Checkbox(
            False, label="Skip malformed rows, and name them, instead of refusing the file"
        )
        source = gr.Textbox(
            value="",  # a default for the Python client
            label="Source, where the file names none",
            placeholder="the file's name",
            max_length=128,
            elem_id="data-source",
        )
        preview = gr.HTML("", padding=False, min_height=20, elem_id="data-preview")
        with gr.Column(visible=False, elem_id="data-by-hand") as by_hand:
            columns, words = _draw_mapping()
        bring_in = gr.Button("Import", variant="primary", elem_id="data-import")
        outcome = gr.HTML("", padding=False, min_height=20, elem_id="data-outcome")
        left_rows = gr.File(
            visible=False, label="Rows that were left out", interactive=False, elem_id="data-left-rows"
        )
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("In the store"), padding=False)
        sources = gr.HTML("", padding=False, elem_id="data-sources")
    format, export, exported, download = _draw_export()
    return DataParts(
        upload=upload,
        hub=hub,
        ask_labelled=ask_labelled,
        skip_faulty=skip_faulty,
        source=source,
        preview=preview,
        by_hand=by_hand,
        columns=columns,
        words=words,
        bring_in=bring_in,
        outcome=outcome,
        left_rows=left_rows,
        sources=sources,
        format=format,
        export=export,
        exported=exported,
        download=download,
        client=_draw_client(),
    )


def _draw_mapping() -> tuple[dict[str, gr.Dropdown], gr.Textbox]:
    """One choice of a column for each thing that a row can tell."""
    columns = {}
    for names in (("prompt", "text_a", "text_b"), ("winner", "model_a", "model_b"), ("annotator", "id")):
        with gr.Row():
            for name in names:
                columns[name] = gr.Dropdown(
                    [], value=None, label=MAPPED[name], interactive=True, elem_id=f"data-map-{name}"
                )
    words = gr.Textbox(
        value="",
        label="What the vote's words mean",
        placeholder="0=a, 1=b, 2=tie",
        max_length=2000,
        elem_id="data-words",
    )
    return columns, words


def _draw_client() -> ClientParts:
    bring_in, take_out, look = (gr.Button(visible=False) for _ in range(3))
    return ClientParts(
        bring_in=bring_in,
        take_out=take_out,
        look=look,
        answer=gr.JSON(visible=False),
        file=gr.File(visible=False),
    )

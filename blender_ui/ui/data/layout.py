"""Draws the data page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.data import drawing
from blender_ui.ui.data.handlers import UploadPreview
from blender_ui.ui.data.shared.layout import SharedLinksParts
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
EXPORT_HELP = (
    "Of the project that is chosen at the top. Exports use pseudonyms, leave out retracted labels and come "
    "with a card that says what is in them. An archive holds everything, as it is."
)
HUB_HELP = "owner/name, or owner/name/folder; Enter downloads it and shows what it would bring"
BY_HAND = "Which column holds what"
MAPPED = {
    "prompt": "Prompt",
    "text_a": "Answer A",
    "text_b": "Answer B",
    "winner": "Vote",
    "chosen": "Or the better answer",
    "rejected": "And the worse",
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
    ("SFT: the answers that people prefer, as conversations", "sft"),
    ("DPO: prompt, chosen, rejected, with weights", "dpo"),
    ("KTO: answers with a good or bad label", "kto"),
    ("Best of n: each prompt's best-ranked answer", "best_of_n"),
    ("Rejection sampling: all answers that the ranker finds good enough", "rejection_sampled"),
    ("Archive: every row of every table, names and sign-ins included", "archive"),
]


class ClientParts:
    """What only programs see: the ends of the Python client's endpoints (docs/client.md)."""

    def __init__(self) -> None:
        self.bring_in, self.take_out, self.look = (gr.Button(visible=False) for _ in range(3))
        self.answer = gr.JSON(visible=False)
        self.file = gr.File(visible=False)


class SomeParts:
    """Which preferences an export takes; ``handlers.Some`` reads it by these names."""

    def __init__(self) -> None:
        such = "such as 2026-05-31"
        with gr.Row(elem_classes="bu-form"):
            self.since = gr.Textbox(
                "", label="Given on this day (UTC) or later", placeholder=such, max_length=10
            )
            self.until = gr.Textbox(
                "", label="Given on this day (UTC) or before", placeholder=such, max_length=10
            )
        with gr.Row(elem_classes="bu-form"):
            self.people = gr.Dropdown(
                [], value=[], multiselect=True, label="By these people; none for everybody"
            )
            self.agreement = gr.Slider(
                0,
                100,
                0,
                step=5,
                label="On pairs on which so many percent say the same",
                info="0 takes every pair; any other share leaves out pairs that were judged once.",
            )


class TrainingParts:
    """How a file for trainers is made; ``for_training.Wanted`` reads it by these names."""

    def __init__(self) -> None:
        with gr.Row(elem_classes="bu-form"):
            self.syntax = gr.Dropdown(
                [("JSON lines", "jsonl"), ("CSV", "csv"), ("Parquet", "parquet")],
                value="jsonl",
                label="File",
                elem_id="data-syntax",
            )
            self.threshold = gr.Slider(
                0,
                100,
                50,
                step=5,
                label="Best of n, rejection sampling: better than another answer with so many percent",
            )
        with gr.Row(elem_classes="bu-form"):
            self.margin = gr.Number(
                0, minimum=0, label="Ahead of the next answer by so many log-odds", elem_id="data-margin"
            )
            self.ranks_first = gr.Checkbox(
                False,
                label="First rank the prompts that the active ranker has not ranked; this takes a while",
            )


class ExportParts:
    """Where a file is asked for."""

    def __init__(self) -> None:
        gr.HTML(markup.section("Export", EXPORT_HELP), padding=False)
        with gr.Row(elem_classes="bu-form bu-line"):
            self.format = gr.Dropdown(FORMATS, value="jsonl", label="As", scale=3, elem_id="data-format")
            self.export = gr.Button("Prepare the file", scale=0, min_width=160, elem_id="data-export")
        with gr.Accordion("Only some preferences", open=False, elem_id="data-some"):
            self.some = SomeParts()
        with gr.Accordion("For trainers: SFT, DPO, KTO, best of n", open=False, elem_id="data-training"):
            self.training = TrainingParts()
        self.exported = gr.HTML("", padding=False, elem_id="data-exported")
        self.download = gr.File(
            visible=False,
            label="Download",
            interactive=False,
            elem_id="data-download",
            elem_classes="bu-file",
        )
        self.card = gr.File(
            visible=False, label="Its card", interactive=False, elem_id="data-card", elem_classes="bu-file"
        )


class DataParts:
    """Everything on the page."""

    def __init__(self) -> None:
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        with gr.Row(elem_classes="bu-pair"):
            with gr.Column(elem_classes="bu-panel", min_width=340):
                self._draw_import()
            with gr.Column(elem_classes="bu-panel", min_width=340):
                self._draw_preview()
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("In the store"), padding=False)
            self.sources = gr.HTML("", padding=False, elem_id="data-sources")
        with gr.Column(elem_classes="bu-panel"):
            self.out = ExportParts()
        with gr.Column(elem_classes="bu-panel"):
            self.shared = SharedLinksParts()
        self.client = ClientParts()

    def _draw_import(self) -> None:
        gr.HTML(markup.section("Import", FORMAT_HELP), padding=False)
        self.upload = gr.File(
            label="A file of preferences",
            file_types=FILE_TYPES,
            file_count="single",
            height=130,
            elem_id="data-upload",
            elem_classes="bu-file",
        )
        with gr.Column(elem_classes="bu-form"):
            self.hub = gr.Textbox(
                value="",
                label="Or a data set of the Hugging Face Hub",
                placeholder=HUB_HELP,
                max_length=256,
                elem_id="data-hub",
            )
        with gr.Accordion("How it is read", open=False, elem_id="data-options"):
            self.ask_labelled = gr.Checkbox(
                False, label="Ask people also about pairs that the file has labels for"
            )
            self.skip_faulty = gr.Checkbox(
                False, label="Skip malformed rows, and name them, instead of refusing the file"
            )
            self.source = gr.Textbox(
                value="",  # a default for the Python client
                label="Source, where the file names none",
                placeholder="the file's name",
                max_length=128,
                elem_id="data-source",
            )

    def _draw_preview(self) -> None:
        gr.HTML(markup.section("What it would bring"), padding=False)
        self.preview = gr.HTML(
            drawing.draw_preview(UploadPreview(name="")), padding=False, min_height=20, elem_id="data-preview"
        )
        with gr.Accordion(BY_HAND, open=False, visible=False, elem_id="data-by-hand") as self.by_hand:
            self.columns, self.words = _draw_mapping()
        with gr.Row(elem_classes="bu-acts"):
            self.bring_in = gr.Button("Import", variant="primary", elem_id="data-import")
        self.outcome = gr.HTML("", padding=False, min_height=20, elem_id="data-outcome")
        self.left_rows = gr.File(
            visible=False,
            label="Rows that were left out",
            interactive=False,
            elem_id="data-left-rows",
            elem_classes="bu-file",
        )


def _draw_mapping() -> tuple[dict[str, gr.Dropdown], gr.Textbox]:
    """One choice of a column for each thing that a row can tell."""
    columns = {}
    for names in (
        ("prompt", "text_a", "text_b", "winner"),
        ("chosen", "rejected", "annotator"),
        ("model_a", "model_b", "id"),
    ):
        with gr.Row(elem_classes="bu-form"):
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

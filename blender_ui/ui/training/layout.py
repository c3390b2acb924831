"""Draws the train page and gives its components by name. No events, no services."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import browser_memory, draw_rows
from blender_ui.ui.training.drawing import KIND_NAMES
from db.enums import TRAININGS, JobKind

TITLE = "Teach the ranker"
SENTENCE = (
    "A training learns from every preference there is, is judged on prompts that it never saw, and takes "
    "the place of the active version only where it predicts people better."
)
HOW_TO_FETCH = (
    "Joint and pointwise rankers are fine-tuned from an encoder, and none is here. "
    "This fetches one: python -m blender_ui.weights fetch all-minilm-l6-v2"
)
WATCH_EVERY_SECONDS = 1.0


class AskParts:
    """Where a training is asked for."""

    def __init__(self, encoders: Sequence[str]) -> None:
        kinds = TRAININGS if encoders else (JobKind.FAST, JobKind.FUSER, JobKind.CHOOSER)
        gr.HTML(markup.section("Train a new version"), padding=False)
        self.readiness = gr.HTML(
            markup.remark("Counting the preferences."), padding=False, elem_id="train-readiness"
        )
        with gr.Row(elem_classes="bu-acts"):
            self.train = gr.Button("Train", variant="primary", elem_id="train-go")
        self.notice = gr.HTML("", padding=False, elem_id="train-notice")
        with gr.Accordion("What to train", open=False, elem_id="train-options"):
            self.kind = gr.Radio(
                [(KIND_NAMES[kind], kind.value) for kind in kinds],
                value=JobKind.FAST.value,
                label="Kind",
                elem_id="train-kind",
            )
            if not encoders:
                gr.HTML(markup.remark(HOW_TO_FETCH), padding=False)
            with gr.Row(visible=bool(encoders), elem_classes="bu-form"):
                self.encoder = gr.Dropdown(list(encoders), value=next(iter(encoders), None), label="Encoder")
                self.n_epochs = gr.Number(3, label="Epochs", precision=0, minimum=1, maximum=50)
                self.learning_rate = gr.Number(
                    2e-5, label="Learning rate", minimum=1e-7, maximum=1e-2, step=1e-6
                )


class WatchParts:
    """Where a job is watched."""

    def __init__(self) -> None:
        self.card = gr.HTML("", padding=False, elem_id="train-card")
        with gr.Accordion(
            "Learning curve", open=False, visible=False, elem_id="train-curve-fold"
        ) as self.fold:
            self.curve = gr.Plot(show_label=False, container=False, elem_id="train-curve")
        with gr.Row(elem_classes="bu-acts"):
            self.cancel = gr.Button("Cancel this job", size="sm", visible=False, elem_id="train-cancel")
        self.job_id = gr.State(None)
        self.n_points = gr.State(0)
        self.timer = gr.Timer(WATCH_EVERY_SECONDS, active=False)


class RoleParts:
    """Where the versions of one role are compared and one is made active.

    Args:
        role: Is part of the components' names; empty for the rankers, who come first.
    """

    def __init__(self, role: str) -> None:
        end = f"-{role}" if role else ""
        self.versions = draw_rows(f"train-{role or 'version'}s")
        self.chosen = gr.State(None)
        """The version whose row was pressed."""
        with gr.Column(
            visible=False, elem_id=f"train-choose{end}", elem_classes="bu-confirm"
        ) as self.confirm:
            self.question = gr.HTML("", padding=False)
            with gr.Row(elem_classes="bu-form bu-line"):
                self.reason = gr.Textbox(
                    label="Why", placeholder="It is kept with the decision", max_length=2000, scale=3
                )
                self.activate = gr.Button(
                    "Let it serve", variant="primary", scale=0, min_width=130, elem_id=f"train-activate{end}"
                )
                self.leave = gr.Button("Not now", scale=0, min_width=110)
        self.notice = gr.HTML("", padding=False)


class TrainParts:
    """Everything on the page."""

    def __init__(self, encoders: Sequence[str]) -> None:
        """Draw the page inside its Blocks.

        Args:
            encoders: Names of the encoders whose weights are here.
        """
        self.memory = browser_memory()
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        self.drift = gr.HTML("", padding=False, elem_id="train-drift")
        with gr.Row(elem_classes="bu-pair"):
            with gr.Column(elem_classes="bu-panel", min_width=340):
                self.active = gr.HTML("", padding=False, min_height=60, elem_id="train-active")
            with gr.Column(elem_classes="bu-panel", min_width=340):
                self.ask = AskParts(encoders)
        with gr.Column(elem_classes="bu-panel"):
            self.watch = WatchParts()
        self.shadow = gr.HTML("", padding=False, elem_id="train-shadow")
        with gr.Tabs():
            with gr.Tab("Rankers"), gr.Column(elem_classes="bu-panel"):
                self.rankers = RoleParts("")
            with gr.Tab("Fusers"), gr.Column(elem_classes="bu-panel"):
                self.fusers = RoleParts("fuser")
            with gr.Tab("Choosers of members"), gr.Column(elem_classes="bu-panel"):
                self.choosers = RoleParts("chooser")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Decisions"), padding=False)
            self.decisions = gr.HTML("", padding=False, elem_id="train-decisions")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("All jobs"), padding=False)
            self.jobs = gr.HTML("", padding=False, elem_id="train-jobs")

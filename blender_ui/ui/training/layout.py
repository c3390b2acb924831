"""Draws the train page and gives its components by name. No events, no services."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.shell import browser_memory
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
        self.readiness = gr.HTML(
            markup.remark("Counting the preferences."), padding=False, elem_id="train-readiness"
        )
        with gr.Accordion("What to train", open=False, elem_id="train-options"):
            self.kind = gr.Radio(
                [(KIND_NAMES[kind], kind.value) for kind in kinds],
                value=JobKind.FAST.value,
                label="Kind",
                elem_id="train-kind",
            )
            if not encoders:
                gr.HTML(markup.remark(HOW_TO_FETCH), padding=False)
            with gr.Row(visible=bool(encoders)):
                self.encoder = gr.Dropdown(list(encoders), value=next(iter(encoders), None), label="Encoder")
                self.n_epochs = gr.Number(3, label="Epochs", precision=0, minimum=1, maximum=50)
                self.learning_rate = gr.Number(
                    2e-5, label="Learning rate", minimum=1e-7, maximum=1e-2, step=1e-6
                )
        self.train = gr.Button("Train", variant="primary", elem_id="train-go")
        self.notice = gr.HTML("", padding=False, elem_id="train-notice")


class WatchParts:
    """Where a job is watched."""

    def __init__(self) -> None:
        self.card = gr.HTML("", padding=False, elem_id="train-card")
        self.curve = gr.Plot(visible=False, show_label=False, container=False, elem_id="train-curve")
        self.cancel = gr.Button("Cancel this job", size="sm", visible=False, elem_id="train-cancel")
        self.job_id = gr.State(None)
        self.n_points = gr.State(0)
        self.timer = gr.Timer(WATCH_EVERY_SECONDS, active=False)


class RoleParts:
    """Where the versions of one role are compared and one is made active.

    Args:
        role: Is part of the components' names; empty for the rankers, who come first.
        act: What the button says.
    """

    def __init__(self, role: str, act: str) -> None:
        end = f"-{role}" if role else ""
        self.versions = gr.HTML("", padding=False, elem_id=f"train-{role or 'version'}s")
        with gr.Accordion("Activate or roll back", open=False, elem_id=f"train-choose{end}"):
            with gr.Row():
                self.chosen = gr.Dropdown([], label="Version", scale=1)
                self.reason = gr.Textbox(label="Why", placeholder="It is kept with the decision", scale=3)
            self.activate = gr.Button(act, size="sm", elem_id=f"train-activate{end}")
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
        with gr.Column(elem_classes="bu-panel"):
            self.ask = AskParts(encoders)
        with gr.Column(elem_classes="bu-panel"):
            self.watch = WatchParts()
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Versions"), padding=False)
            self.rankers = RoleParts("", "Let this version rank")
            gr.HTML(markup.section("Decisions"), padding=False)
            self.decisions = gr.HTML("", padding=False, elem_id="train-decisions")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Fusers"), padding=False)
            self.fusers = RoleParts("fuser", "Let this version fuse")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Choosers of members"), padding=False)
            self.choosers = RoleParts("chooser", "Let this version choose")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("All jobs"), padding=False)
            self.jobs = gr.HTML("", padding=False, elem_id="train-jobs")

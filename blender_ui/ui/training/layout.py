"""Draws the train page and gives its components by name. No events, no services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class AskParts:
    """Where a training is asked for."""

    readiness: gr.HTML
    kind: gr.Radio
    encoder: gr.Dropdown
    n_epochs: gr.Number
    learning_rate: gr.Number
    train: gr.Button
    notice: gr.HTML


@dataclass(frozen=True, kw_only=True)
class WatchParts:
    """Where a job is watched."""

    card: gr.HTML
    curve: gr.Plot
    cancel: gr.Button
    job_id: gr.State
    n_points: gr.State
    timer: gr.Timer


@dataclass(frozen=True, kw_only=True)
class VersionParts:
    """Where versions are compared and chosen."""

    versions: gr.HTML
    chosen: gr.Dropdown
    reason: gr.Textbox
    activate: gr.Button
    notice: gr.HTML
    decisions: gr.HTML


@dataclass(frozen=True, kw_only=True)
class RoleParts:
    """Where the versions of fusers, or of choosers, are compared and one is made active."""

    versions: gr.HTML
    chosen: gr.Dropdown
    reason: gr.Textbox
    activate: gr.Button
    notice: gr.HTML


@dataclass(frozen=True, kw_only=True)
class TrainParts:
    """Everything on the page."""

    memory: gr.BrowserState
    ask: AskParts
    watch: WatchParts
    jobs: gr.HTML
    versions: VersionParts
    fusers: RoleParts
    choosers: RoleParts


def draw_train(encoders: Sequence[str]) -> TrainParts:
    """Draw the page inside its Blocks.

    Args:
        encoders: Names of the encoders whose weights are here.
    """
    memory = browser_memory()
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        ask = _draw_ask(encoders)
    with gr.Column(elem_classes="bu-panel"):
        watch = _draw_watch()
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Versions"), padding=False)
        versions = _draw_versions()
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Fusers"), padding=False)
        fusers = _draw_role("fuser", "Let this version fuse")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Choosers of members"), padding=False)
        choosers = _draw_role("chooser", "Let this version choose")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("All jobs"), padding=False)
        jobs = gr.HTML("", padding=False, elem_id="train-jobs")
    return TrainParts(
        memory=memory,
        ask=ask,
        watch=watch,
        jobs=jobs,
        versions=versions,
        fusers=fusers,
        choosers=choosers,
    )


def _draw_ask(encoders: Sequence[str]) -> AskParts:
    kinds = TRAININGS if encoders else (JobKind.FAST, JobKind.FUSER, JobKind.CHOOSER)
    readiness = gr.HTML(markup.remark("Counting the preferences."), padding=False, elem_id="train-readiness")
    with gr.Accordion("What to train", open=False, elem_id="train-options"):
        kind = gr.Radio(
            [(KIND_NAMES[kind], kind.value) for kind in kinds],
            value=JobKind.FAST.value,
            label="Kind",
            elem_id="train-kind",
        )
        if not encoders:
            gr.HTML(markup.remark(HOW_TO_FETCH), padding=False)
        with gr.Row(visible=bool(encoders)):
            encoder = gr.Dropdown(list(encoders), value=next(iter(encoders), None), label="Encoder")
            n_epochs = gr.Number(3, label="Epochs", precision=0, minimum=1, maximum=50)
            learning_rate = gr.Number(2e-5, label="Learning rate", minimum=1e-7, maximum=1e-2, step=1e-6)
    train = gr.Button("Train", variant="primary", elem_id="train-go")
    notice = gr.HTML("", padding=False, elem_id="train-notice")
    return AskParts(
        readiness=readiness,
        kind=kind,
        encoder=encoder,
        n_epochs=n_epochs,
        learning_rate=learning_rate,
        train=train,
        notice=notice,
    )


def _draw_watch() -> WatchParts:
    card = gr.HTML("", padding=False, elem_id="train-card")
    curve = gr.Plot(visible=False, show_label=False, container=False, elem_id="train-curve")
    cancel = gr.Button("Cancel this job", size="sm", visible=False, elem_id="train-cancel")
    return WatchParts(
        card=card,
        curve=curve,
        cancel=cancel,
        job_id=gr.State(None),
        n_points=gr.State(0),
        timer=gr.Timer(WATCH_EVERY_SECONDS, active=False),
    )


def _draw_versions() -> VersionParts:
    versions = gr.HTML("", padding=False, elem_id="train-versions")
    with gr.Accordion("Activate or roll back", open=False, elem_id="train-choose"):
        with gr.Row():
            chosen = gr.Dropdown([], label="Version", scale=1)
            reason = gr.Textbox(label="Why", placeholder="It is kept with the decision", scale=3)
        activate = gr.Button("Let this version rank", size="sm", elem_id="train-activate")
        notice = gr.HTML("", padding=False)
    gr.HTML(markup.section("Decisions"), padding=False)
    decisions = gr.HTML("", padding=False, elem_id="train-decisions")
    return VersionParts(
        versions=versions, chosen=chosen, reason=reason, activate=activate, notice=notice, decisions=decisions
    )


def _draw_role(role: str, act: str) -> RoleParts:
    versions = gr.HTML("", padding=False, elem_id=f"train-{role}s")
    with gr.Accordion("Activate or roll back", open=False, elem_id=f"train-choose-{role}"):
        with gr.Row():
            chosen = gr.Dropdown([], label="Version", scale=1)
            reason = gr.Textbox(label="Why", placeholder="It is kept with the decision", scale=3)
        activate = gr.Button(act, size="sm", elem_id=f"train-activate-{role}")
        notice = gr.HTML("", padding=False)
    return RoleParts(versions=versions, chosen=chosen, reason=reason, activate=activate, notice=notice)
